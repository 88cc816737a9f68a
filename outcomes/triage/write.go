package triage

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/report"
)

// Write writes the triage for a terminal, as Markdown, as JSON, or its evidence
// as CSV.
func (t Report) Write(w io.Writer, f report.Format) error {
	if f == report.FormatJSON || f == report.FormatCSV {
		return t.table().Write(w, f)
	}
	var page strings.Builder
	print := func(format string, args ...any) { fmt.Fprintf(&page, format, args...) }
	fence := ""
	heading := func(text string) { print("\n%s\n", strings.ToUpper(text)) }
	if f == report.FormatMarkdown {
		fence = "```\n"
		heading = func(text string) { print("\n## %s\n\n", text) }
	}
	list := func(items []string) {
		for _, item := range items {
			print("- %s\n", item)
		}
		print("\n")
	}
	print("%s\n", t.Headline)
	heading("Likely cause")
	print("%s\n", t.Cause)
	heading("What to try next")
	list(t.Next)
	heading("What speaks against it")
	list(t.Against)
	heading("Evidence")
	if err := t.table().Write(&page, f); err != nil {
		return err
	}
	heading("Timeline")
	print("%s", fence)
	for _, e := range t.Timeline {
		mark, text := "", shortened(firstLine(e.Text))
		if e.Mark != "" {
			mark = "[" + e.Mark + "] "
		} else if e.Length > 0 {
			text += " (" + report.Seconds(e.Length) + ")"
		}
		print("%9.3fs  %-8s %s%s\n", e.At.Duration().Seconds(), e.Phase, mark, text)
	}
	print("%s", fence)
	for _, note := range t.Notes {
		print("%s\n", note)
	}
	if t.Log != "" {
		print("Run %s, log %s\n", t.Run, t.Log)
	}
	_, err := io.WriteString(w, page.String())
	return err
}

func (t Report) table() report.Table {
	table := report.Table{Header: []string{"what", "state", "at", "line that shows it"}, Data: t}
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
