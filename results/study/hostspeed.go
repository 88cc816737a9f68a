package study

import (
	"bytes"
	"cmp"
	"math"
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/stats"
)

// HostSpeed is what the reference workload, a small fixed job, took before the
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

// mostHostSpread is the spread of the reference workload beyond which it is
// said. On a quiet host of two cores it stays within half of that.
const mostHostSpread = 0.10

// comparable returns the references of a run that did the same job as its
// last one.
func comparable(run results.Run) []*results.Record {
	all := run.References()
	return slices.DeleteFunc(all, func(r *results.Record) bool {
		return !bytes.Equal(r.Settings, all[len(all)-1].Settings)
	})
}

// hostSpeed returns nil for a run without references.
func hostSpeed(run results.Run) *HostSpeed {
	references := comparable(run)
	if len(references) == 0 {
		return nil
	}
	var h HostSpeed
	for _, r := range references {
		h.Blocks = append(h.Blocks, ReferenceTime{r.Trial.Block, r.Elapsed, r.Spans, r.Load})
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

// residual is a trial's log set-up time less its cell's median: what is left
// when the cell is taken out.
type residual struct {
	Observation
	value float64
}

func (s Study) residuals() (all []residual) {
	for _, c := range s.Cells {
		trials := filter(s.Of(c), func(o Observation) bool { return o.Ready && o.Setup > 0 })
		logs := make([]float64, len(trials))
		for j, o := range trials {
			logs[j] = math.Log(o.Setup)
		}
		if len(logs) < 2 {
			continue
		}
		middle := stats.Median(logs)
		for j, o := range trials {
			all = append(all, residual{o, logs[j] - middle})
		}
	}
	return all
}

// hostWarnings say of which runs the host's speed varied, and whether set-up
// times of blocks varied with it.
func (s Study) hostWarnings() (warnings []Warning) {
	for _, run := range s.Runs {
		if h := hostSpeed(run); h != nil && h.Spread > mostHostSpread {
			warnings = append(warnings, Warning{Kind: HostVaried, Detail: run.ID(), Share: &h.Spread, Count: len(h.Blocks)})
		}
	}
	if t, ok := s.withHost(); ok && t.S > 0 && t.P < alpha {
		warnings = append(warnings, withP(HostFollowed, t.P))
	}
	return warnings
}

// withHost is Kendall's test that the medians of blocks' residuals rise with
// the reference times of these blocks: Mann–Kendall in the order of those.
func (s Study) withHost() (t stats.TrendTest, ok bool) {
	times, ok := s.referenceTimes()
	if !ok {
		return t, false
	}
	inBlock := map[string][]float64{}
	var blocks []string
	for _, r := range s.residuals() {
		if _, known := times[r.Block]; !known {
			continue
		}
		if inBlock[r.Block] == nil {
			blocks = append(blocks, r.Block)
		}
		inBlock[r.Block] = append(inBlock[r.Block], r.value)
	}
	slices.SortStableFunc(blocks, func(a, b string) int { return cmp.Compare(times[a], times[b]) })
	var medians []float64
	for _, block := range blocks {
		medians = append(medians, stats.Median(inBlock[block]))
	}
	t, err := stats.MannKendall(medians)
	return t, err == nil
}

// referenceTimes are those of each block, where all did the same job.
func (s Study) referenceTimes() (times map[string]trial.Seconds, ok bool) {
	times = map[string]trial.Seconds{}
	var job []byte
	for _, run := range s.Runs {
		for _, r := range comparable(run) {
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
