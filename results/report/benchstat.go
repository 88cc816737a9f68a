package report

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/study"
)

// Benchmarks writes a line a trial in the text format of Go benchmarks. A
// failed trial has no time, and stands as a failure of its own: benchstat's
// times are of successful trials, to be read beside failed/op.
func Benchmarks(w io.Writer, s study.Study) error {
	if s.Simulated() {
		if _, err := fmt.Fprintln(w, "simulated: true"); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintln(w, "Unit failed/op better=lower\nUnit sec/op better=lower"); err != nil {
		return err
	}
	for _, o := range s.Trials {
		line := "BenchmarkSetup" + benchmarkName(o.Cell) + " 1"
		if o.Ready && o.Setup > 0 {
			line += fmt.Sprintf(" %.9g sec/op 0 failed/op", o.Setup)
		} else if o.Ready {
			line += " 0 failed/op"
		} else {
			line += " 1 failed/op"
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

// benchmarkName has a part a factor; what would end or part a name is replaced.
func benchmarkName(c trial.Cell) (name string) {
	plain := func(text string) string {
		return strings.Map(func(r rune) rune {
			if r == '/' || unicode.IsSpace(r) {
				return '_'
			}
			return r
		}, text)
	}
	for _, a := range c {
		name += "/" + plain(a.Factor) + "=" + plain(a.Level)
	}
	return name
}
