package run

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/strategies"
)

const (
	// learnFrom is how many earlier runs tell what a build takes: the newest in
	// which an image was built alone, among so many as lookBack.
	learnFrom, lookBack = 5, 50
	// likelyPeak is the quantile of earlier peaks that is expected.
	likelyPeak = 0.9
	// leastPeak is what any build is expected to hold: samples are a second apart.
	leastPeak trial.Bytes = 64 << 20
)

// expect finds what earlier runs of the workload on this host, below root, lead
// one to expect of the builds, and keeps it with the run: all trials of a cell
// go by the same. It is for strategies that admit builds by it.
func (r *runner) expect(root string) error {
	adapts, err := r.adapts()
	if err != nil || !adapts {
		return err
	}
	dirs, err := results.Runs(root)
	if err != nil {
		return err
	}
	var builds []results.Expected
	runs := 0
	for _, dir := range slices.Backward(dirs[max(0, len(dirs)-lookBack):]) {
		env, err := results.ReadEnvironment(dir)
		if err != nil || env.WorkloadHash != r.env.WorkloadHash || env.HostID != r.env.HostID || env.RunID == r.env.RunID {
			continue
		}
		run, err := results.ReadRun(dir)
		if err != nil {
			r.report(Update{Note: fmt.Sprintf("nothing is learned from %s: %v", dir, err)})
			continue
		}
		before := len(builds)
		for _, rec := range run.SharedTrials() {
			builds = append(builds, buildsAlone(rec)...)
		}
		if len(builds) > before {
			runs++
		}
		if runs == learnFrom {
			break
		}
	}
	r.builds = likely(builds)
	if len(r.builds) == 0 {
		r.report(Update{Note: "no earlier run of this workload on this host has built an image alone: strategy adaptive goes by the weights of the images"})
	}
	return r.journal.WriteOnce(results.ExpectedFile, r.builds)
}

// adapts reports whether a cell of the plan has a strategy that goes by what is
// expected.
func (r *runner) adapts() (bool, error) {
	for _, cell := range r.plan.Cells {
		s, w, err := r.cell(cell)
		if err != nil {
			return false, err
		}
		if len(w.Images) == 0 {
			continue
		}
		if strategy, err := strategies.Named(s.Strategy, r.specOf(cell).Strategies); err != nil || strategy.Adapts {
			return true, err
		}
	}
	return false, nil
}

// isBuild is true for the span of the whole build of an image.
func isBuild(s trial.Span) bool {
	return s.Phase == trial.PhaseBuild && s.Image != "" && s.Name == "build "+s.Image
}

// buildsAlone are the builds of a trial beside which no other image was built
// and no cluster created: only of those it is known what they hold.
func buildsAlone(r *results.Record) (builds []results.Expected) {
	var settings spec.Settings
	if r.Simulated || r.Imported != nil || r.Fault != nil || json.Unmarshal(r.Settings, &settings) != nil {
		return nil
	}
	for _, s := range r.Spans {
		if !isBuild(s) || s.Error != "" || s.Unfinished || slices.ContainsFunc(r.Spans, func(o trial.Span) bool {
			return o != s && (isBuild(o) || o.IsPhase() && o.Phase == trial.PhaseCluster) && o.Start < s.End && s.Start < o.End
		}) {
			continue
		}
		before, highest, known := trial.Bytes(-1), trial.Bytes(0), false
		for _, sample := range r.Samples {
			switch {
			case sample.At <= s.Start:
				before = sample.MemoryAnon
			case sample.At <= s.End:
				highest, known = max(highest, sample.MemoryAnon), true
			}
		}
		if before >= 0 && known {
			builds = append(builds, results.Expected{Runtime: settings.Runtime, Image: s.Image, NoCache: settings.Build.NoCache,
				Peak: max(highest-before, leastPeak), Takes: s.Length(), Builds: 1})
		}
	}
	return builds
}

// likely is what builds like these lead one to expect.
func likely(builds []results.Expected) []results.Expected {
	type of struct {
		runtime trial.Runtime
		image   string
		noCache bool
	}
	peaks, times := map[of][]trial.Bytes{}, map[of][]trial.Seconds{}
	for _, b := range builds {
		key := of{b.Runtime, b.Image, b.NoCache}
		peaks[key], times[key] = append(peaks[key], b.Peak), append(times[key], b.Takes)
	}
	expected := []results.Expected{}
	for key := range peaks {
		expected = append(expected, results.Expected{Runtime: key.runtime, Image: key.image, NoCache: key.noCache,
			Peak: quantile(peaks[key], likelyPeak), Takes: quantile(times[key], 0.5), Builds: len(peaks[key])})
	}
	slices.SortFunc(expected, func(a, b results.Expected) int {
		return cmp.Or(cmp.Compare(a.Runtime, b.Runtime), cmp.Compare(a.Image, b.Image), cmp.Compare(fmt.Sprint(a.NoCache), fmt.Sprint(b.NoCache)))
	})
	return expected
}

// quantile is the least value that the share q of all is not above.
func quantile[T cmp.Ordered](values []T, q float64) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[int(math.Ceil(q*float64(len(sorted))))-1]
}

// toBuild are the workload's images as a strategy sees them.
func (x *execution) toBuild() (images []strategies.Image) {
	for _, i := range x.workload.Images {
		image := strategies.Image{Name: i.Name, Weight: i.Weight}
		for _, e := range x.r.builds {
			if e.Image == i.Name && e.Runtime == x.settings.Runtime && e.NoCache == x.settings.Build.NoCache {
				image.Peak, image.Takes = int64(e.Peak), e.Takes.Duration()
			}
		}
		images = append(images, image)
	}
	return images
}
