package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/study"
)

const (
	// fewestForLimits is from how many lengths a limit is advised, and limitStep
	// what it is a multiple of.
	fewestForLimits = 10
	limitStep       = 30 * time.Second
)

// Limits advises time limits for a spec or a suite's own code, by what set-ups
// that became ready took, whatever their cell.
func Limits(s study.Study) Table {
	t := Table{Title: "Time limits", Header: []string{"phase", "n", "longest", "limit", "longest silence", "limit on silence"}}
	fewest, phases, silences := math.MaxInt, []string{}, []string{}
	for _, p := range trial.Phases() {
		n, longest, silent := lengths(s, p)
		if n < fewestForLimits {
			continue
		}
		fewest = min(fewest, n)
		row := []string{string(p), strconv.Itoa(n), Seconds(longest), advised(longest), none, none}
		phases = append(phases, string(p)+": "+row[3])
		if silent > 0 {
			row[4], row[5] = Seconds(silent), advised(silent)
			silences = append(silences, string(p)+": "+row[5])
		}
		t.Rows = append(t.Rows, row)
	}
	if len(t.Rows) == 0 {
		return t
	}
	spec := "limits: {phase: {" + strings.Join(phases, ", ") + "}"
	if len(silences) > 0 {
		spec += ", silence: {" + strings.Join(silences, ", ") + "}"
	}
	// None of n was longer: the exact upper bound of how often one is.
	t.Notes = []string{fmt.Sprintf("Twice the longest of set-ups that became ready, in whole half minutes, so that a host under load is not taken for one that hangs. "+
		"One longer than the longest comes in at most %.1f %% of set-ups (95 %%).", 100*(1-math.Pow(0.05, 1/float64(fewest)))),
		"In a spec: " + spec + "}"}
	return t
}

// lengths are how many set-ups that became ready had the phase, how long the
// longest was, and for how long at most nothing was heard of it.
func lengths(s study.Study, p trial.Phase) (n int, longest, silent trial.Seconds) {
	for _, o := range s.Trials {
		length, ok := study.PhaseTime(o.Record, p)
		if !o.Ready || !ok {
			continue
		}
		n++
		longest = max(longest, trial.Seconds(length*float64(time.Second)))
		for _, q := range o.Record.Silences {
			if q.Phase == p {
				silent = max(silent, q.End-q.Start)
			}
		}
	}
	return n, longest, silent
}

// advised is twice as long, as Go writes it.
func advised(longest trial.Seconds) string {
	steps := (2*longest.Duration() + limitStep - 1) / limitStep
	text := (max(steps, 1) * limitStep).String()
	if whole, ok := strings.CutSuffix(text, "m0s"); ok {
		text = whole + "m"
	}
	return text
}
