package triage

import (
	_ "embed"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/template"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/report"
)

//go:embed triage.tmpl
var layout string

// Write writes the triage as text, Markdown or JSON, or its evidence as CSV.
func (t Report) Write(w io.Writer, f report.Format) error {
	if f == report.FormatJSON || f == report.FormatCSV {
		return t.table().Write(w, f)
	}
	heading, fence := func(text string) string { return "\n" + strings.ToUpper(text) + "\n" }, ""
	if f == report.FormatMarkdown {
		heading, fence = func(text string) string { return "\n## " + text + "\n\n" }, "```\n"
	}
	evidence := func() (string, error) {
		var b strings.Builder
		err := t.table().Write(&b, f)
		return b.String(), err
	}
	functions := template.FuncMap{"heading": heading, "fence": func() string { return fence }, "evidence": evidence, "moment": moment}
	return template.Must(template.New("triage").Funcs(functions).Parse(layout)).Execute(w, t)
}

// moment is a line of the timeline.
func moment(e Entry) string {
	mark, text := "", shortened(firstLine(e.Text))
	if e.Mark != "" {
		mark = "[" + e.Mark + "] "
	} else if e.Length > 0 {
		text += " (" + report.Seconds(e.Length) + ")"
	}
	return fmt.Sprintf("%9.3fs  %-8s %s%s", e.At.Duration().Seconds(), e.Phase, mark, text)
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

// lineOf is the telling line of a text: the last of a log, else the first.
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
