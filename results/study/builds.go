package study

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/stats"
)

const (
	// likelyPeak is the quantile of earlier peaks that is expected.
	likelyPeak = 0.9
	// leastPeak is what any build is expected to hold: samples are a second apart.
	leastPeak trial.Bytes = 64 << 20
)

// buildSettings are the settings of a trial that decide how its images are built.
type buildSettings struct {
	Runtime trial.Runtime `json:"runtime"`
	Build   struct {
		NoCache bool             `json:"noCache"`
		Cache   trial.BuildCache `json:"cache"`
	} `json:"build"`
}

// BuildsAlone are the builds of a trial beside which no other image was built, none loaded,
// no cluster created and nothing deployed: only of those it is known what they take. After
// a crash, a common stage or with a cache, another build may have done part of their work.
func BuildsAlone(r *results.Record) (builds []results.Expected) {
	var settings buildSettings
	if r.Simulated || r.Imported != nil || r.Fault != nil || r.Crash != nil || sharedStages(r) || json.Unmarshal(r.Settings, &settings) != nil || settings.Build.Cache.Used() {
		return nil
	}
	for _, s := range r.Spans {
		if !isBuild(s) || !s.EndedWell() || slices.ContainsFunc(r.Spans, func(o trial.Span) bool {
			beside := o.Start < s.End && s.Start < o.End
			return o != s && (isBuild(o) && (beside || o.Image == s.Image) || // a build that gave way left steps in the cache
				beside && o.IsPhase() && slices.Contains([]trial.Phase{trial.PhaseCluster, trial.PhaseLoad, trial.PhaseDeploy}, o.Phase))
		}) {
			continue
		}
		// What was in use before may still have been held by another build, which had just
		// ended.
		lowest, highest, known := trial.Bytes(-1), trial.Bytes(0), false
		for _, sample := range r.Samples {
			switch {
			case sample.At <= s.Start:
				lowest = sample.MemoryAnon
			case sample.At <= s.End:
				lowest, highest, known = min(lowest, sample.MemoryAnon), max(highest, sample.MemoryAnon), true
			}
		}
		if lowest >= 0 && known {
			builds = append(builds, results.Expected{Runtime: settings.Runtime, Image: s.Image, NoCache: settings.Build.NoCache,
				Peak: max(highest-lowest, leastPeak), Takes: s.Length(), CPU: processorTime(r.Samples, s), Builds: 1})
		}
	}
	return builds
}

// isBuild is true for the span of the whole build of an image.
func isBuild(s trial.Span) bool {
	return s.Phase == trial.PhaseBuild && s.Image != "" && s.Name == "build "+s.Image
}

// sharedStages reports whether common stages of images were built by themselves.
func sharedStages(r *results.Record) bool {
	return slices.ContainsFunc(r.Spans, func(s trial.Span) bool {
		return s.Phase == trial.PhaseBuild && strings.HasPrefix(s.Name, trial.CommonStage)
	})
}

// How engines print the steps of a build. Podman names a stage in its first step only,
// and begins the others with its number.
var (
	podmanStep   = regexp.MustCompile(`^(\[\d+/\d+\] )?(?:STEP \d+/\d+: |COMMIT)`)
	podmanStage  = regexp.MustCompile(`(?i)STEP 1/\d+: FROM .* AS (\S+)$`)
	buildKitStep = regexp.MustCompile(`^\[(?:[^\]]* )?([^\]\s]+) +\d+/\d+\] `)
)

// StageTimes are the seconds that build steps took, by the image and the name of the stage
// in its Dockerfile; steps of no such stage are under another key. There are none of a trial
// that did not become ready, or whose steps may have come from the cache.
func StageTimes(r *results.Record) map[string]map[string]float64 {
	var settings buildSettings
	if r.Setup == nil || r.Simulated || r.Imported != nil || r.Fault != nil || r.Crash != nil || sharedStages(r) ||
		json.Unmarshal(r.Settings, &settings) != nil || !settings.Build.NoCache {
		return nil
	}
	times := map[string]map[string]float64{}
	numbered := map[string]string{} // the names of Podman's stages, by image and number
	for _, s := range r.Spans {
		if s.Phase != trial.PhaseBuild || s.Image == "" || s.Step == "" {
			continue
		}
		stage := ""
		if m := podmanStep.FindStringSubmatch(s.Step); m != nil {
			number := s.Image + " " + m[1]
			if named := podmanStage.FindStringSubmatch(s.Step); named != nil {
				numbered[number] = strings.ToLower(named[1])
			}
			stage = numbered[number]
		} else if m := buildKitStep.FindStringSubmatch(s.Step); m != nil {
			stage = m[1]
		}
		if times[s.Image] == nil {
			times[s.Image] = map[string]float64{}
		}
		times[s.Image][stage] += s.Length().Duration().Seconds()
	}
	return times
}

