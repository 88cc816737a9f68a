package observations

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// contradict points out figures of a source that cannot all be true, and
// figures given as measured that were computed.
func (f *file) contradict(d document) {
	p := d.Phases
	if p == nil {
		p = &phaseMinutes{}
	}
	if sum := p.Cluster + p.build() + p.Load + p.Deploy; p.Setup > 0 && sum != p.Setup {
		f.contradiction("the phases of the serial run add up to %g min (cluster %g, builds %g, load %g, deploy %g), its setup is stated as %g min.",
			sum, p.Cluster, p.build(), p.Load, p.Deploy, p.Setup)
	}
	if len(p.Test) == 2 && len(p.Total) == 2 && (p.Setup+p.Test[0] != p.Total[0] || p.Setup+p.Test[1] != p.Total[1]) {
		f.contradiction("setup %g min and tests %g to %g min make %g to %g min, the total of the serial run is stated as %g to %g.",
			p.Setup, p.Test[0], p.Test[1], p.Setup+p.Test[0], p.Setup+p.Test[1], p.Total[0], p.Total[1])
	}
	f.contradictNoCache(d, p.Build)
	for _, c := range d.Comparison {
		if len(c.Setup) != 2 || len(c.Test) != 2 || len(c.Total) != 2 {
			continue
		}
		if sum := []float64{c.Setup[0] + c.Test[0], c.Setup[1] + c.Test[1]}; !slices.Equal(sum, c.Total) {
			f.contradiction("%s: setup %s and tests %s min make %s min, stated is a total of %s.", c.Strategy, span(c.Setup), span(c.Test), span(sum), span(c.Total))
		}
		if c.Strategy == "serial" && len(p.Test) == 2 && !slices.Equal(p.Test, c.Test) {
			f.contradiction("the tests of the serial run take %g to %g min in one place and %g to %g min in another.", p.Test[0], p.Test[1], c.Test[0], c.Test[1])
		}
	}
	trials := map[string]int{} // of each strategy
	for _, r := range f.records {
		if strategy, _ := r.Trial.Cell.Level("strategy"); !r.Imported.Estimate {
			trials[strategy]++
		}
		if r.Imported.TestsTotal == nil {
			continue
		}
		passed, total := *r.Imported.TestsPassed, *r.Imported.TestsTotal
		if known := len(d.Workload.Tests.KnownFailures); known > 0 && total-passed != known {
			f.contradiction("%d of %d tests passed, so that %d failed; %d failures are named as known.", passed, total, total-passed, known)
		}
	}
	for _, c := range d.Comparison {
		confidence, stated := d.Confidence[c.Strategy]
		if !stated {
			continue
		}
		behind := fmt.Sprintf(" on %d trials", trials[c.Strategy])
		switch trials[c.Strategy] {
		case 0:
			behind = ", and was never run"
		case 1:
			behind = " on 1 trial"
		}
		f.contradiction("%s is called %q with %.0f %% confidence%s.", c.Strategy, c.Stability, 100*confidence, behind)
	}
}

func span(minutes []float64) string {
	if minutes[0] == minutes[1] {
		return fmt.Sprintf("%g", minutes[0])
	}
	return fmt.Sprintf("%g to %g", minutes[0], minutes[1])
}

// contradictNoCache recognises totals that were computed from the images'
// times instead of being measured.
func (f *file) contradictNoCache(d document, build map[string]float64) {
	var sum, longest time.Duration
	slowest, images := "", 0
	for _, name := range d.Workload.Images {
		if each, ok := minutesSeconds(d.NoCache[name]); ok {
			images++
			sum += each
			if each > longest {
				longest, slowest = each, name
			}
		}
	}
	if images < 2 {
		return
	}
	if serial, ok := minutesSeconds(d.NoCache["serial"]); ok && serial == sum {
		f.contradiction("the serial build time %s is exactly the sum of the %d images' single times: computed, not measured.", d.NoCache["serial"], images)
	}
	if parallel, ok := minutesSeconds(d.NoCache["parallel"]); ok && parallel == longest {
		f.contradiction("the parallel build time %s is exactly that of the slowest image (%s) built alone: no parallel build was timed, so that contention was not measured.", d.NoCache["parallel"], slowest)
	}
	if len(build) == 0 {
		return
	}
	before := slices.MaxFunc(slices.Sorted(maps.Keys(build)), func(a, b string) int { return cmp.Compare(build[a], build[b]) })
	if before != slowest {
		f.contradiction("the slowest image is %s (%g min) in the serial run and %s (%s) in the timings without cache.", before, build[before], slowest, d.NoCache[slowest])
	}
}

// minutesSeconds reads "3:53".
func minutesSeconds(text string) (time.Duration, bool) {
	var m, s int
	n, err := fmt.Sscanf(text, "%d:%d", &m, &s)
	return time.Duration(m)*time.Minute + time.Duration(s)*time.Second, n == 2 && err == nil
}
