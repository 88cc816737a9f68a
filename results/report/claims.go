package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"gonum.org/v1/gonum/stat"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/claims"
	"github.com/stratbench/stratbench/results/study"
)

// ClaimsTable has each claim of a text and what the records say of it.
func ClaimsTable(found []claims.Finding) Table {
	t := Table{Header: []string{"line", "claim", "measured", "verdict"}, Data: map[string]any{"schema": claims.Schema, "claims": found},
		Tidy: [][]string{{"line", "column", "claim", "kind", "measured", "verdict", "why"}}}
	counts := map[claims.Verdict]int{}
	for _, f := range found {
		counts[f.Verdict]++
		position, verdict := fmt.Sprint(f.Line), string(f.Verdict)
		if f.Column > 0 {
			position += fmt.Sprintf(":%d", f.Column)
		}
		if f.Why != "" {
			verdict += ": " + f.Why
		}
		t.Rows = append(t.Rows, []string{position, f.Text, claimFigures(f), verdict})
		t.Tidy = append(t.Tidy, []string{fmt.Sprint(f.Line), fmt.Sprint(f.Column), f.Text, string(f.Kind), claimFigures(f), string(f.Verdict), f.Why})
	}
	t.Lead = []string{fmt.Sprintf("%d supported, %d contradicted, %d untested.", counts[claims.Supported], counts[claims.Contradicted], counts[claims.Untested])}
	t.Notes = []string{"Supported: as measured, give or take 5 %, on every engine, by enough trials. " +
		"Contradicted: outside of that by the 95 % interval, on at least one engine. Times are those of the measured host."}
	return t
}

// RecordClaims compares what an earlier record says of strategies with measurements.
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

// claimFigures prints the measured figures of a claim.
func claimFigures(f claims.Finding) string {
	var parts []string
	for _, m := range f.Measured {
		text := ""
		switch f.Kind {
		case claims.Time:
			text = duration(m.Value)
		case claims.PeakMemory:
			text = trial.Bytes(m.Value).String()
		case claims.Ratio:
			text = fmt.Sprintf("%.0f %%", 100*m.Value)
		case claims.Works:
			text = fmt.Sprintf("%d of %d worked (%s–%s %%)", m.N-m.Failed, m.N, percent(*m.Low), percent(study.Value(*m.High)))
		default:
			text = fmt.Sprintf("%d of %d failed", m.Failed, m.N)
		}
		parts = append(parts, strings.TrimSpace(m.Of+" "+text))
	}
	return orNone(strings.Join(parts, ", "))
}

