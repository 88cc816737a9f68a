package report

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/stratbench/stratbench/results/study"
)

// Benchmarks writes a line for each trial in the text format of Go benchmarks. A
// failed trial has no time and counts in failed/op: benchstat's times are of
// successful trials, to be read beside failed/op.
func Benchmarks(w io.Writer, s study.Study) error {
	var b strings.Builder
	if s.Simulated() {
		b.WriteString("simulated: true\n")
	}
	b.WriteString("Unit failed/op better=lower\nUnit sec/op better=lower\n")
	for _, o := range s.Trials {
		b.WriteString("BenchmarkSetup")
		for _, a := range o.Cell {
			b.WriteString("/" + namePart(a.Factor) + "=" + namePart(a.Level))
		}
		b.WriteString(" 1 ")
		switch {
		case !o.Ready:
			b.WriteString("1 failed/op\n")
		case o.Setup > 0:
			fmt.Fprintf(&b, "%.9g sec/op 0 failed/op\n", o.Setup)
		default:
			b.WriteString("0 failed/op\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// namePart replaces what would end a benchmark's name or divide it.
func namePart(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '/' || unicode.IsSpace(r) {
			return '_'
		}
		return r
	}, text)
}
