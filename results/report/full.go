package report

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/answer"
	"github.com/stratbench/stratbench/results/compare"
	"github.com/stratbench/stratbench/results/stats"
	"github.com/stratbench/stratbench/results/study"
)

// Appendices are the tables by which the first screen, if any, can be checked.
func Appendices(s study.Study, a study.Analysis, first *answer.Answer) []Table {
	var all []Table
	if first != nil {
		all = append(all, decisions(*first))
	}
	all = append(all, Outcomes(a), phases(a), Bounds(a), Limits(s), Predictions(s))
	return slices.DeleteFunc(all, func(t Table) bool { return len(t.Rows) == 0 })
}

// decisions has what each decision rests on: a row for each strategy in it.
func decisions(a answer.Answer) Table {
	t := Table{Title: "Decisions", Header: []string{"images", "environment", "where", cmp.Or(strings.Join(a.Chosen, ", "), "strategy"), "failed", "cost (95 %)", "verdict"}}
	for _, d := range a.Decisions {
		for _, arm := range d.Arms {
			row := []string{situations[d.Situation], environments[d.Environment], placeName(d.Where), arm.Strategy, fmt.Sprintf("%d of %d", arm.Failed, arm.N), none}
			if arm.Cost != nil {
				row[5] = duration(study.Value(*arm.Cost))
				if i := arm.Interval; i != nil {
					row[5] += fmt.Sprintf(" (%s to %s)", duration(study.Value(i[0])), duration(study.Value(i[1])))
				}
			}
			t.Rows = append(t.Rows, append(row, armVerdict(d, arm)))
		}
	}
	t.Notes = []string{"Cost: the mean, or the 90 % quantile for CI, of the time to ready in a typical place, retries included."}
	return t
}

func armVerdict(d answer.Decision, arm answer.Arm) string {
	switch {
	case arm.RuledOut && arm.Effect != nil && arm.EffectInterval != nil:
		return fmt.Sprintf("ruled out by %s: %s (95 %%: %s to %s)", arm.BeatenBy, relative(*arm.Effect), relative(arm.EffectInterval[0]), relative(arm.EffectInterval[1]))
	case arm.RuledOut && arm.BeatenBy != "":
		return "ruled out by " + arm.BeatenBy
	case arm.RuledOut:
		return "ruled out: it fails too often"
	case slices.Contains(d.FailTooOften, arm.Strategy):
		return "open: it probably fails too often"
	case d.Verdict == compare.Undecided:
		return "open"
	case !slices.Contains(d.Best, arm.Strategy):
		return "not shown to be better"
	case d.OnlyWhenItWorks:
		return string(d.Verdict) + " when it works"
	}
	return string(d.Verdict)
}

func factorNames(a study.Analysis) []string {
	return texts(a.Factors, func(f trial.Factor) string { return f.Name })
}

// mostNamed trials are named in a footnote.
const mostNamed = 12

// Outcomes is what the trials of each cell came to, and how long they took.
func Outcomes(a study.Analysis) Table {
	var footnotes []study.Warning
	t := Table{Title: "Outcomes and times to ready", Header: append(factorNames(a), "n", "outcomes", "failed (95 % interval)", "setup: median of ready trials", "mean with retries")}
	for _, c := range a.Cells {
		t.Rows = append(t.Rows, append(study.LevelsOf(c.Cell.Cell, factorNames(a)), strconv.Itoa(c.N)+mark(&footnotes, c.Warnings), cellOutcomes(c.Cell), Rate(c.Failed),
			setupTime(c.SetupTime), duration(c.WithRetries)))
	}
	for i, w := range footnotes {
		w.Trials = w.Trials[:min(mostNamed, len(w.Trials))]
		t.Notes = append(t.Notes, fmt.Sprintf("[%d] %s", i+1, Warning(w)))
	}
	t.Notes = append(t.Notes, "Failed: crashed, hung or not ready within the limits; failed tests are no failure of the set-up. Intervals of rates: Clopper–Pearson; of medians: order statistics.",
		"Mean with retries: all time spent, failures and recovery included, for each success.",
		"To show a failure rate under 10 % takes 29 trials in a row without a failure.") // 29 is the least n of which 0.9^n is under 5 %
	return t
}

