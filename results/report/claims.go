package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/study"
)

// Claimed reports whether a run is an earlier record, which states what nobody
// measured beside what somebody saw.
func Claimed(run results.Run) bool {
	return slices.ContainsFunc(run.Records, func(r results.Record) bool {
		return r.Imported != nil && (r.Imported.Estimate || r.Imported.Stability != "" || r.Imported.Confidence != nil)
	})
}

// The verdicts on a claim.
const (
	supported    = "supported"
	contradicted = "contradicted"
	untested     = "untested"
)

// narrow is how wide the interval of a rate may be that supports a claim.
const narrow = 0.3

// baseline is the strategy that stated times are compared with: those of another
// host mean nothing here, what one takes against another does.
const baseline = "serial"

// Claims holds what an earlier record says of each strategy against the measured
// trials.
func Claims(record, measured study.Study) Table {
	t := Table{Title: "The record's claims", Header: []string{"claim", "measured", "verdict"}}
	base := statedSetup(record, baseline)
	for _, r := range claims(record) {
		name, _ := r.Trial.Cell.Level("strategy")
		trials := ofStrategy(measured, name)
		if i := r.Imported; i.Confidence != nil {
			words := fmt.Sprintf("%s works in %s %%", name, percent(study.Value(*i.Confidence)))
			if i.Stability != "" {
				words += fmt.Sprintf(" (%q)", i.Stability)
			}
			found, verdict := worksAs(trials, *i.Confidence)
			t.Rows = append(t.Rows, []string{words, found, verdict})
		}
		if own := statedSetup(record, name); base != nil && own != nil && name != baseline {
			low, high := float64(own.Low)/float64(base.High), float64(own.High)/float64(base.Low)
			words := fmt.Sprintf("%s takes %s of the set-up time of %s", name, shares(low, high), baseline)
			found, verdict := takes(measured, name, low, high)
			t.Rows = append(t.Rows, []string{words, found, verdict})
		}
	}
	t.Notes = []string{fmt.Sprintf("Supported: a rate whose exact 95 %% interval holds the claim and is at most %.0f points wide, or a share that lies inside the claim on every engine. Contradicted: the interval, or the share on every engine, lies outside. Times of another host are compared as shares of %s.", 100*narrow, baseline)}
	return t
}

// claims are the records that state something, one for each strategy.
func claims(record study.Study) (found []results.Record) {
	seen := map[string]bool{}
	for _, run := range record.Runs {
		for _, r := range run.Records {
			name, ok := r.Trial.Cell.Level("strategy")
			if i := r.Imported; ok && i != nil && (i.Confidence != nil || len(i.Stated) > 0) && !seen[name] {
				seen[name] = true
				found = append(found, r)
			}
		}
	}
	return found
}

func statedSetup(record study.Study, strategy string) *results.StatedRange {
	for _, r := range claims(record) {
		if name, _ := r.Trial.Cell.Level("strategy"); name != strategy {
			continue
		}
		for _, s := range r.Imported.Stated {
			if s.Of == "setup" {
				return &s
			}
		}
	}
	return nil
}

func ofStrategy(s study.Study, name string) (trials []study.Observation) {
	for _, o := range s.Trials {
		if level, _ := o.Cell.Level("strategy"); level == name {
			trials = append(trials, o)
		}
	}
	return trials
}

// worksAs holds a stated probability that a set-up works against the trials.
func worksAs(trials []study.Observation, stated float64) (found, verdict string) {
	if len(trials) == 0 {
		return "not tested", untested
	}
	rate := study.FailureRate(trials)
	low, high := 1-float64(rate.Interval.Upper), 1-float64(rate.Interval.Lower)
	found = fmt.Sprintf("%d of %d worked (%s–%s %%)", rate.Trials-rate.Events, rate.Trials, percent(study.Value(low)), percent(study.Value(high)))
	switch {
	case stated < low:
		return found, contradicted + ": more often"
	case stated > high:
		return found, contradicted + ": less often"
	case high-low <= narrow:
		return found, supported
	}
	return found + ": too few to tell", untested
}

// takes holds a stated share of the baseline's time against the means of each
// engine.
func takes(measured study.Study, name string, low, high float64) (found, verdict string) {
	var parts []string
	inside, outside := 0, 0
	for _, engine := range enginesOf(measured) {
		own, base := meanOf(ofStrategy(measured, name), engine), meanOf(ofStrategy(measured, baseline), engine)
		if math.IsNaN(own) || math.IsNaN(base) {
			continue
		}
		share := own / base
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("%s %.0f %%", engine, 100*share)))
		if share < low || share > high {
			outside++
		} else {
			inside++
		}
	}
	switch {
	case inside+outside == 0:
		return "not tested", untested
	case outside == 0:
		verdict = supported
	case inside == 0:
		verdict = contradicted
	default:
		verdict = "differs by engine"
	}
	return strings.Join(parts, ", "), verdict
}