// processorTime is how much processor time the machine took during the span.
func processorTime(samples []trial.Sample, s trial.Span) trial.Seconds {
	return trial.Seconds(grown(samples, s.Start, s.End, func(s trial.Sample) float64 { return float64(s.CPU) }))
}

// grown is how much a total of the samples grew between two moments. There is a sample.
func grown(samples []trial.Sample, from, to trial.Seconds, total func(trial.Sample) float64) float64 {
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

// builds are those of whole images that ended well: no pulls, no set-up begun twice.
func builds(r *results.Record) (found []trial.Span) {
	if r.Crash != nil {
		return nil
	}
	for _, s := range r.Spans {
		if isBuild(s) && s.EndedWell() {
			found = append(found, s)
		}
	}
	return found
}

// BuiltAtOnce is how many images a trial built at once, by its spans.
func BuiltAtOnce(r *results.Record) (most int) {
	all := builds(r)
	for _, a := range all {
		at := 0
		for _, b := range all {
			if b.Start <= a.Start && a.Start < b.End {
				at++
			}
		}
		most = max(most, at)
	}
	return most
}

// imageLengths are how long the builds of whole images took, in seconds.
func imageLengths(trials []Observation) map[string][]float64 {
	lengths := map[string][]float64{}
	for _, o := range trials {
		if sharedStages(o.Record) {
			continue
		}
		for _, b := range builds(o.Record) {
			lengths[b.Image] = append(lengths[b.Image], b.Length().Duration().Seconds())
		}
	}
	return lengths
}

// butStrategy are the trials of cells that differ in strategy or onCrash only.
func (s Study) butStrategy(c trial.Cell) (trials []Observation) {
	for _, other := range s.Cells {
		if slices.EqualFunc(c, other, func(a, b trial.Assignment) bool {
			return a == b || a.Factor == b.Factor && (a.Factor == "strategy" || a.Factor == "onCrash")
		}) {
			trials = append(trials, s.Of(other)...)
		}
	}
	return trials
}

// alone gathers builds that ran one at a time in these cells.
func (s Study) alone(c trial.Cell) map[string][]float64 {
	return imageLengths(filter(s.butStrategy(c), func(o Observation) bool { return BuiltAtOnce(o.Record) == 1 }))
}

// ImageTime is an image's build time beside others and alone: with nothing else being
// built, in cells that differ in the strategy only.
type ImageTime struct {
	Image  string `json:"image"`
	N      int    `json:"n"`
	Median Value  `json:"median_seconds"`
	Alone  Value  `json:"alone_seconds"`
	// Slowdown is the ratio of the medians.
	Slowdown Value `json:"slowdown"`
}

// Together compares the builds of trials that built several images at once with
// the same builds alone. It is empty without builds of both sorts.
func (s Study) Together(trials []Observation) []ImageTime {
	together := filter(trials, func(o Observation) bool { return BuiltAtOnce(o.Record) > 1 })
	alone, seen := map[string][]float64{}, map[string]bool{}
	for _, o := range together {
		if key := o.Cell.Key(); !seen[key] {
			seen[key] = true
			for image, lengths := range s.alone(o.Cell) {
				alone[image] = append(alone[image], lengths...)
			}
		}
	}
	images, lengths := []ImageTime{}, imageLengths(together)
	for _, image := range slices.Sorted(maps.Keys(lengths)) {
		if len(alone[image]) == 0 {
			continue
		}
		t := ImageTime{Image: image, N: len(lengths[image]), Median: Value(stats.Median(lengths[image])), Alone: Value(stats.Median(alone[image]))}
		t.Slowdown = t.Median / t.Alone
		images = append(images, t)
	}
	return images
}
