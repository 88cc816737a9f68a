// Package report puts figures before people: tables, sentences, and the units in them.
package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/pkg/twwarp"
	"github.com/olekukonko/tablewriter/pkg/twwidth"
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
	return "", fmt.Errorf("%q is not an output format; the formats are table, json, csv and markdown", s)
}

// Document is sentences and tables, Data the same for programs, Tidy for spreadsheets.
type Document struct {
	Notes    []string
	Sections []Table
	Data     any
	Tidy     [][]string
}

// Write writes the document to w in format f.
func (d Document) Write(w io.Writer, f Format) error {
	return f.write(w, d.Data, d.Tidy, d.Notes, func(b *bytes.Buffer) error {
		for _, t := range d.Sections {
			if f == FormatMarkdown {
				fmt.Fprintf(b, "## %s\n\n", f.Text(t.Title))
			} else {
				fmt.Fprintln(b, f.Text(t.Title))
			}
			if len(t.Rows) == 0 {
				paragraphs(b, f, t.Notes)
			} else if err := t.layOut(b, f); err != nil {
				return err
			}
			fmt.Fprintln(b)
		}
		return nil
	})
}

// Table is a table for people and, in Data, the same for programs. CSV is Tidy
// where that is set; otherwise it has the figures as people see them.
type Table struct {
	Title string
	// Lead is the answer that the table supports, printed above it.
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
	if t.Tidy == nil {
		t.Tidy = append([][]string{t.Header}, t.Rows...)
	}
	return f.write(w, t.Data, t.Tidy, t.Lead, func(b *bytes.Buffer) error { return t.layOut(b, f) })
}

// write writes data, or sentences and what is laid out below them.
func (f Format) write(w io.Writer, data any, tidy [][]string, lead []string, layOut func(*bytes.Buffer) error) error {
	var b bytes.Buffer
	switch f {
	case FormatCSV:
		return csv.NewWriter(w).WriteAll(tidy)
	case FormatJSON:
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(data)
	}
	paragraphs(&b, f, lead)
	if err := layOut(&b); err != nil {
		return err
	}
	_, err := b.WriteTo(w)
	return err
}

// Control characters are spelled out, because a name in a file may hold what a
// terminal obeys. In Markdown tags are escaped, and in its tables also the bounds
// of cells and ends of rows. A tag begins with no digit: "<0.0001" is none.
var (
	obeyed    = regexp.MustCompile(`[\x00-\x08\x0b-\x1f\x7f-\x{9f}]`)
	tag       = regexp.MustCompile(`<([A-Za-z/!?])`)
	cellMarks = strings.NewReplacer("|", `\|`, "\n", " ")
)

// Text is a text as the format shows it unchanged, outside of tables.
func (f Format) Text(text string) string {
	text = obeyed.ReplaceAllStringFunc(text, func(c string) string { return fmt.Sprintf(`\x%02x`, []rune(c)[0]) })
	if f == FormatMarkdown {
		return tag.ReplaceAllString(text, "&lt;$1")
	}
	return text
}

// lineWidth is a terminal's; widestCell is where a cell continues in the next line.
const (
	lineWidth  = 80
	widestCell = 72
)

// On a terminal no line ends inside an interval, nor between a number and its unit.
// unbroken stands for a space there: the blank of Braille, which is as wide as a space,
// because twwarp breaks lines at Unicode's no-break spaces too.
const unbroken = "\u2800"

var whole = regexp.MustCompile(`\(95 %: [^;()]*|\d (?:%|×|(?:s|min|h)\b)(?: \d\d (?:s|min)\b)?`)

func unbreak(text string) string {
	return whole.ReplaceAllStringFunc(text, func(s string) string { return strings.ReplaceAll(s, " ", unbroken) })
}

// paragraphs writes texts, on a terminal in lines of its width.
func paragraphs(b *bytes.Buffer, f Format, texts []string) {
	for _, text := range texts {
		text = f.Text(text)
		if f == FormatTable {
			var lines []string
			for line := range strings.SplitSeq(text, "\n") {
				if twwidth.Width(line) <= lineWidth {
					lines = append(lines, line)
					continue
				}
				wrapped, _ := twwarp.WrapString(unbreak(line), lineWidth)
				lines = append(lines, wrapped...)
			}
			text = strings.ReplaceAll(strings.Join(lines, "\n"), unbroken, " ")
		}
		fmt.Fprintf(b, "%s\n\n", text)
	}
}

// layOut writes the table and its notes.
func (t Table) layOut(b *bytes.Buffer, f Format) error {
	if len(t.Rows) > 0 || len(t.Lead) == 0 {
		options := []tablewriter.Option{tablewriter.WithRendition(tw.Rendition{
			Borders:  tw.BorderNone,
			Settings: tw.Settings{Separators: tw.Separators{BetweenColumns: tw.Off}, Lines: tw.Lines{ShowHeaderLine: tw.On}},
		}), tablewriter.WithRowAutoWrap(tw.WrapNormal), tablewriter.WithRowMaxWidth(widestCell)}
		if f == FormatMarkdown {
			options = []tablewriter.Option{tablewriter.WithRenderer(renderer.NewMarkdown())}
		}
		var body bytes.Buffer
		table := tablewriter.NewTable(&body, append(options, tablewriter.WithHeaderAutoFormat(tw.Off), tablewriter.WithHeaderAlignment(tw.AlignLeft))...)
		table.Header(f.cells(t.Header))
		for _, row := range t.Rows {
			if err := table.Append(f.cells(row)); err != nil {
				return fmt.Errorf("laying out a table: %w", err)
			}
		}
		if err := table.Render(); err != nil {
			return fmt.Errorf("writing a table: %w", err)
		}
		b.WriteString(strings.ReplaceAll(body.String(), unbroken, " "))
	}
	for _, note := range t.Notes {
		fmt.Fprintf(b, "\n%s\n", f.Text(note))
	}
	return nil
}

func (f Format) cells(row []string) []string {
	return texts(row, func(c string) string {
		if c = f.Text(c); f == FormatMarkdown {
			return cellMarks.Replace(c)
		}
		return unbreak(c)
	})
}