// enginesOf are the levels of the factor runtime, or one without a name.
func enginesOf(s study.Study) (names []string) {
	f, ok := s.Factor("runtime")
	if !ok {
		return []string{""}
	}
	for _, l := range f.Levels {
		names = append(names, l.Name)
	}
	return names
}

func meanOf(trials []study.Observation, engine string) float64 {
	sum, n := 0.0, 0.0
	for _, o := range trials {
		if level, _ := o.Cell.Level("runtime"); level == engine && o.Ready && !math.IsNaN(o.Setup) {
			sum, n = sum+o.Setup, n+1
		}
	}
	return sum / n
}

func shares(low, high float64) string {
	if math.Round(100*low) == math.Round(100*high) {
		return fmt.Sprintf("%.0f %%", 100*low)
	}
	return fmt.Sprintf("%.0f to %.0f %%", 100*low, 100*high)
}

// SideBySide has what was observed by hand, what was stated, and what was
// measured of each strategy.
func SideBySide(record, measured study.Study) Table {
	t := Table{Title: "Comparison", Header: []string{"strategy", "seen by hand", "stated"}}
	engines := enginesOf(measured)
	if len(measured.Trials) > 0 {
		for _, e := range engines {
			t.Header = append(t.Header, strings.TrimSpace("measured "+e))
		}
		t.Header = append(t.Header, "failed")
	}
	var names []string
	for _, s := range []study.Study{record, measured} {
		if f, ok := s.Factor("strategy"); ok {
			for _, l := range f.Levels {
				if !slices.Contains(names, l.Name) {
					names = append(names, l.Name)
				}
			}
		}
	}
	for _, name := range names {
		row := []string{name, seen(ofStrategy(record, name)), statedOf(record, name)}
		if trials := ofStrategy(measured, name); len(measured.Trials) > 0 {
			for _, e := range engines {
				row = append(row, duration(study.Value(meanOf(trials, e))))
			}
			row = append(row, fmt.Sprintf("%d of %d", study.FailureRate(trials).Events, len(trials)))
		}
		t.Rows = append(t.Rows, row)
	}
	if len(measured.Trials) > 0 {
		t.Notes = []string{"Measured: mean time to ready over all other settings. Stated: set-up times that the record gives."}
	}
	return t
}

// seen says what trials of the record came to.
func seen(trials []study.Observation) string {
	if len(trials) == 0 {
		return "nothing"
	}
	outcomes := map[trial.Outcome]int{}
	for _, o := range trials {
		outcomes[o.Record.Verdict.Outcome]++
	}
	return countOutcomes(outcomes)
}

func statedOf(record study.Study, strategy string) string {
	s := statedSetup(record, strategy)
	if s == nil {
		return none
	}
	text := wholeMinutes(s.High)
	if s.Low != s.High {
		text = wholeMinutes(s.Low) + " to " + text
	}
	for _, e := range record.Estimates {
		if name, _ := e.Trial.Cell.Level("strategy"); name == strategy {
			return text + " (estimate)"
		}
	}
	return text
}

// wholeMinutes prints a time that somebody wrote down in minutes.
func wholeMinutes(s trial.Seconds) string {
	if d := s.Duration(); d%time.Minute == 0 {
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return Seconds(s)
}

// Tested says which levels of each factor were tested, and how often.
func Tested(s study.Study) string {
	var parts []string
	for i, f := range s.Factors {
		var names []string
		for _, l := range f.Levels {
			tested := slices.ContainsFunc(s.Trials, func(o study.Observation) bool { return o.Cell[i].Level == l.Name })
			if tested && l.Name != study.NotRecorded {
				names = append(names, l.Name)
			}
		}
		if len(names) > 0 {
			parts = append(parts, f.Name+" "+and(names))
		}
	}
	least, most, never := math.MaxInt, 0, 0
	for _, c := range s.Cells {
		n := len(s.Of(c))
		if n == 0 {
			never++
			continue
		}
		least, most = min(least, n), max(most, n)
	}
	times := fmt.Sprintf("%d", most)
	if least < most {
		times = fmt.Sprintf("%d to %d", least, most)
	}
	text := fmt.Sprintf("%d %s, %s of each combination that was run: %s.", len(s.Trials), noun(len(s.Trials), "trial"), times, strings.Join(parts, "; "))
	if never > 0 {
		text += fmt.Sprintf(" %d planned %s not run.", never, were(never, "combination"))
	}
	return text
}
