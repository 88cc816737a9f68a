package triage

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/report"
)

// Write writes the triage for a terminal, as Markdown or as JSON.
func (t Report) Write(w io.Writer, f report.Format) error {
	switch f {
	case report.FormatJSON:
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(t)
	case report.FormatCSV:
		return t.table().Write(w, f)
	}
	p := &page{w: w, format: f}
	p.text("%s", t.Headline)
	p.heading("Likely cause")
	p.text("%s", t.Cause)
	p.heading("What to try next")
	p.list(t.Next)
	p.heading("What speaks against it")
	p.list(t.Against)
	p.heading("Evidence")
	p.table(t.table())
	p.heading("Timeline")
	p.lines(t.Timeline)
	for _, note := range t.Notes {
		p.text("%s", note)
	}
	if t.Log != "" {
		p.text("Run %s, log %s", t.Run, t.Log)
	}
	return p.err
}

func (t Report) table() report.Table {
	table := report.Table{Header: []string{"what", "state", "at", "line that shows it"}, Data: t.Evidence}
	for _, e := range t.Evidence {
		at := ""
		if e.At > 0 {
			at = report.Seconds(e.At)
		}
		text := e.Text
		if e.Line > 0 {
			text = "line " + strconv.Itoa(e.Line) + ": " + text
		}
		table.Rows = append(table.Rows, []string{string(e.Source), e.Seen(), at, shortened(lineOf(e.Source, text))})
	}
	return table
}

// longestCell keeps the table readable; the JSON has every text whole.
const longestCell = 160

// lineOf takes the telling line of a text with several: the last of a log, the
// first of anything else.
func lineOf(source trial.Source, text string) string {
	text = strings.TrimSpace(text)
	if source != trial.SourceEngineLog && source != trial.SourceKernel {
		return firstLine(text)
	}
	if i := strings.LastIndexByte(text, '\n'); i >= 0 {
		return "… " + text[i+1:]
	}
	return text
}

// shortened keeps the beginning of a long text.
func shortened(text string) string {
	if r := []rune(text); len(r) > longestCell {
		return string(r[:longestCell]) + " …"
	}
	return text
}

// page writes parts one below the other, and keeps the first error.
type page struct {
	w      io.Writer
	format report.Format
	err    error
}

func (p *page) markdown() bool { return p.format == report.FormatMarkdown }

func (p *page) print(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

func (p *page) text(format string, args ...any) { p.print(format+"\n", args...) }

func (p *page) heading(text string) {
	if p.markdown() {
		p.print("\n## %s\n\n", text)
		return
	}
	p.print("\n%s\n", strings.ToUpper(text))
}

func (p *page) list(items []string) {
	for _, item := range items {
		p.text("- %s", item)
	}
	p.print("\n")
}

func (p *page) lines(entries []Entry) {
	fence := ""
	if p.markdown() {
		fence = "```\n"
	}
	p.print("%s", fence)
	for _, e := range entries {
		mark := ""
		if e.Mark != "" {
			mark = "[" + e.Mark + "] "
		}
		text := shortened(firstLine(e.Text))
		if e.Length > 0 && e.Mark == "" {
			text += " (" + report.Seconds(e.Length) + ")"
		}
		p.text("%9.3fs  %-8s %s%s", e.At.Duration().Seconds(), e.Phase, mark, text)
	}
	p.print("%s", fence)
}

func (p *page) table(t report.Table) {
	if p.err == nil {
		p.err = t.Write(p.w, p.format)
	}
}
