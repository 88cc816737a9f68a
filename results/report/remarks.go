package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/floats"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/answer"
	"github.com/stratbench/stratbench/results/stats"
	"github.com/stratbench/stratbench/results/study"
)

// Lead says what a page rests on.
func Lead(s study.Study) (lines []string) {
	cells := map[string]bool{}
	simulated, imported, kept := 0, 0, 0
	for _, o := range s.Trials {
		cells[o.Cell.Key()] = true
		if o.Record.Simulated {
			simulated++
		}
		if o.Record.Imported != nil {
			imported++
		}
		if o.Record.Machine.ClusterAge != nil {
			kept++
		}
	}
	evidence := "measured"
	switch {
	case simulated > 0:
		evidence = "SIMULATED"
	case imported == len(s.Trials):
		evidence = "measured, imported"
	case imported > 0:
		evidence = fmt.Sprintf("measured (%d imported)", imported)
	}
	failures := "none failed"
	if n := study.Failures(s.Trials); n > 0 {
		failures = fmt.Sprintf("%d failed", n)
	}
	if s.Simulated() {
		failures += ". No engine produced these figures"
	}
	on := ""
	if names := engines(s.Runs); len(names) > 0 {
		on = " on " + and(names)
	}
	lines = []string{fmt.Sprintf("%d %s %s of %d %s%s; %s.", len(s.Trials), evidence, noun(len(s.Trials), "trial"), len(cells), noun(len(cells), "combination"), on, failures)}
	if kept > 0 {
		lines = append(lines, fmt.Sprintf("%d of them started a cluster that had been created before (cluster: prebooted): their times are not those of fresh clusters.", kept))
	}
	if n := len(s.Estimates); n > 0 {
		lines = append(lines, fmt.Sprintf("In no figure: %d %s, which nobody measured.", n, noun(n, "estimate")))
	}
	return lines
}

// WhyFailed says what failures go with.
func WhyFailed(a answer.Answer) (lines []string) {
	var untested []string
	for _, c := range a.Causes {
		switch {
		case !c.P.Finite():
			untested = append(untested, c.Factor)
		case c.P < 0.05: // over all factors
			lines = append(lines, fmt.Sprintf("Failures go with %s %s: %d of %d failed there, %d of %d otherwise (%s, exact, all else equal, over all factors).",
				c.Factor, c.Level, c.Failed, c.N, c.OtherFailed, c.OtherN, strings.Replace("p = "+pValue(c.P), "= <", "< ", 1)))
		}
	}
	if len(lines) == 0 {
		lines = []string{fmt.Sprintf("%d of %s failed. No factor was shown to go with that, nor shown not to.", a.Failed, Counted(a.Trials, "trial"))}
	}
	if len(untested) > 0 {
		lines = append(lines, fmt.Sprintf("Not tested: %s, which never varied with all else equal.", and(untested)))
	}
	return lines
}

// Doubts qualify an analysis as a whole, beside what the comparison itself says.
func Doubts(a study.Analysis) (points []string) {
	for _, w := range a.Warnings {
		if w.Kind != study.SimulatedTrials {
			points = append(points, Capital(Warning(w))+".")
		}
	}
	for _, r := range a.Runs {
		if missing := r.Planned - r.Recorded; missing > 0 {
			points = append(points, fmt.Sprintf("Run %s: %d of %d planned trials are not recorded.", r.Run, missing, r.Planned))
		}
		for _, l := range r.Looks {
			var said []string
			if len(l.Retired) > 0 {
				said = append(said, "decided on, and not run again: "+strings.Join(texts(l.Retired, trial.Cell.String), "; "))
			}
			if l.Stopped {
				said = append(said, "stopped, because "+l.Reason)
			}
			points = append(points, fmt.Sprintf("Run %s, before block %d: %s.", r.Run, l.Block, strings.Join(said, ". It was ")))
		}
		if r.FaultyRecords > 0 {
			points = append(points, fmt.Sprintf("Run %s: %s of its journal left out as unreadable.", r.Run, Counted(r.FaultyRecords, "line")))
		}
	}
	return points
}

