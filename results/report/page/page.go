// Package page writes a report: one self-contained HTML page, the same in
// Markdown, and the figures as files.
package page

import (
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"regexp"
	"strings"

	_ "embed"

	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/report/plot"
)

// Page is a report before it is written.
type Page struct {
	Title    string
	Lead     []string
	Sections []Section
}

// Section is a part of a page: text, then tables, then figures.
type Section struct {
	Title   string
	Text    []string
	Tables  []report.Table
	Figures []plot.Figure
}

//go:embed page.html
var layout string

//go:embed page.css
var style string

//go:embed page.js
var script string

// HTML writes the page as one file that needs nothing else.
func (p Page) HTML(w io.Writer) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"anchor": anchor,
		"image":  image,
		"style":  func() template.CSS { return template.CSS(style) },
		"script": func() template.JS { return template.JS(script) },
	}).Parse(layout)
	if err != nil {
		return fmt.Errorf("reading the page's layout: %w", err)
	}
	return t.Execute(w, p)
}

var notAnchor = regexp.MustCompile(`[^a-z0-9]+`)

func anchor(title string) string {
	return strings.Trim(notAnchor.ReplaceAllString(strings.ToLower(title), "-"), "-")
}

// image puts a figure into the page itself.
func image(f plot.Figure) (template.URL, error) {
	svg, err := f.SVG()
	if err != nil {
		return "", fmt.Errorf("drawing %s: %w", f.Name, err)
	}
	return template.URL("data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString(svg)), nil
}

// Markdown writes the page with its figures as links into folder.
func (p Page) Markdown(w io.Writer, folder string) error {
	if _, err := fmt.Fprintf(w, "# %s\n\n", p.Title); err != nil {
		return err
	}
	paragraphs(w, p.Lead)
	for _, s := range p.Sections {
		fmt.Fprintf(w, "## %s\n\n", s.Title)
		paragraphs(w, s.Text)
		for _, t := range s.Tables {
			if err := markdownTable(w, t, s.Title); err != nil {
				return err
			}
		}
		for _, f := range s.Figures {
			if _, err := fmt.Fprintf(w, "![%s](%s/%s.svg)\n\n*%s. %s*\n\n", f.Alt, folder, f.Name, f.Title, f.Caption); err != nil {
				return err
			}
		}
	}
	return nil
}

func markdownTable(w io.Writer, t report.Table, section string) error {
	if t.Title != "" && t.Title != section {
		fmt.Fprintf(w, "### %s\n\n", t.Title)
	}
	if len(t.Rows) > 0 {
		if err := (report.Table{Header: t.Header, Rows: t.Rows}).Write(w, report.FormatMarkdown); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	paragraphs(w, t.Notes)
	return nil
}

func paragraphs(w io.Writer, lines []string) {
	for _, l := range lines {
		fmt.Fprintf(w, "%s\n\n", l)
	}
}
