// Package page writes a report: an HTML page, the same in Markdown, and figures.
package page

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	text "text/template"

	"golang.org/x/sync/errgroup"

	"github.com/stratbench/stratbench/internal/host"
	"github.com/stratbench/stratbench/results/answer"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/report/plot"
)

// Page is a report before it is written.
type Page struct {
	Title string
	Lead  []string
	// CardsTitle stands above the cards, where they need one.
	CardsTitle string
	Cards      []report.Card
	Sections   []Section
	// Answer is what the cards say, for programs; nil where there are none.
	Answer *answer.Answer
	// Appendices are folded: nobody has to read them.
	Appendices []Section
}

// Section is a part of a page. The first one may have no title.
type Section struct {
	Title   string
	Text    []string
	Figures []plot.Figure
	Tables  []report.Table
	Points  []string
}

// add leaves out tables without rows, and sections that have nothing to say.
func (p *Page) add(s Section) {
	s.Tables = slices.DeleteFunc(s.Tables, func(t report.Table) bool { return len(t.Rows) == 0 })
	if len(s.Text)+len(s.Tables)+len(s.Figures)+len(s.Points) > 0 {
		p.Sections = append(p.Sections, s)
	}
}

//go:embed page.html
var layout string

//go:embed page.css
var style string

//go:embed page.md
var markdown string

// HTML writes the page as one file that needs nothing else.
func (p Page) HTML(w io.Writer) error {
	return template.Must(template.New("page").Funcs(template.FuncMap{
		"anchor": func(title string) string {
			return strings.Trim(notAnchor.ReplaceAllString(strings.ToLower(title), "-"), "-")
		},
		"url":     func(svg []byte) template.URL { return template.URL(embedded(svg)) },
		"srcset":  func(svg []byte) template.Srcset { return template.Srcset(embedded(svg)) },
		"capital": report.Capital,
		"numeric": numeric,
		"style":   func() template.CSS { return template.CSS(style) },
	}).Parse(layout)).Execute(w, p)
}

var notAnchor = regexp.MustCompile(`[^a-z0-9]+`)

var number = regexp.MustCompile(`^([<>−+]?[0-9.,]+(/[0-9]+)?( (s|min|h|%|of).*)?|–|∞)$`)

// numeric returns which columns hold figures only, to be set on the right.
func numeric(t report.Table) []bool {
	columns := make([]bool, len(t.Header))
	for i := range columns {
		columns[i] = true
		for _, row := range t.Rows {
			columns[i] = columns[i] && (row[i] == "" || number.MatchString(row[i]))
		}
	}
	return columns
}

// embedded puts a figure into the page itself.
func embedded(svg []byte) string {
	return "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString(svg)
}

// Markdown writes the page, with its figures as links into the folder Figures. Tags and
// control characters in names stay what they are: text.
func (p Page) Markdown(w io.Writer) error {
	table := func(t report.Table) (string, error) {
		var b strings.Builder
		err := report.Table{Header: t.Header, Rows: t.Rows}.Write(&b, report.FormatMarkdown)
		return b.String(), err
	}
	functions := text.FuncMap{"text": report.FormatMarkdown.Text, "table": table}
	return text.Must(text.New("page").Funcs(functions).Parse(markdown)).Execute(w, p)
}

// Figures is the folder of a report's figures.
const Figures = "figures"

// Write writes a report into the folder dir: index.html, report.md, each figure as
// SVG and, if asked for, as PNG, and the data under the names of its files. The
// figures of an earlier report in dir are removed.
func (p Page) Write(dir string, data map[string]any, withPNG bool) error {
	if err := ours(dir, data); err != nil {
		return err
	}
	var html, markdown bytes.Buffer
	if err := errors.Join(p.HTML(&html), p.Markdown(&markdown)); err != nil {
		return fmt.Errorf("making the report: %w", err)
	}
	files := map[string][]byte{"index.html": html.Bytes(), "report.md": markdown.Bytes()}
	for name, value := range data {
		text, err := json.MarshalIndent(value, "", "  ")
		if err != nil {
			return fmt.Errorf("encoding %s: %w", name, err)
		}
		files[name] = append(text, '\n')
	}
	figures := filepath.Join(dir, Figures)
	if err := os.MkdirAll(figures, 0o755); err != nil {
		return fmt.Errorf("creating the report's folder: %w", err)
	}
	if err := removeShown(dir); err != nil {
		return fmt.Errorf("removing the figures of the earlier report: %w", err)
	}
	for name, text := range files {
		if err := host.WriteFile(filepath.Join(dir, name), text); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	var group errgroup.Group
	group.SetLimit(runtime.NumCPU())
	for _, s := range p.Sections {
		for _, f := range s.Figures {
			group.Go(func() error { return f.WriteFiles(figures, withPNG) })
		}
	}
	return group.Wait()
}

// ours refuses a folder with a page that is no report: those have their data beside.
func ours(dir string, data map[string]any) error {
	for name := range data {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return nil
		}
	}
	for _, name := range []string{"index.html", "report.md"} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return fmt.Errorf("%s is already there and is not a report by stratbench; write the report into another folder", filepath.Join(dir, name))
		}
	}
	return nil
}

// shown finds the figures in a report's Markdown.
var shown = regexp.MustCompile(`\]\(` + Figures + `/([a-zA-Z0-9.+-]+)\.svg\)`)

// removeShown removes the figures that the report in dir shows, and nobody's own file.
func removeShown(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, "report.md"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, m := range shown.FindAllSubmatch(text, -1) {
		for _, ending := range []string{".svg", ".png"} {
			if err := os.Remove(filepath.Join(dir, Figures, string(m[1])+ending)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}