// Beforehand says which trials pull images that were built and pushed before them, or
// find a build cache that was filled: their times are not those of builds from nothing.
func Beforehand(s study.Study) (lines []string) {
	for _, made := range []struct {
		kind   results.Kind
		factor string
		text   string
	}{
		{results.KindPreparation, "strategy", "Not like for like: trials of %s pull images that were built and pushed before them, in %s. No setup time has that in it."},
		{results.KindBuildCache, "build.cache", "Not like for like: trials of %s with a warm build cache find the same sources built before them, in %s. No setup time has that in it, and sources that have changed take longer."},
	} {
		var who []string
		took := map[string][]string{}
		for _, run := range s.Runs {
			for _, r := range run.Done(made.kind) {
				var names []string
				for _, factor := range []string{"runtime", made.factor} {
					if level, ok := r.Trial.Cell.Level(factor); ok {
						names = append(names, level)
					}
				}
				name := strings.Join(names, " ")
				if !slices.Contains(who, name) {
					who = append(who, name)
				}
				took[name] = append(took[name], Seconds(r.Elapsed))
			}
		}
		for _, name := range who {
			lines = append(lines, fmt.Sprintf(made.text, name, and(took[name])))
		}
	}
	return lines
}

// Exports says how long builds took to export their cache, within the phase build.
func Exports(s study.Study) (lines []string) {
	took := map[string][]trial.Seconds{}
	for _, o := range s.Trials {
		var all trial.Seconds
		for _, span := range o.Record.Spans {
			if span.Step == trial.ExportStep && span.EndedWell() {
				all += span.Length()
			}
		}
		if all > 0 {
			took[o.Record.Machine.Runtime] = append(took[o.Record.Machine.Runtime], all)
		}
	}
	for _, runtime := range slices.Sorted(maps.Keys(took)) {
		n := len(took[runtime])
		lines = append(lines, fmt.Sprintf("Exporting the build cache took %s, all images together, in %d %s of %s. The time to ready has that in it; builds that only find a cache do not pay it.",
			medianRange(took[runtime]), n, noun(n, "trial"), runtime))
	}
	return lines
}

// Unseen says what cannot be known of set-ups by a command.
func Unseen(s study.Study) []string {
	own := 0
	for _, o := range s.Trials {
		if slices.ContainsFunc(o.Record.Spans, func(span trial.Span) bool { return span.Name == trial.SetupSpan }) {
			own++
		}
	}
	if own == 0 {
		return nil
	}
	return []string{fmt.Sprintf("In %s a command made the whole set-up: the phases are what it printed or marked, and the times of single images are not known.", Counted(own, "trial"))}
}

// Waits say what pods waited for longest, and how long crashed ones were in back-off.
func Waits(s study.Study) []string { return slices.Concat(longestWaits(s), backOffs(s)) }

