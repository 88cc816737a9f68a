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

// Section is a part of a page: text, then points of a list, figures, and tables.
// The first one of a page may have no title.
type Section struct {
	Title   string
	Text    []string
	Figures []plot.Figure
	Tables  []report.Table
	Points  []string
}

//go:embed page.html
var layout string

//go:embed page.css
var style string

// HTML writes the page as one file that needs nothing else.
func (p Page) HTML(w io.Writer) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"anchor":  anchor,
		"image":   image,
		"narrow":  narrow,
		"first":   first,
		"numeric": numeric,
		"style":   func() template.CSS { return template.CSS(style) },
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

// first is the text as the beginning of a sentence.
func first(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

var number = regexp.MustCompile(`^([<>−+]?[0-9.,]+(/[0-9]+)?( (s|min|h|%|of).*)?|–|∞)$`)

// numeric tells which columns hold figures only, to be set on the right.
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

// image puts a figure into the page itself.
func image(f plot.Figure) (template.URL, error) {
	svg, err := f.SVG()
	if err != nil {
		return "", fmt.Errorf("drawing %s: %w", f.Name, err)
	}
	return template.URL(embedded(svg)), nil
}

// narrow is the figure as it is drawn for telephones; empty without one.
func narrow(f plot.Figure) (template.Srcset, error) {
	svg, err := f.NarrowSVG()
	if err != nil {
		return "", fmt.Errorf("drawing %s for telephones: %w", f.Name, err)
	}
	if svg == nil {
		return "", nil
	}
	return template.Srcset(embedded(svg)), nil
}

func embedded(svg []byte) string {
	return "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString(svg)
}

// Markdown writes the page with its figures as links into folder.
func (p Page) Markdown(w io.Writer, folder string) error {
	if _, err := fmt.Fprintf(w, "# %s\n\n", markdown(p.Title)); err != nil {
		return err
	}
	paragraphs(w, p.Lead)
	if p.CardsTitle != "" && len(p.Cards) > 0 {
		fmt.Fprintf(w, "## %s\n\n", p.CardsTitle)
	}
	for _, c := range p.Cards {
		fmt.Fprintf(w, "**%s: %s.** %s\n\n", markdown(c.When), markdown(c.Do), markdown(c.Why))
	}
	for _, s := range p.Sections {
		if s.Title != "" {
			fmt.Fprintf(w, "## %s\n\n", markdown(s.Title))
		}
		if err := s.markdown(w, folder); err != nil {
			return err
		}
	}
	for _, s := range p.Appendices {
		fmt.Fprintf(w, "<details><summary>%s</summary>\n\n", markdown(s.Title))
		if err := s.markdown(w, folder); err != nil {
			return err
		}
		fmt.Fprint(w, "</details>\n\n")
	}
	return nil
}

func (s Section) markdown(w io.Writer, folder string) error {
	paragraphs(w, s.Text)
	for _, f := range s.Figures {
		if _, err := fmt.Fprintf(w, "![%s](%s/%s.svg)\n\n*%s. %s*\n\n", markdown(f.Alt), folder, f.Name, markdown(f.Title), markdown(f.Caption)); err != nil {
			return err
		}
	}
	for _, t := range s.Tables {
		if t.Title != "" && t.Title != s.Title {
			fmt.Fprintf(w, "### %s\n\n", markdown(t.Title))
		}
		if err := (report.Table{Header: t.Header, Rows: t.Rows}).Write(w, report.FormatMarkdown); err != nil {
			return err
		}
		fmt.Fprintln(w)
		paragraphs(w, t.Notes)
	}
	for _, point := range s.Points {
		fmt.Fprintf(w, "- %s\n", markdown(point))
	}
	if len(s.Points) > 0 {
		fmt.Fprintln(w)
	}
	return nil
}

// markdown keeps tags and control characters in names what they are: text.
func markdown(text string) string { return report.InMarkdown(text) }

func paragraphs(w io.Writer, lines []string) {
	for _, l := range lines {
		fmt.Fprintf(w, "%s\n\n", markdown(l))
	}
}