// SideBySide has what was seen by hand, stated and measured of each strategy.
func SideBySide(record, measured study.Study) Table {
	t := Table{Title: "Comparison", Header: []string{"strategy", "seen by hand", "stated"}}
	var names, engines []string
	for _, name := range slices.Concat(record.Levels("strategy"), measured.Levels("strategy")) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(measured.Trials) > 0 {
		if engines = measured.Levels("runtime"); len(engines) == 0 {
			engines = []string{""}
		}
		t.Header = slices.Concat(t.Header, texts(engines, func(e string) string { return strings.TrimSpace("measured " + e) }), []string{"failed"})
		t.Notes = []string{"Measured: mean time to ready over all other settings. Stated: set-up times that the record gives."}
	}
	for _, name := range names {
		seen, outcomes := "nothing", map[trial.Outcome]int{}
		for _, o := range study.At(record.Trials, "strategy", name) {
			outcomes[o.Record.Verdict.Outcome]++
			seen = countOutcomes(outcomes)
		}
		row := []string{name, seen, statedOf(record, name)}
		if trials := study.At(measured.Trials, "strategy", name); len(measured.Trials) > 0 {
			for _, e := range engines {
				row = append(row, duration(study.Value(stat.Mean(study.Setups(study.At(trials, "runtime", e)), nil))))
			}
			row = append(row, fmt.Sprintf("%d of %d", study.Failures(trials), len(trials)))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func statedOf(record study.Study, strategy string) string {
	of, setup := claims.Stated(record, strategy)
	if setup == nil {
		return none
	}
	minutes := func(s trial.Seconds) string { // as somebody wrote them down
		if d := s.Duration(); d%time.Minute == 0 {
			return fmt.Sprintf("%d min", d/time.Minute)
		}
		return Seconds(s)
	}
	text := minutes(setup.High)
	if setup.Low != setup.High {
		text = minutes(setup.Low) + " to " + text
	}
	if of.Estimate {
		text += " (estimate)"
	}
	return text
}

// Tested says how many trials there are, and of which levels of each factor.
func Tested(s study.Study) string {
	var parts []string
	for i, f := range s.Factors {
		var names []string
		for _, l := range f.Levels {
			if l.Name != study.NotRecorded && slices.ContainsFunc(s.Trials, func(o study.Observation) bool { return o.Cell[i].Level == l.Name }) {
				names = append(names, l.Name)
			}
		}
		if len(names) > 0 {
			parts = append(parts, f.Name+" "+and(names))
		}
	}
	return Counted(len(s.Trials), "trial") + ": " + strings.Join(parts, "; ") + "."
}

// Hypotheses has a line for each: its verdict, what it says, and the figures.
func Hypotheses(all []claims.Tested) []string {
	return texts(all, func(t claims.Tested) string {
		return fmt.Sprintf("Hypothesis %s: %s. %s.", t.Verdict, Hypothesis(t.Hypothesis), Capital(figuresOf(t)))
	})
}

// Hypothesis says what a hypothesis says.
func Hypothesis(h trial.Hypothesis) (text string) {
	switch h.Kind {
	case trial.HypothesisFailures:
		text = fmt.Sprintf("%s fails no more often than %s, give or take %s points", h.Of, h.Against, inPercent(float64(cmp.Or(h.Margin, claims.Margin))))
	case trial.HypothesisTime:
		text = fmt.Sprintf("%s takes at most %g × as long as %s", h.Of, h.Ratio, h.Against)
		if h.Phase != "" {
			text += " in the phase " + string(h.Phase)
		}
		if h.Survives {
			text += " where that never failed"
		}
	case trial.HypothesisLeastMemory:
		text = fmt.Sprintf("the least memory at which at most 5 %% of trials fail is lower for %s than for %s", h.Of, h.Against)
		if len(h.Against) == 0 {
			text = fmt.Sprintf("the least memory at which at most 5 %% of trials of %s fail is at most %s", h.Of, h.Memory)
		}
	}
	if len(h.Where) > 0 {
		text += " (" + h.Where.String() + ")"
	}
	return text
}

// figuresOf are what was measured for a hypothesis.
func figuresOf(t claims.Tested) string {
	m := t.Measured
	if m == nil {
		return "not tested: " + t.Why
	}
	if t.Kind == trial.HypothesisLeastMemory {
		text := enough(m.Value, m.N, m.Failed)
		if m.Base != nil {
			text += ", against " + enough(m.Base.Value, m.Base.N, m.Base.Failed)
		}
		return text + fmt.Sprintf("; true with a probability of %s %%", percent(study.Value(*m.Chance)))
	}
	figure, unit := func(v float64) string { return fmt.Sprintf("%.2f", v) }, " ×"
	if t.Kind == trial.HypothesisFailures {
		figure, unit = func(v float64) string { return strings.TrimSuffix(relative(v), " %") }, " points"
	}
	text := "endless"
	if m.Value.Finite() {
		text = figure(float64(m.Value)) + unit
	}
	lower, upper := "∞", "∞"
	if m.Low.Finite() {
		lower = figure(float64(*m.Low))
	}
	if m.High != nil {
		upper = figure(*m.High)
	}
	return fmt.Sprintf("%s (95 %%: %s to %s); %d of %d failed, against %d of %d", text, lower, upper, m.Failed, m.N, m.Base.Failed, m.Base.N)
}

// enough is the least memory that was enough, and the failures there.
func enough(memory study.Value, n, failed int) string {
	if !memory.Finite() {
		return fmt.Sprintf("no limit (%d of %d failed with the most)", failed, n)
	}
	return fmt.Sprintf("%s (%d of %d failed there)", trial.Bytes(memory), failed, n)
}
