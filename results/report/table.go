// Package report puts figures before people: tables, and the units in them.
package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// Format is how a table is written.
type Format string

// The formats of every list and table.
const (
	FormatTable    Format = "table"
	FormatJSON     Format = "json"
	FormatCSV      Format = "csv"
	FormatMarkdown Format = "markdown"
	// FormatBenchstat is the text format of Go benchmarks, of report only.
	FormatBenchstat Format = "benchstat"
)

// ParseFormat reads a Format.
func ParseFormat(s string) (Format, error) {
	switch f := Format(s); f {
	case FormatTable, FormatJSON, FormatCSV, FormatMarkdown:
		return f, nil
	}
	return "", fmt.Errorf("%q is no output format; the formats are table, json, csv and markdown", s)
}

// Table is a table for people and, in Data, the same for programs. CSV is Tidy
// where that is set, and else has the figures as people see them.
type Table struct {
	Title string
	// Lead is the answer that the table bears out, printed above it.
	Lead   []string
	Header []string
	Rows   [][]string
	// Notes are printed below the table: what qualifies its figures.
	Notes []string
	Data  any
	Tidy  [][]string
}

// Write writes the table to w in format f.
func (t Table) Write(w io.Writer, f Format) error {
	switch f {
	case FormatJSON:
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(t.Data)
	case FormatCSV:
		if t.Tidy != nil {
			return csv.NewWriter(w).WriteAll(t.Tidy)
		}
		return csv.NewWriter(w).WriteAll(append([][]string{t.Header}, t.Rows...))
	}
	for _, text := range t.Lead {
		if err := paragraph(w, f, text); err != nil {
			return err
		}
	}
	switch f {
	case FormatMarkdown:
		return t.shown(f).render(w, tablewriter.WithRenderer(renderer.NewMarkdown()))
	default:
		return t.shown(f).render(w, tablewriter.WithRendition(tw.Rendition{
			Borders:  tw.BorderNone,
			Settings: tw.Settings{Separators: tw.Separators{BetweenColumns: tw.Off}, Lines: tw.Lines{ShowHeaderLine: tw.On}},
		}), tablewriter.WithRowAutoWrap(tw.WrapNormal), tablewriter.WithRowMaxWidth(widestCell))
	}
}

// What Markdown would take for its own: tags, which begin with no digit, and in
// tables the bounds of cells and ends of rows.
var (
	tag       = regexp.MustCompile(`<([A-Za-z/!?])`)
	cellMarks = strings.NewReplacer("|", `\|`, "\n", " ")
)

// InMarkdown is a text that Markdown shows as it is, but for its marks.
func InMarkdown(text string) string { return tag.ReplaceAllString(plain(text), "&lt;$1") }

// plain is a text whose control characters are spelled out: a name in a file may
// hold what a terminal obeys.
func plain(text string) string {
	obeyed := func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }
	if !strings.ContainsFunc(text, obeyed) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if obeyed(r) {
			fmt.Fprintf(&b, `\x%02x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// inFormat is a text as it stands outside tables.
func inFormat(f Format, text string) string {
	if f == FormatMarkdown {
		return InMarkdown(text)
	}
	return plain(text)
}

// shown is the table with texts that the format shows as they are.
func (t Table) shown(f Format) Table {
	cells := func(texts []string) (all []string) {
		for _, c := range texts {
			if c = inFormat(f, c); f == FormatMarkdown {
				c = cellMarks.Replace(c)
			}
			all = append(all, c)
		}
		return all
	}
	rows, notes := make([][]string, len(t.Rows)), make([]string, len(t.Notes))
	for i, r := range t.Rows {
		rows[i] = cells(r)
	}
	for i, n := range t.Notes {
		notes[i] = inFormat(f, n)
	}
	t.Header, t.Rows, t.Notes = cells(t.Header), rows, notes
	return t
}

// widestCell is how many columns of a terminal a cell takes before it goes on
// in the next line.
const widestCell = 72

func (t Table) render(w io.Writer, options ...tablewriter.Option) error {
	if len(t.Rows) == 0 && len(t.Lead) > 0 {
		return t.notes(w)
	}
	table := tablewriter.NewTable(w, append(options,
		tablewriter.WithHeaderAutoFormat(tw.Off), tablewriter.WithHeaderAlignment(tw.AlignLeft))...)
	table.Header(t.Header)
	if err := table.Bulk(t.Rows); err != nil {
		return fmt.Errorf("laying out a table: %w", err)
	}
	if err := table.Render(); err != nil {
		return fmt.Errorf("writing a table: %w", err)
	}
	return t.notes(w)
}

func (t Table) notes(w io.Writer) error {
	for _, note := range t.Notes {
		if _, err := fmt.Fprintf(w, "\n%s\n", note); err != nil {
			return err
		}
	}
	return nil
}
