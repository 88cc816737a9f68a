package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/olekukonko/tablewriter/pkg/twwarp"
	"github.com/olekukonko/tablewriter/pkg/twwidth"
)

// Document is several tables under headings.
type Document struct {
	Title    string
	Sections []Table
	// Notes qualify the whole.
	Notes []string
	// Data is the same for programs; Tidy for spreadsheets.
	Data any
	Tidy [][]string
}

// Write writes the document to w in format f.
func (d Document) Write(w io.Writer, f Format) error {
	switch f {
	case FormatJSON:
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(d.Data)
	case FormatCSV:
		return csv.NewWriter(w).WriteAll(d.Tidy)
	}
	if err := d.notes(w, f); err != nil {
		return err
	}
	for _, t := range d.Sections {
		if err := writeSection(w, f, t); err != nil {
			return err
		}
	}
	return nil
}

func (d Document) notes(w io.Writer, f Format) error {
	if d.Title != "" {
		if err := heading(w, f, 1, d.Title); err != nil {
			return err
		}
	}
	for _, n := range d.Notes {
		if err := paragraph(w, f, n); err != nil {
			return err
		}
	}
	return nil
}

// lineWidth is that of a terminal.
const lineWidth = 80

// unbroken stands for a space at which no line may end: a rune of no script, as
// those that Unicode has for this end lines too.
const unbroken = "\uE000"

// paragraph writes a sentence or more, in lines of a terminal's width where that
// is what it is for.
func paragraph(w io.Writer, f Format, text string) error {
	text = inFormat(f, text)
	if f == FormatTable {
		var lines []string
		for line := range strings.SplitSeq(text, "\n") {
			if twwidth.Width(line) <= lineWidth {
				lines = append(lines, line)
				continue
			}
			wrapped, _ := twwarp.WrapString(strings.ReplaceAll(line, " %", unbroken+"%"), lineWidth)
			lines = append(lines, wrapped...)
		}
		text = strings.ReplaceAll(strings.Join(lines, "\n"), unbroken, " ")
	}
	_, err := fmt.Fprintf(w, "%s\n\n", text)
	return err
}

func writeSection(w io.Writer, f Format, t Table) error {
	if err := heading(w, f, 2, t.Title); err != nil {
		return err
	}
	if len(t.Rows) > 0 {
		if err := t.Write(w, f); err != nil {
			return err
		}
	} else {
		for _, n := range t.Notes {
			if err := paragraph(w, f, n); err != nil {
				return err
			}
		}
	}
	_, err := fmt.Fprintln(w)
	return err
}

func heading(w io.Writer, f Format, level int, text string) error {
	text = inFormat(f, text)
	var err error
	switch {
	case f == FormatMarkdown:
		_, err = fmt.Fprintf(w, "%s %s\n\n", "######"[:level], text)
	case level == 1:
		_, err = fmt.Fprintf(w, "%s\n\n", text)
	default:
		_, err = fmt.Fprintf(w, "%s\n", text)
	}
	return err
}
