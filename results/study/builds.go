package study

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

const (
	// likelyPeak is the quantile of earlier peaks that is expected.
	likelyPeak = 0.9
	// leastPeak is what any build is expected to hold: samples are a second apart.
	leastPeak trial.Bytes = 64 << 20
)

// BuildsAlone are the builds of a trial beside which no other image was built, none
// loaded, no cluster created and nothing deployed: only of those it is known what they
// take of a machine.
func BuildsAlone(r *results.Record) (builds []results.Expected) {
	var settings struct {
		Runtime trial.Runtime `json:"runtime"`
		Build   struct {
			NoCache bool `json:"noCache"`
		} `json:"build"`
	}
	if r.Simulated || r.Imported != nil || r.Fault != nil || json.Unmarshal(r.Settings, &settings) != nil {
		return nil
	}
	for _, s := range r.Spans {
		if !isBuild(s) || s.Error != "" || s.Unfinished || slices.ContainsFunc(r.Spans, func(o trial.Span) bool {
			return o != s && (isBuild(o) || o.IsPhase() && slices.Contains([]trial.Phase{trial.PhaseCluster, trial.PhaseLoad, trial.PhaseDeploy}, o.Phase)) && o.Start < s.End && s.Start < o.End
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
				Peak: max(highest-before, leastPeak), Takes: s.Length(), CPU: processorTime(r.Samples, s), Builds: 1})
		}
	}
	return builds
}

// isBuild is true for the span of the whole build of an image.
func isBuild(s trial.Span) bool {
	return s.Phase == trial.PhaseBuild && s.Image != "" && s.Name == "build "+s.Image
}

// processorTime is how much processor time the machine took during the span.
func processorTime(samples []trial.Sample, s trial.Span) trial.Seconds {
	return trial.Seconds(used(samples, s.Start, s.End, func(s trial.Sample) float64 { return float64(s.CPU) }))
}

// used is how much a total of the samples grew between two moments. There is a sample.
func used(samples []trial.Sample, from, to trial.Seconds, total func(trial.Sample) float64) float64 {
	at := func(moment trial.Seconds) float64 {
		i, found := slices.BinarySearchFunc(samples, moment, func(a trial.Sample, m trial.Seconds) int { return cmp.Compare(a.At, m) })
		switch {
		case i == len(samples):
			return total(samples[i-1])
		case found || i == 0:
			return total(samples[i])
		}
		a, b := samples[i-1], samples[i]
		return total(a) + (total(b)-total(a))*float64(moment-a.At)/float64(b.At-a.At)
	}
	return max(0, at(to)-at(from))
}

// Likely is what builds like these lead one to expect.
func Likely(builds []results.Expected) []results.Expected {
	byImage := map[results.Expected][]results.Expected{}
	for _, b := range builds {
		image := results.Expected{Runtime: b.Runtime, Image: b.Image, NoCache: b.NoCache}
		byImage[image] = append(byImage[image], b)
	}
	expected := []results.Expected{}
	for image, all := range byImage {
		var peaks []trial.Bytes
		var times, processor []trial.Seconds
		for _, b := range all {
			peaks, times, processor = append(peaks, b.Peak), append(times, b.Takes), append(processor, b.CPU)
		}
		image.Peak, image.Takes, image.CPU, image.Builds = quantile(peaks, likelyPeak), quantile(times, 0.5), quantile(processor, 0.5), len(all)
		expected = append(expected, image)
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
