package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stratbench/stratbench/results/study"
)

// Warning says what a warning means.
func Warning(w study.Warning) string {
	if text, ok := warningTexts[w.Kind]; ok {
		return text(w)
	}
	return string(w.Kind) + ": " + w.Detail
}

var warningTexts = map[study.WarningKind]func(study.Warning) string{
	study.SingleTrial: fixed("a single trial shows what can happen, not how often or how long it takes"),
	study.NotRun: func(w study.Warning) string {
		if w.Detail == "" {
			return "not tested"
		}
		return "not tested: " + w.Detail
	},
	study.InvalidTrials: func(w study.Warning) string {
		return fmt.Sprintf("%d trials could not be measured and count neither way", w.Count)
	},
	study.InjectedTrials: func(w study.Warning) string {
		return fmt.Sprintf("%d %s broken on purpose and left out: stratbench faults shows what came of that", w.Count, were(w.Count, "trial"))
	},
	study.Conditional: fixed("times are of the trials that became ready only: read them beside the failures"),
	study.Residue: func(w study.Warning) string {
		return "varied inside the cell and should not have: " + w.Detail
	},
	study.Ties:     fixed("some times are equal, which measured ones are not: were they rounded?"),
	study.HostBusy: func(w study.Warning) string { return "the host was busy just before " + named(w) },
	study.CutOffTrials: func(w study.Warning) string {
		return "ended by a limit, known only to take longer: " + named(w)
	},
	study.HostVaried: func(w study.Warning) string {
		return fmt.Sprintf("host speed varied %s between %d measurements before blocks of run %s (slowest reference workload against the fastest)", percentOf(*w.Share), w.Count, w.Detail)
	},
	study.HostFollowed: func(w study.Warning) string {
		return "setup times of blocks rose with the reference workload's (Kendall, " + pIs(*w.P) + "): part of what differs between blocks is the host"
	},
	study.StoppedEarly: fixed("a look at the trials decided how long the run was; decisions allow for that, the intervals of single cells are those of a run of fixed length"),
	study.UnknownTimes: func(w study.Warning) string {
		return "no times are recorded of " + named(w)
	},
	study.SimulatedTrials: fixed("SIMULATED: no engine produced these figures"),
	study.ImportedTrials:  fixed("imported: stratbench did not measure these trials"),
}

// were is "trial was" or "trials were".
func were(n int, word string) string {
	if n == 1 {
		return word + " was"
	}
	return word + "s were"
}

func fixed(text string) func(study.Warning) string {
	return func(study.Warning) string { return text }
}

// named lists the trials of a warning: "t003, t017 and 4 more".
func named(w study.Warning) string {
	text := strings.Join(w.Trials, ", ")
	if more := w.Count - len(w.Trials); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// footnotes numbers warnings, each text once, for marks beside figures. Those
// that name trials have one number a kind, and name the trials of all cells.
type footnotes struct{ warnings []study.Warning }

// mostNamed trials are named in a footnote.
const mostNamed = 12

// mark returns the marks of those of the warnings whose kind is listed, or of
// all without a list.
func (f *footnotes) mark(warnings []study.Warning, kinds ...study.WarningKind) string {
	var marks []string
	for _, w := range warnings {
		if len(kinds) > 0 && !slices.Contains(kinds, w.Kind) {
			continue
		}
		marks = append(marks, strconv.Itoa(f.number(w)))
	}
	if len(marks) == 0 {
		return ""
	}
	return " [" + strings.Join(marks, ",") + "]"
}

func (f *footnotes) number(w study.Warning) int {
	for i, seen := range f.warnings {
		if len(w.Trials) > 0 && seen.Kind == w.Kind && seen.Detail == w.Detail {
			f.warnings[i].Count += w.Count
			f.warnings[i].Trials = slices.Concat(seen.Trials, w.Trials)
			return i + 1
		}
		if Warning(seen) == Warning(w) {
			return i + 1
		}
	}
	f.warnings = append(f.warnings, w)
	return len(f.warnings)
}

func (f *footnotes) list() (lines []string) {
	for i, w := range f.warnings {
		w.Trials = w.Trials[:min(mostNamed, len(w.Trials))]
		lines = append(lines, fmt.Sprintf("[%d] %s", i+1, Warning(w)))
	}
	return lines
}
