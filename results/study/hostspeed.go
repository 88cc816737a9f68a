package study

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// HostSpeed is how long the reference workload, a small fixed job, took before the
// blocks of a run. No figure is adjusted by it.
type HostSpeed struct {
	Blocks []ReferenceTime `json:"blocks"`
	// Spread is the slowest over the fastest, less one.
	Spread Value `json:"spread"`
}

// ReferenceTime is the reference workload once: Parts are the spans cpu,
// unpack and sync, Load how busy the host was just before.
type ReferenceTime struct {
	Block   int           `json:"block"`
	Elapsed trial.Seconds `json:"elapsed_seconds"`
	Parts   []trial.Span  `json:"parts"`
	Load    results.Load  `json:"load_before"`
}

// mostHostSpread is the spread of the reference workload that is a warning. On a
// quiet host of two cores it stays within half of that.
const mostHostSpread = 0.10

// references returns the references of a run that did the same job as its
// last one.
func references(run results.Run) []*results.Record {
	all := run.References()
	return slices.DeleteFunc(all, func(r *results.Record) bool {
		return !bytes.Equal(r.Settings, all[len(all)-1].Settings)
	})
}

// hostSpeed returns nil for a run without references.
func hostSpeed(run results.Run) *HostSpeed {
	var h HostSpeed
	for _, r := range references(run) {
		h.Blocks = append(h.Blocks, ReferenceTime{r.Trial.Block, r.Elapsed, r.Spans, r.Load})
	}
	if h.Blocks == nil {
		return nil
	}
	fastest, slowest := h.Range()
	h.Spread = Value(float64(slowest)/float64(fastest) - 1)
	return &h
}

// Range is the shortest and the longest time.
func (h HostSpeed) Range() (fastest, slowest trial.Seconds) {
	byTime := func(a, b ReferenceTime) int { return cmp.Compare(a.Elapsed, b.Elapsed) }
	return slices.MinFunc(h.Blocks, byTime).Elapsed, slices.MaxFunc(h.Blocks, byTime).Elapsed
}

// hostWarnings name the runs in which the host's speed varied.
func (s Study) hostWarnings() (warnings []Warning) {
	for _, run := range s.Runs {
		if h := hostSpeed(run); h != nil && h.Spread > mostHostSpread {
			warnings = append(warnings, Warning{Kind: HostVaried, Detail: run.ID(), Share: &h.Spread, Count: len(h.Blocks)})
		}
	}
	return warnings
}
