package observations

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// longest is the time beyond which a set-up time is taken for a mistake of
// units.
const longest = 7 * 24 * 3600

// time reads a number of seconds.
func (f *file) time(line int, name, text string) *float64 {
	if text = strings.TrimSpace(text); text == "" {
		return nil
	}
	v, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil || math.IsNaN(v) || math.IsInf(v, 0):
		f.fault(line, "%s is %q, not a number of seconds; leave it empty where it is not known", name, text)
	case v < 0:
		f.fault(line, "%s is %s: a time cannot be negative", name, text)
	case v > longest:
		f.fault(line, "%s is %s seconds, over a week: is it in another unit?", name, text)
	case v < 0.5e-9 && name == "setup_seconds":
		f.fault(line, "setup_seconds is 0: nothing is set up in no time; leave it empty where it is not known")
	default:
		return &v
	}
	return nil
}

// bytes reads an amount of memory.
func (f *file) bytes(line int, text string) *trial.Bytes {
	if text == "" {
		return nil
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil || v < 0 {
		f.fault(line, "peak_memory_bytes is %q, not a number of bytes", text)
		return nil
	}
	return (*trial.Bytes)(&v)
}

// whole reads a number that counts something.
func (f *file) whole(line int, name, text string) *int {
	if text = strings.TrimSpace(text); text == "" {
		return nil
	}
	v, err := strconv.Atoi(text)
	if err != nil || v < 0 || v > 1_000_000 {
		f.fault(line, "%s is %q, not a number from 0 to a million", name, text)
		return nil
	}
	return &v
}

func (f *file) flag(line int, name, text string) bool {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "", "false", "no", "0":
		return false
	case "true", "yes", "1":
		return true
	}
	f.fault(line, "%s is %q, neither true nor false", name, text)
	return false
}

func (f *file) named(line int, v *trial.Verdict, outcome, phase string) {
	if strings.TrimSpace(outcome) == "" {
		f.fault(line, "outcome is empty; it is the one thing that an observation must have")
		return
	}
	if err := v.Outcome.UnmarshalText([]byte(strings.TrimSpace(outcome))); err != nil {
		f.fault(line, "%v", err)
	}
	if err := v.Phase.UnmarshalText([]byte(strings.TrimSpace(phase))); err != nil {
		f.fault(line, "%v", err)
	}
}

// agree refuses times that do not go with the outcome.
func (f *file) agree(r results.Record, t times) {
	outcome, line := r.Verdict.Outcome, r.Imported.Line
	ready := outcome == trial.OK || outcome == trial.TestFailed
	switch {
	case outcome == "" || r.Imported.Estimate || r.Kind != results.KindTrial:
	case t.setup != nil && !ready && (t.lost == nil || *t.lost < *t.setup):
		f.fault(line, "a setup time for outcome %s: what never got ready has none, and what failed later lost more (lost_seconds)", outcome)
	case t.lost != nil && ready:
		f.fault(line, "a lost time for outcome %s, which lost nothing", outcome)
	case t.recovery != nil && t.lost == nil:
		f.fault(line, "recovery_seconds without lost_seconds: what the failure cost in all is not known")
	case t.lost != nil && t.elapsed != nil && *t.elapsed < *t.lost:
		f.fault(line, "elapsed_seconds is %g, less than the %g of lost_seconds: all includes what was lost", *t.elapsed, *t.lost)
	}
}

func describe(format string, args ...any) string { return fmt.Sprintf(format, args...) }
