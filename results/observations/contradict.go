package observations

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// contradict points out what cannot all be true, and "measured" that was computed.
func (f *file) contradict(d document) {
	p := d.Phases
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

// contradictNoCache recognises totals that were computed from the images' times.
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

// Values that can be true and seldom are. They are kept and pointed out.
const (
	// leastTime is the time below which tables show 0.
	leastTime = 0.05
	// mostDoubts are listed one by one.
	mostDoubts = 20
	// mostLost is from how many times the longest set-up on a loss seems to be in another unit.
	mostLost = 500
)

// timedRow is a line and the set-up time in it.
type timedRow struct {
	line  int
	setup float64
}

// doubt warns of levels that are written in two ways, values that round to zero, units
// that seem to be mixed, the first loss that seems to be in another unit, and rows that
// seem to be copies. Copies can be recognised if rows have blocks.
func (f *file) doubt(blocks bool) {
	written := map[trial.Assignment][]string{}
	for _, r := range f.records {
		for _, a := range r.Trial.Cell {
			alike := trial.Assignment{Factor: a.Factor, Level: strings.ReplaceAll(strings.ToLower(a.Level), " ", "")}
			if all := written[alike]; !slices.Contains(all, a.Level) {
				if written[alike] = append(all, a.Level); len(all) > 0 {
					f.warn(r.Imported.Line, "%s is %q here and %q before, which count as two levels: are they one?", a.Factor, a.Level, all[0])
				}
			}
		}
	}
	seen := map[string]int{} // lines by cell, block and time
	var timed []timedRow
	longest, byCell := 0.0, map[string][]timedRow{}
	for _, r := range f.records {
		if r.Setup == nil || r.Kind != results.KindTrial || r.Imported.Estimate || r.Trial.WarmUp || r.Fault != nil {
			continue
		}
		o := timedRow{r.Imported.Line, r.Setup.Duration().Seconds()}
		if o.setup < leastTime {
			f.warn(o.line, "setup_seconds is %g, which rounds to zero: is it in another unit?", o.setup)
		}
		key := r.Trial.Cell.Key()
		at := fmt.Sprintf("%s %d %g", key, r.Trial.Block, o.setup)
		if first, twice := seen[at]; twice && blocks {
			f.warn(o.line, "the same cell, block and time as in line %d: is it the same trial twice?", first)
		} else {
			seen[at] = o.line
		}
		timed, longest = append(timed, o), max(longest, o.setup)
		byCell[key] = append(byCell[key], o)
	}
	for _, r := range f.records {
		lost := r.Elapsed.Duration().Seconds()
		if r.Setup == nil && r.Kind == results.KindTrial && r.Fault == nil && longest > 0 && lost > mostLost*longest {
			f.warn(r.Imported.Line, "%g s were lost, %.0f times the longest set-up: are lost_seconds in another unit?", lost, lost/longest)
			break
		}
	}
	everywhere := f.mixed(timed, true)
	if everywhere {
		f.mixedUnits = results.MixedBetween
	}
	for _, key := range slices.Sorted(maps.Keys(byCell)) {
		if f.mixed(byCell[key], !everywhere) {
			f.mixedUnits = results.MixedWithin
		}
	}
}

// mixed reports whether times fall into two groups far apart. If asked to, it warns
// of them, at the smaller group's first row.
func (f *file) mixed(timed []timedRow, warn bool) bool {
	sorted := slices.Clone(timed)
	slices.SortStableFunc(sorted, func(a, b timedRow) int { return cmp.Compare(a.setup, b.setup) })
	gap, at := 0.0, 0
	for i := 1; i < len(sorted); i++ {
		if ratio := sorted[i].setup / sorted[i-1].setup; ratio > gap {
			gap, at = ratio, i
		}
	}
	if gap < results.FarApart || !warn {
		return gap >= results.FarApart
	}
	few := sorted[:at]
	if len(sorted)-at < at {
		few = sorted[at:]
	}
	first := slices.MinFunc(few, func(a, b timedRow) int { return cmp.Compare(a.line, b.line) })
	f.warn(first.line, "setup_seconds is %g; %d of %d times end at %g s and the others begin at %g s, with none between: are units mixed, such as minutes and seconds?",
		first.setup, at, len(sorted), sorted[at-1].setup, sorted[at].setup)
	return true
}

func (f *file) warn(line int, format string, args ...any) {
	switch len(f.warnings) {
	case mostDoubts:
		f.warnings = append(f.warnings, f.name+": more lines like these are not listed")
	case mostDoubts + 1:
	default:
		f.warnings = append(f.warnings, fmt.Sprintf("%s:%d: %s", f.name, line, fmt.Sprintf(format, args...)))
	}
}
