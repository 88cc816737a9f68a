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

// hostSpeed is by the references of a run that did the same job as its last one; nil
// for a run without any.
func hostSpeed(run results.Run) *HostSpeed {
	all := run.References()
	if len(all) == 0 {
		return nil
	}
	var h HostSpeed
	for _, r := range all {
		if bytes.Equal(r.Settings, all[len(all)-1].Settings) {
			h.Blocks = append(h.Blocks, ReferenceTime{r.Trial.Block, r.Elapsed, r.Spans, r.Load})
		}
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