// longestWaits are the three waits that cost most, of those of two seconds and a fifth of
// a deployment. They overlap. Deployments beside builds or loads wait for these instead.
func longestWaits(s study.Study) []string {
	const askedSlowly = "coredns runs and is not ready"
	var waited, others []float64    // how long deployments took
	waits := map[string][]float64{} // the longest of each such deployment
	slowDNS := false
	for _, o := range s.Trials {
		var settings struct {
			DNS    trial.DNS `json:"dns"`
			Deploy struct {
				When trial.DeployWhen `json:"when"`
			} `json:"deploy"`
		}
		if !o.Ready || len(o.Record.Settings) > 0 && json.Unmarshal(o.Record.Settings, &settings) != nil || settings.Deploy.When == trial.DeployAsLoaded {
			continue
		}
		whole, longest := 0.0, map[string]float64{}
		for _, span := range o.Record.Spans {
			if span.Phase != trial.PhaseDeploy {
				continue
			}
			length := span.Length().Duration().Seconds()
			if span.IsPhase() {
				whole = length
			} else if pod, is := strings.CutPrefix(span.Name, "pod "); is && !strings.HasSuffix(pod, trial.InBackOff) {
				longest[pod] = max(longest[pod], length)
			}
		}
		maps.DeleteFunc(longest, func(_ string, length float64) bool { return length < max(2, whole/5) })
		for wait, length := range longest {
			waits[wait] = append(waits[wait], length)
			slowDNS = slowDNS || wait == askedSlowly && settings.DNS != trial.DNSQuick
		}
		switch {
		case len(longest) > 0:
			waited = append(waited, whole)
		case whole > 0:
			others = append(others, whole)
		}
	}
	if len(waited) == 0 {
		return nil
	}
	costs := slices.SortedFunc(maps.Keys(waits), func(a, b string) int {
		return cmp.Or(cmp.Compare(floats.Sum(waits[b]), floats.Sum(waits[a])), cmp.Compare(a, b))
	})
	costs = costs[:min(3, len(costs))]
	longest := texts(costs, func(wait string) string {
		return fmt.Sprintf("%s (%s, %s)", wait, Counted(len(waits[wait]), "time"), duration(study.Value(stats.Median(waits[wait]))))
	})
	otherwise := ""
	if len(others) > 0 {
		otherwise = ", the others " + duration(study.Value(stats.Median(others)))
	}
	text := fmt.Sprintf("In %d of %s, pods waited long for something; these deployments took %s in the median%s. Longest: %s.",
		len(waited), Counted(len(waited)+len(others), "set-up"), duration(study.Value(stats.Median(waited))), otherwise, strings.Join(longest, ", "))
	if slowDNS && slices.Contains(costs, askedSlowly) {
		text += " No name is resolved before coredns is ready. With dns: quick (Kubernetes 1.31 or later) it does not wait for kube-proxy."
	}
	return []string{text}
}

// backOffs says how long crashed pods were in back-off, which no strategy can save.
func backOffs(s study.Study) []string {
	longest, worst := map[string]trial.Seconds{}, map[string]string{}
	trials, ready := 0, 0
	for _, o := range s.Trials {
		if !o.Ready {
			continue
		}
		ready++
		waited := map[string]trial.Seconds{}
		for _, span := range o.Record.Spans {
			if pod, is := strings.CutSuffix(span.Name, " "+trial.InBackOff); is {
				waited[pod] += span.Length()
			}
		}
		if len(waited) > 0 {
			trials++
		}
		for pod, length := range waited {
			if length > longest[pod] {
				longest[pod], worst[pod] = length, o.Record.Trial.ID
			}
		}
	}
	if trials == 0 {
		return nil
	}
	pods := texts(slices.Sorted(maps.Keys(longest)), func(pod string) string {
		return fmt.Sprintf("%s up to %s (%s)", pod, Seconds(longest[pod]), worst[pod])
	})
	return []string{fmt.Sprintf("In %d of %d set-ups that became ready, pods crashed and were in back-off while the deployment waited for them: %s. Have them wait for what they need instead.",
		trials, ready, strings.Join(pods, ", "))}
}

// engines are those of runs with their versions, as far as they are recorded.
func engines(runs []results.Run) (names []string) {
	for _, r := range runs {
		for _, rec := range r.Records {
			if m := rec.Machine; m.EngineVersion != "" && !slices.Contains(names, m.Runtime+" "+m.EngineVersion) {
				names = append(names, m.Runtime+" "+m.EngineVersion)
			}
		}
	}
	slices.Sort(names)
	return names
}

// Sources say in a sentence or two where the trials of each run come from.
func Sources(s study.Study, a study.Analysis) (points []string) {
	for i, r := range a.Runs {
		var software, host []string
		e := r.Environment
		for _, p := range [][2]string{{"stratbench", e.Stratbench}, {"Kind", e.KindVersion}} {
			if p[1] != "" {
				software = append(software, p[0]+" "+p[1])
			}
		}
		if e.CPUs > 0 {
			host = append(host, fmt.Sprintf("%d × %s", e.CPUs, e.CPUModel))
		}
		if e.Memory > 0 {
			host = append(host, e.Memory.String())
		}
		if e.OS != "" {
			host = append(host, strings.TrimSpace(e.OS+" "+e.Kernel))
		}
		text := fmt.Sprintf("Run %s: %s", r.Run, Counted(r.Recorded, "trial"))
		if r.Import != nil {
			text += ", imported from " + r.Import.Source
		}
		if !r.Started.IsZero() {
			text += ", started " + r.Started.UTC().Format("2006-01-02 15:04 UTC")
		}
		for _, part := range []string{and(engines(s.Runs[i : i+1])), strings.Join(software, ", "), strings.Join(host, ", ")} {
			if part != "" {
				text += "; " + part
			}
		}
		points = append(points, text+".")
	}
	return points
}

