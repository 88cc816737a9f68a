package study

import (
	"bytes"
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/stats"
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

// hostWarnings name the runs in which the host's speed varied, and report whether
// set-up times of blocks varied with it.
func (s Study) hostWarnings() (warnings []Warning) {
	for _, run := range s.Runs {
		if h := hostSpeed(run); h != nil && h.Spread > mostHostSpread {
			warnings = append(warnings, Warning{Kind: HostVaried, Detail: run.ID(), Share: &h.Spread, Count: len(h.Blocks)})
		}
	}
	if rising, p := s.withHost(); rising > 0 && p < 1-Confidence {
		value := Value(p)
		warnings = append(warnings, Warning{Kind: HostFollowed, P: &value})
	}
	return warnings
}

// withHost is Kendall's test that set-up times of blocks rise with the reference
// times of these blocks: Mann–Kendall in the order of those. A block's time is the
// median of the logarithms of its set-up times less their cells' medians.
func (s Study) withHost() (rising int, p float64) {
	times, same := s.referenceTimes()
	if !same {
		return 0, math.NaN()
	}
	inBlock := map[string][]float64{}
	for _, c := range s.Cells {
		trials := filter(s.Of(c), func(o Observation) bool { return o.Ready && o.Setup > 0 })
		logs := make([]float64, len(trials))
		for i, o := range trials {
			logs[i] = math.Log(o.Setup)
		}
		middle := stats.Median(logs)
		for i, o := range trials {
			if _, known := times[o.Block]; known && len(logs) > 1 {
				inBlock[o.Block] = append(inBlock[o.Block], logs[i]-middle)
			}
		}
	}
	blocks := slices.SortedFunc(maps.Keys(inBlock), func(a, b string) int { return cmp.Or(cmp.Compare(times[a], times[b]), cmp.Compare(a, b)) })
	var medians []float64
	for _, b := range blocks {
		medians = append(medians, stats.Median(inBlock[b]))
	}
	return stats.MannKendall(medians)
}

// referenceTimes are those of each block; same is false unless all did the same
// job.
func (s Study) referenceTimes() (times map[string]trial.Seconds, same bool) {
	times = map[string]trial.Seconds{}
	var job []byte
	for _, run := range s.Runs {
		for _, r := range references(run) {
			if job == nil {
				job = r.Settings
			}
			if !bytes.Equal(job, r.Settings) {
				return nil, false
			}
			times[blockOf(run, r)] = r.Elapsed
		}
	}
	return times, true
}
