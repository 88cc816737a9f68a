package observations

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/stratbench/stratbench/results"
)

// Values that can be true and seldom are. They are kept and pointed out.
const (
	// leastTime is the time below which tables show 0.
	leastTime = 0.05
	// farApart is the ratio of a time to the next shorter one from which units seem
	// to be mixed: minutes beside seconds are 60 times apart, less what the times
	// themselves differ.
	farApart = 15
	// mostDoubts are listed one by one.
	mostDoubts = 20
)

// timedRow is a line and the set-up time in it.
type timedRow struct {
	line  int
	setup float64
}

// doubt warns of values that round to zero, units that seem to be mixed and rows
// that seem to be copies. Copies can be recognised if rows have blocks.
func (f *file) doubt(blocks bool) {
	type sighting struct {
		cell  string
		block int
		setup float64
	}
	seen := map[sighting]int{}
	var timed []timedRow
	byCell := map[string][]timedRow{}
	for _, r := range f.records {
		if r.Setup == nil || r.Kind != results.KindTrial || r.Imported.Estimate || r.Trial.WarmUp || r.Fault != nil {
			continue
		}
		o := timedRow{r.Imported.Line, r.Setup.Duration().Seconds()}
		if o.setup < leastTime {
			f.warn(o.line, "setup_seconds is %g, which rounds to zero: is it in another unit?", o.setup)
		}
		key := r.Trial.Cell.Key()
		at := sighting{key, r.Trial.Block, o.setup}
		if first, twice := seen[at]; twice && blocks {
			f.warn(o.line, "the same cell, block and time as in line %d: is it the same trial twice?", first)
		} else {
			seen[at] = o.line
		}
		timed = append(timed, o)
		byCell[key] = append(byCell[key], o)
	}
	if f.mixed(timed) {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(byCell)) {
		f.mixed(byCell[key])
	}
}

// mixed warns if times form two groups that lie far apart, at the first row of
// the smaller group.
func (f *file) mixed(timed []timedRow) bool {
	sorted := slices.Clone(timed)
	slices.SortStableFunc(sorted, func(a, b timedRow) int { return cmp.Compare(a.setup, b.setup) })
	gap, at := 0.0, 0
	for i := 1; i < len(sorted); i++ {
		if ratio := sorted[i].setup / sorted[i-1].setup; ratio > gap {
			gap, at = ratio, i
		}
	}
	if gap < farApart {
		return false
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
		f.warnings = append(f.warnings, f.name+": there is more of this kind, which is not listed")
	case mostDoubts + 1:
	default:
		f.warnings = append(f.warnings, fmt.Sprintf("%s:%d: %s", f.name, line, fmt.Sprintf(format, args...)))
	}
}