// phases has phases, tests and memory. A column without a figure is left out.
func phases(a study.Analysis) Table {
	t := Table{Title: "Phases, tests and memory", Header: append(factorNames(a), measures()...)}
	for _, c := range a.Cells {
		if row := measured(c.Cell); slices.ContainsFunc(row, func(v string) bool { return v != none }) {
			t.Rows = append(t.Rows, append(study.LevelsOf(c.Cell.Cell, factorNames(a)), row...))
		}
	}
	for i := len(t.Header) - 1; i >= len(a.Factors); i-- {
		if slices.ContainsFunc(t.Rows, func(row []string) bool { return row[i] != none }) {
			continue
		}
		t.Header = slices.Delete(t.Header, i, i+1)
		for k, row := range t.Rows {
			t.Rows[k] = slices.Delete(row, i, i+1)
		}
	}
	var notes []string
	if slices.ContainsFunc(trial.Phases(), func(p trial.Phase) bool { return slices.Contains(t.Header, string(p)) }) {
		notes = append(notes, "Medians of the phases that ended well. Phases may overlap, so they need not add up to the setup time.")
	}
	if slices.Contains(t.Header, "peak memory") {
		notes = append(notes, "Memory: the highest of samples a second apart; the true peak lies at or above it.")
	}
	t.Notes = []string{strings.Join(notes, " ")}
	return t
}

const (
	// A limit is advised for fewestForLimits lengths or more, as a multiple of limitStep.
	fewestForLimits = 10
	limitStep       = 30 * time.Second
)

// Limits advises time limits by what set-ups took that became ready.
func Limits(s study.Study) Table {
	t := Table{Title: "Time limits", Header: []string{"phase", "n", "longest", "limit", "longest silence", "limit on silence"}}
	fewest, phases, silences := math.MaxInt, []string{}, []string{}
	for _, p := range trial.Phases() {
		var longest, silent trial.Seconds
		n := 0
		for _, o := range s.Trials {
			length, ok := study.PhaseTime(o.Record, p)
			if !o.Ready || !ok {
				continue
			}
			n, longest = n+1, max(longest, trial.Seconds(length*float64(time.Second)))
			for _, q := range o.Record.Silences {
				if q.Phase == p {
					silent = max(silent, q.End-q.Start)
				}
			}
		}
		if n < fewestForLimits {
			continue
		}
		fewest = min(fewest, n)
		row := []string{string(p), strconv.Itoa(n), Seconds(longest), advised(longest), none, none}
		phases = append(phases, string(p)+": "+row[3])
		if silent > 0 {
			row[4], row[5] = Seconds(silent), advised(silent)
			silences = append(silences, string(p)+": "+row[5])
		}
		t.Rows = append(t.Rows, row)
	}
	if len(t.Rows) == 0 {
		return t
	}
	spec := "limits: {phase: {" + strings.Join(phases, ", ") + "}"
	if len(silences) > 0 {
		spec += ", silence: {" + strings.Join(silences, ", ") + "}"
	}
	// None of n was longer: the exact upper bound of how often one is.
	t.Notes = []string{fmt.Sprintf("Twice the longest of set-ups that became ready, in whole half minutes, so that a host under load is not taken for one that hangs. "+
		"At most %.1f %% of set-ups take longer than the longest (95 %%).", 100*(1-math.Pow(0.05, 1/float64(fewest)))),
		"In a spec: " + spec + "}"}
	return t
}

// advised is a limit of twice as long, as Go writes it.
func advised(longest trial.Seconds) string {
	steps := (2*longest.Duration() + limitStep - 1) / limitStep
	text := (max(steps, 1) * limitStep).String()
	if whole, ok := strings.CutSuffix(text, "m0s"); ok {
		text = whole + "m"
	}
	return text
}

