package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/claims"
	"github.com/stratbench/stratbench/results/study"
)

// Claimed reports whether a run is an earlier record, which states what nobody
// measured beside what somebody saw.
func Claimed(run results.Run) bool {
	return slices.ContainsFunc(run.Records, func(r results.Record) bool {
		return r.Imported != nil && (r.Imported.Estimate || r.Imported.Stability != "" || r.Imported.Confidence != nil)
	})
}

// ClaimsTable has each claim of a text with what the records say of it.
func ClaimsTable(found []claims.Finding) Table {
	t := Table{Header: []string{"line", "claim", "measured", "verdict"}, Data: map[string]any{"schema": claims.Schema, "claims": found},
		Tidy: [][]string{{"line", "column", "claim", "kind", "measured", "verdict", "why"}}}
	counts := map[claims.Verdict]int{}
	for _, f := range found {
		counts[f.Verdict]++
		position := fmt.Sprint(f.Line)
		if f.Column > 0 {
			position += fmt.Sprintf(":%d", f.Column)
		}
		verdict := string(f.Verdict)
		if f.Why != "" {
			verdict += ": " + f.Why
		}
		t.Rows = append(t.Rows, []string{position, f.Text, measured(f), verdict})
		t.Tidy = append(t.Tidy, []string{fmt.Sprint(f.Line), fmt.Sprint(f.Column), f.Text, string(f.Kind), measured(f), string(f.Verdict), f.Why})
	}
	t.Lead = []string{fmt.Sprintf("%d supported, %d contradicted, %d untested.", counts[claims.Supported], counts[claims.Contradicted], counts[claims.Untested])}
	t.Notes = []string{claimRules}
	return t
}

const claimRules = "Supported: as measured, give or take 5 %, on every engine, by trials enough. " +
	"Contradicted: outside of it by the 95 % interval, on an engine at least. Times are those of the measured host."

// RecordClaims holds what an earlier record says of each strategy against the
// measured trials.
func RecordClaims(record, now study.Study) Table {
	var found []claims.Finding
	for _, c := range claims.OfRecord(record) {
		found = append(found, claims.Judge(now, c))
	}
	t := ClaimsTable(found)
	t.Title, t.Lead, t.Header = "The record's claims", nil, t.Header[1:]
	for i, row := range t.Rows {
		t.Rows[i] = row[1:]
	}
	t.Notes[0] += " Those of the record are compared as shares of serial's."
	return t
}

// measured prints the figures of a finding, by what they are figures of.
func measured(f claims.Finding) string {
	var parts []string
	for _, m := range f.Measured {
		text := ""
		switch f.Kind {
		case claims.Time:
			text = duration(study.Value(m.Value))
		case claims.PeakMemory:
			text = trial.Bytes(m.Value).String()
		case claims.Ratio:
			text = fmt.Sprintf("%.0f %%", 100*m.Value)
		case claims.Works:
			text = fmt.Sprintf("%d of %d worked (%s–%s %%)", m.N-m.Failed, m.N, percent(study.Value(*m.Low)), percent(study.Value(*m.High)))
		default:
			text = fmt.Sprintf("%d of %d failed", m.Failed, m.N)
		}
		parts = append(parts, strings.TrimSpace(m.Of+" "+text))
	}
	return cmp.Or(strings.Join(parts, ", "), none)
}

func ofStrategy(s study.Study, name string) (trials []study.Observation) {
	for _, o := range s.Trials {
		if level, _ := o.Cell.Level("strategy"); level == name {
			trials = append(trials, o)
		}
	}
	return trials
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
	s := claims.Setup(record, strategy)
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
