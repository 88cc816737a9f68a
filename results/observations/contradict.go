package observations

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// contradict points out what of a source cannot all be true, and what is
// given as measured and was computed.
func (f *file) contradict(d document) {
	f.contradictPhases(d.Phases)
	f.contradictNoCache(d)
	for _, c := range d.Comparison {
		f.contradictTotals(c, d.Phases)
	}
	f.contradictTests(d.Workload)
	f.contradictStability(d)
}

func (f *file) contradictory(format string, args ...any) {
	f.contradictions = append(f.contradictions, fmt.Sprintf(format, args...))
}

func (f *file) contradictPhases(p *phaseMinutes) {
	if p == nil {
		return
	}
	build := 0.0
	for _, m := range p.Build {
		build += m
	}
	if sum := p.Cluster + build + p.Load + p.Deploy; p.Setup > 0 && sum != p.Setup {
		f.contradictory("the phases of the serial run add up to %g min (cluster %g, builds %g, load %g, deploy %g), its setup is stated as %g min.",
			sum, p.Cluster, build, p.Load, p.Deploy, p.Setup)
	}
	if len(p.Test) == 2 && len(p.Total) == 2 && (p.Setup+p.Test[0] != p.Total[0] || p.Setup+p.Test[1] != p.Total[1]) {
		f.contradictory("setup %g min and tests %g to %g min make %g to %g min, the total of the serial run is stated as %g to %g.",
			p.Setup, p.Test[0], p.Test[1], p.Setup+p.Test[0], p.Setup+p.Test[1], p.Total[0], p.Total[1])
	}
}

func (f *file) contradictTotals(c comparison, p *phaseMinutes) {
	if len(c.Setup) != 2 || len(c.Test) != 2 || len(c.Total) != 2 {
		return
	}
	if low, high := c.Setup[0]+c.Test[0], c.Setup[1]+c.Test[1]; low != c.Total[0] || high != c.Total[1] {
		f.contradictory("%s: setup %s and tests %s min make %s min, stated is a total of %s.",
			c.Strategy, span(c.Setup[0], c.Setup[1]), span(c.Test[0], c.Test[1]), span(low, high), span(c.Total[0], c.Total[1]))
	}
	if p != nil && c.Strategy == "serial" && len(p.Test) == 2 && (p.Test[0] != c.Test[0] || p.Test[1] != c.Test[1]) {
		f.contradictory("the tests of the serial run take %g to %g min in one place and %g to %g min in another.", p.Test[0], p.Test[1], c.Test[0], c.Test[1])
	}
}

func span(low, high float64) string {
	if low == high {
		return fmt.Sprintf("%g", low)
	}
	return fmt.Sprintf("%g to %g", low, high)
}

// contradictNoCache recognises totals that were computed from the images'
// times instead of being measured.
func (f *file) contradictNoCache(d document) {
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
		f.contradictory("the serial build time %s is exactly the sum of the %d images' single times: computed, not measured.", d.NoCache["serial"], images)
	}
	if parallel, ok := minutesSeconds(d.NoCache["parallel"]); ok && parallel == longest {
		f.contradictory("the parallel build time %s is exactly that of the slowest image (%s) built alone: no parallel build was timed, so that contention was not measured.", d.NoCache["parallel"], slowest)
	}
	f.contradictImages(d, slowest)
}

func (f *file) contradictImages(d document, slowest string) {
	if d.Phases == nil || len(d.Phases.Build) == 0 {
		return
	}
	names := slices.Sorted(maps.Keys(d.Phases.Build))
	before := slices.MaxFunc(names, func(a, b string) int {
		return int(1000 * (d.Phases.Build[a] - d.Phases.Build[b]))
	})
	if before != slowest {
		f.contradictory("the slowest image is %s (%g min) in the serial run and %s (%s) in the timings without cache.",
			before, d.Phases.Build[before], slowest, d.NoCache[slowest])
	}
}

// minutesSeconds reads "3:53".
func minutesSeconds(text string) (time.Duration, bool) {
	var m, s int
	if n, err := fmt.Sscanf(text, "%d:%d", &m, &s); n != 2 || err != nil {
		return 0, false
	}
	return time.Duration(m)*time.Minute + time.Duration(s)*time.Second, true
}

func (f *file) contradictTests(w workload) {
	for _, r := range f.records {
		if r.Imported.TestsTotal == nil {
			continue
		}
		passed, total := *r.Imported.TestsPassed, *r.Imported.TestsTotal
		if known := len(w.Tests.KnownFailures); known > 0 && total-passed != known {
			f.contradictory("%d of %d tests passed, so that %d failed; %d failures are named as known.", passed, total, total-passed, known)
		}
	}
}

// contradictStability sets words of stability and confidence against the
// number of trials behind them.
func (f *file) contradictStability(d document) {
	for _, c := range d.Comparison {
		trials := 0
		for _, r := range f.records {
			if level, _ := r.Trial.Cell.Level("strategy"); level == c.Strategy && !r.Imported.Estimate {
				trials++
			}
		}
		confidence, stated := d.Confidence[c.Strategy]
		switch {
		case trials == 0 && stated:
			f.contradictory("%s is called %q with %.0f %% confidence, and was never run.", c.Strategy, c.Stability, 100*confidence)
		case trials > 0 && stated:
			f.contradictory("%s is called %q with %.0f %% confidence on %d %s.", c.Strategy, c.Stability, 100*confidence, trials, plural(trials, "trial"))
		}
	}
}

func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}
