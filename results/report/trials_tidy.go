package report

import (
	"slices"
	"strconv"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/study"
)

// tidyTrials has a record a row, in seconds and bytes. The package observations
// reads it again, and every figure of a decision comes out the same: a published
// table is enough to check one.
func tidyTrials(run results.Run) [][]string {
	var factors []string
	for i := range run.Records {
		for _, a := range run.Records[i].Trial.Cell {
			if !slices.Contains(factors, a.Factor) {
				factors = append(factors, a.Factor)
			}
		}
	}
	header := append([]string{"trial", "kind", "block"}, factors...)
	rows := [][]string{append(header, "outcome", "phase", "timed_out", "setup_seconds", "lost_seconds", "recovery_seconds",
		"elapsed_seconds", "tests_passed", "tests_failed", "peak_memory_bytes", "estimate", "simulated", "message")}
	for i := range run.Records {
		rows = append(rows, tidyTrial(&run.Records[i], factors))
	}
	// A column that few tables need.
	if slices.ContainsFunc(run.Records, func(r results.Record) bool { return r.Crash != nil }) {
		rows[0] = append(rows[0], "went_on_after")
		for i, r := range run.Records {
			crash := ""
			if r.Crash != nil {
				crash = string(r.Crash.Outcome)
			}
			rows[i+1] = append(rows[i+1], crash)
		}
	}
	return rows
}

func tidyTrial(r *results.Record, factors []string) []string {
	row := []string{r.Trial.ID, kindName(r), strconv.Itoa(r.Trial.Block)}
	for _, f := range factors {
		level, _ := r.Trial.Cell.Level(f)
		row = append(row, level)
	}
	var setup, lost, recovery, elapsed, passed, failed, peak string
	if r.Setup != nil {
		setup = plainSeconds(*r.Setup)
	}
	if l, rest, ok := study.Loss(r); ok && r.Kind == results.KindTrial {
		lost, recovery = plainSeconds(l), plainSeconds(rest)
	}
	if r.Elapsed > 0 {
		elapsed = plainSeconds(r.Elapsed)
	}
	if p, total, ok := study.TestCounts(r); ok {
		passed, failed = strconv.Itoa(p), strconv.Itoa(total-p)
	}
	if b, ok := study.PeakMemory(r); ok {
		peak = strconv.FormatInt(int64(b), 10)
	}
	return append(row, string(r.Verdict.Outcome), string(r.Verdict.Phase), ifTrue(r.Verdict.TimedOut), setup, lost, recovery,
		elapsed, passed, failed, peak, ifTrue(r.Imported != nil && r.Imported.Estimate), ifTrue(r.Simulated), r.Verdict.Error)
}

// kindName is what a record is of, in one word.
func kindName(r *results.Record) string {
	switch {
	case r.Kind == results.KindTrial && r.Trial.WarmUp:
		return "warm-up"
	case r.Kind == results.KindTrial && r.Fault != nil:
		return "injected-fault"
	}
	return string(r.Kind)
}

func plainSeconds(s trial.Seconds) string {
	return strconv.FormatFloat(s.Duration().Seconds(), 'f', -1, 64)
}

// ifTrue leaves out what is not so.
func ifTrue(b bool) string {
	if b {
		return "true"
	}
	return ""
}