// Contradictions are figures of imported sources that cannot all be true.
func Contradictions(a study.Analysis) Table {
	t := Table{Title: "Contradictions in the sources", Header: []string{"source", "what cannot all be true"}}
	for _, r := range a.Runs {
		if r.Import != nil {
			for _, c := range r.Import.Contradictions {
				t.Rows = append(t.Rows, []string{r.Import.Source, c})
			}
		}
	}
	return t
}

// Bounds holds set-ups against the least time that their machine allows.
func Bounds(a study.Analysis) Table {
	t := Table{Title: "What the machine could do", Header: append(factorNames(a), "set-up", "least", "by", "set-up / least", "the rest")}
	unknown := map[string]int{}
	var reasons []string
	for _, c := range a.Cells {
		b := c.LowerBound
		if b.Trial == "" {
			continue
		}
		for _, why := range b.Unknown {
			if unknown[why]++; !slices.Contains(reasons, why) {
				reasons = append(reasons, why)
			}
		}
		row := append(study.LevelsOf(c.Cell.Cell, factorNames(a)), duration(b.Setup), none, none, none, none)
		if t.Rows = append(t.Rows, row); !b.Bound.Finite() {
			continue
		}
		var rest []string
		for i, r := range b.Rest {
			if i < 3 && r.Seconds >= 0.1 {
				rest = append(rest, r.During+" "+duration(r.Seconds))
			}
		}
		copy(row[len(row)-4:], []string{duration(b.Bound), b.By, fmt.Sprintf("%.2f ×", float64(b.Ratio)), orNone(strings.Join(rest, ", "))})
	}
	t.Notes = []string{"Of the trial with the median set-up time. Least: the longest of the critical path (the cluster or the longest image alone; then load; then deployment; each as fast as it ever was with another strategy), " +
		"the processor time over the processors, and the bytes over the fastest second of the disk. The rest: time beyond that, by the phases in which it passed."}
	for _, why := range reasons {
		t.Notes = append(t.Notes, fmt.Sprintf("Not in the bound of %d %s: %s.", unknown[why], noun(unknown[why], "combination"), why))
	}
	return t
}

// Predictions holds what was expected of builds, by what images took alone in earlier runs,
// against what was measured, by engine and strategy: over trials that neither created a
// cluster nor loaded images nor deployed beside their builds.
func Predictions(s study.Study) Table {
	t := Table{Title: "Predictions", Header: []string{"runtime", "strategy", "n", "predicted", "measured", "measured / predicted"}}
	taken := map[[2]string][3][]float64{} // predicted, measured, and the ratio, by engine and strategy
	for _, o := range s.Trials {
		with := func(setting string) string { return study.Setting(o.Record.Settings, setting) }
		built, ok := study.PhaseTime(o.Record, trial.PhaseBuild)
		if o.Record.Predicted == nil || !o.Ready || !ok || with("clusterStart") == string(trial.ClusterWith) || with("load.when") == string(trial.LoadAsBuilt) || with("deploy.when") == string(trial.DeployAsLoaded) {
			continue
		}
		predicted := o.Record.Predicted.Build.Duration().Seconds()
		key := [2]string{o.Record.Machine.Runtime, with("strategy")}
		all := taken[key]
		for i, v := range []float64{predicted, built, built / predicted} {
			all[i] = append(all[i], v)
		}
		taken[key] = all
	}
	for _, key := range slices.SortedFunc(maps.Keys(taken), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		all := taken[key]
		t.Rows = append(t.Rows, []string{key[0], key[1], strconv.Itoa(len(all[0])),
			duration(study.Value(stats.Median(all[0]))), duration(study.Value(stats.Median(all[1]))), fmt.Sprintf("%.2f", stats.Median(all[2]))})
	}
	if len(t.Rows) > 0 {
		t.Notes = []string{"Medians of the phase build. Predicted before each trial from what builds took alone, with fair shares of the processors and nothing else that builds do to each other; above 1, they are in each other's way."}
	}
	return t
}