// RunNotes are what reference workloads took, and what sources say beside trials.
func RunNotes(a study.Analysis) (lines []string) {
	for _, r := range a.Runs {
		if h := r.HostSpeed; h != nil {
			took := Seconds(h.Fastest) + ", once"
			if h.N > 1 {
				took = fmt.Sprintf("%s to %s, %d times, a spread of %s", Seconds(h.Fastest), Seconds(h.Slowest), h.N, percentOf(h.Spread))
			}
			lines = append(lines, fmt.Sprintf("Host speed, run %s: the reference workload took %s. No figure is adjusted by it.", r.Run, took))
		}
		if r.Import != nil {
			for _, n := range r.Import.Notes {
				lines = append(lines, r.Import.Source+": "+n)
			}
		}
	}
	return lines
}

// warnings are what each kind of warning means.
var warnings = map[study.WarningKind]string{
	study.SingleTrial:     "a single trial shows what can happen, not how often or how long it takes",
	study.NotRun:          notTested + ": {detail}",
	study.InvalidTrials:   "{counted} could not be measured: not counted either way",
	study.InjectedTrials:  "left out, as broken on purpose: {counted}; stratbench faults shows what came of that",
	study.Conditional:     "times are of the trials that became ready only: read them beside the failures",
	study.Residue:         "varied inside the cell and should not have: {detail}",
	study.Ties:            "some times are exactly equal, as measured ones hardly ever are: were they rounded?",
	study.HostBusy:        "the host was busy just before {trials}",
	study.CutOffTrials:    "ended by a limit, known only to take longer: {trials}",
	study.HostVaried:      "host speed varied {share} between {count} measurements before blocks of run {detail} (slowest reference workload against the fastest)",
	study.StoppedEarly:    "an interim analysis decided how long the run was; decisions allow for that, intervals of single cells do not",
	study.UnknownTimes:    "no times are recorded for {trials}",
	study.SimulatedTrials: strings.TrimSuffix(simulatedNote, "."),
	study.ImportedTrials:  "imported: stratbench did not measure these trials",
}

// Warning says what a warning means.
func Warning(w study.Warning) string {
	share := ""
	if w.Share != nil {
		share = percentOf(*w.Share)
	}
	trials := strings.Join(w.Trials, ", ") // "t003, t017 and 4 more"
	if more := w.Count - len(w.Trials); more > 0 {
		trials += fmt.Sprintf(" and %d more", more)
	}
	text := strings.NewReplacer("{detail}", w.Detail, "{counted}", Counted(w.Count, "trial"), "{count}", strconv.Itoa(w.Count), "{trials}", trials, "{share}", share).Replace(warnings[w.Kind])
	return strings.TrimSuffix(text, ": ")
}

// mark adds warnings to the footnotes, each text once, and returns their marks: " [1,3]".
// Warnings that name trials share one footnote a kind, with the trials of all cells.
func mark(footnotes *[]study.Warning, warnings []study.Warning) string {
	var marks []string
	for _, w := range warnings {
		i := slices.IndexFunc(*footnotes, func(seen study.Warning) bool {
			return seen.Kind == w.Kind && seen.Detail == w.Detail && (len(w.Trials) > 0 || seen.Count == w.Count)
		})
		if i < 0 {
			i, *footnotes = len(*footnotes), append(*footnotes, w)
		} else if seen := &(*footnotes)[i]; len(w.Trials) > 0 {
			seen.Count, seen.Trials = seen.Count+w.Count, slices.Concat(seen.Trials, w.Trials)
		}
		marks = append(marks, strconv.Itoa(i+1))
	}
	if len(marks) == 0 {
		return ""
	}
	return " [" + strings.Join(marks, ",") + "]"
}
