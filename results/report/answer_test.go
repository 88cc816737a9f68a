package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/results/answer"
	"github.com/stratbench/stratbench/results/compare"
	"github.com/stratbench/stratbench/results/study"
)

func some(v float64) *float64 { return &v }

func TestFirstScreen(t *testing.T) {
	a := answer.Answer{Indifference: 0.1, Trials: 240, By: "runtime",
		Pooled:   []compare.Factor{{Name: "runtime", P: 0.4}, {Name: "memory", P: 1}},
		Push:     []answer.Push{{Seconds: 33, SetUps: 3}, {Seconds: 46, SetUps: 2}},
		Warnings: []compare.Warning{{Kind: compare.Drift, Change: 0.3}}}
	for _, name := range []string{"registry with", "registry before", "parallel with", "2+1 with", "serial with", "2+1 before", "parallel before", "serial before"} {
		a.Strategies = append(a.Strategies, answer.Strategy{Name: name, N: 30, Seconds: map[string]float64{"": 50, "docker": 45, "podman": 55}})
	}
	out := []string{"2+1 before", "parallel before", "serial before"}
	for _, s := range []answer.Situation{answer.Build, answer.Pull} {
		for _, e := range []answer.Environment{answer.Local, answer.CI} {
			d := answer.Decision{Situation: s, Environment: e, Where: compare.Where{}, Verdict: compare.Decided, Best: []string{"registry with"}, RuledOut: out,
				Effect: some(-0.3), Interval: &[2]float64{-0.38, -0.2}, Against: "parallel with", N: 30, Cost: some(33.4), BreakEven: some(0.29), FailureBound: some(0.095)}
			if s == answer.Build && e == answer.CI {
				d.Verdict, d.WhenItWorks, d.BreakEven, d.OnlyWhenItWorks = compare.Undecided, compare.Decided, some(0.024), true
				d.ToSettle = &compare.Settle{Blocks: 3, Seconds: 1200, Arms: []string{"registry with", "registry before"}}
			}
			a.Decisions = append(a.Decisions, d)
		}
	}
	var b bytes.Buffer
	if err := Answer(study.Study{}, a).Write(&b, FormatMarkdown); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{
		"Images there already, local and CI: use registry with. Local mean 33.4 s, −30 % against parallel with (95 %: −38 to −20 %); 0 of 30 failed (95 %: under 9.5 %; not best over 29 %).",
		"Images to build, CI: registry with looks best. 90 % quantile 33.4 s;",
		"Decided when it works; 30 trials cannot exclude that failures reverse it.",
		"About 3 more blocks of registry with, registry before (20 min) should settle it.",
		"The order of strategies does not depend on runtime or memory",
		"Ruled out, images to build: 2+1 before, parallel before, serial before",
		"Pushing the images pays after 2 to 3 set-ups",
		"drifted by +30 %",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the first screen lacks %q:\n%s", want, text)
		}
	}
}

// screen is a first screen with one decision, in a study of two strategies.
func screen(t *testing.T, d answer.Decision, warnings ...compare.Warning) string {
	t.Helper()
	var b bytes.Buffer
	a := answer.Answer{Indifference: 0.1, Decisions: []answer.Decision{d}, Warnings: warnings,
		Strategies: []answer.Strategy{{Name: "A", N: 30}, {Name: "B", N: 30}}}
	if err := Answer(study.Study{}, a).Write(&b, FormatMarkdown); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What one is told and the printed figures agree.
func TestFailuresThatCouldTurnIt(t *testing.T) {
	base := answer.Decision{Situation: answer.Build, Environment: answer.Local, Verdict: compare.Decided, Best: []string{"A"},
		Effect: some(-0.02), Interval: &[2]float64{-0.07, 0.03}, Against: "B", N: 30, BreakEven: some(0.024), FailureBound: some(0.095)}
	bound := "0 of 30 failed (95 %: under 9.5 %; not best over 2.4 %)"
	for want, change := range map[string]func(*answer.Decision){
		"local: use A, when it works (best within 10 %).": func(d *answer.Decision) { d.OnlyWhenItWorks = true },
		"local: use A or B, when they work.": func(d *answer.Decision) {
			d.OnlyWhenItWorks, d.Verdict, d.Best = true, compare.Tied, []string{"A", "B"}
		},
		"local: use A (best within 10 %).": func(d *answer.Decision) {
			d.BreakEven, bound = some(0.12), "0 of 30 failed (95 %: under 9.5 %; not best over 12 %)"
		},
		"30 trials do not show well enough how often each fails.": func(d *answer.Decision) {
			d.OnlyWhenItWorks, d.Verdict, d.WhenItWorks, d.BreakEven = true, compare.Undecided, compare.Decided, some(0.12)
			bound = "0 of 30 failed (95 %: under 9.5 %; not best over 12 %)"
		},
		"local: no strategy yet. −2 % against B (95 %: −7 to +3 %); 4 of 30 failed. A probably fails in over 5 % of set-ups, more than CI accepts. About 5 more blocks of A": func(d *answer.Decision) {
			d.Verdict, d.WhenItWorks, d.Failed, d.FailTooOften, d.BreakEven = compare.Undecided, compare.Decided, 4, []string{"A"}, nil
			d.ToSettle, bound = &compare.Settle{Blocks: 5, Seconds: 60, Arms: []string{"A"}}, ""
		},
	} {
		d := base
		bound = "0 of 30 failed (95 %: under 9.5 %; not best over 2.4 %)"
		change(&d)
		if text := screen(t, d); !strings.Contains(text, want) || !strings.Contains(text, bound) {
			t.Errorf("want %q and %q in\n%s", want, bound, text)
		}
	}
}

// One trial that did not fail, beside strategies that always do, is no promise.
func TestTheOnlyOneLeftIsSaidToBe(t *testing.T) {
	d := answer.Decision{Situation: answer.Build, Environment: answer.CI, Verdict: compare.Decided, Best: []string{"A"}, RuledOut: []string{"B"}, N: 1, Cost: some(1020), FailureBound: some(0.95)}
	want := "CI: use A, the only one not ruled out. 90 % quantile 17 min 00 s; 0 of 1 failed. After 1 trial it may still fail in up to 95 % of set-ups (95 %)."
	if text := screen(t, d); !strings.Contains(text, want) {
		t.Errorf("want %q in\n%s", want, text)
	}
	d.Effect, d.Against = some(-0.3), "B"
	if text := screen(t, d); strings.Contains(text, "the only one") {
		t.Errorf("B was compared:\n%s", text)
	}
}

func TestNothingComparedIsNotUnharmed(t *testing.T) {
	d := answer.Decision{Situation: answer.Build, Environment: answer.Local, Verdict: compare.Undecided, Best: []string{"A", "B"}}
	text := screen(t, d, compare.Warning{Kind: compare.Drift, Change: 0.3})
	if !strings.Contains(text, "drifted by +30 % a block.") || strings.Contains(text, "unharmed") || !strings.Contains(text, "no verdict") {
		t.Error(text)
	}
}

func TestWhereAStrategyNeverRan(t *testing.T) {
	d := answer.Decision{Situation: answer.Build, Environment: answer.Local, Verdict: compare.Decided, Best: []string{"A"}, Effect: some(-0.3), Against: "B"}
	never := func(arm string, where ...string) compare.Warning {
		w := compare.Warning{Kind: compare.Untried, Arms: []string{arm}, Where: compare.Where{}}
		for i := 0; i < len(where); i += 2 {
			w.Where[where[i]] = compare.AnyOf{where[i+1]}
		}
		return w
	}
	text := screen(t, d, never("A", "memory", "3GiB"), never("B", "memory", "12GiB", "runtime", "podman"), never("A", "memory", "5GiB"))
	for _, want := range []string{"local: use A, where tried.", "No trial of A at memory 3GiB or 5GiB; of B at memory 12GiB, runtime podman: how well that works there is not known."} {
		if !strings.Contains(text, want) {
			t.Errorf("want %q in\n%s", want, text)
		}
	}
	if d.Where = (compare.Where{"memory": {"7GiB", "12GiB"}}); strings.Contains(screen(t, d, never("A", "memory", "3GiB")), "where tried") {
		t.Error("A ran at each level that it is recommended for")
	}
	d.Where = nil
	var many []compare.Warning
	for i := range 50 {
		many = append(many, never("A", "memory", fmt.Sprint(i)), never(fmt.Sprint("B", i), "memory", fmt.Sprint(i)))
	}
	if text := screen(t, d, many...); !strings.Contains(text, "No trial of A at memory 0 or 1 or 2 or 47 other places; of B0 at memory 0; of B1 at memory 1; of others elsewhere") {
		t.Error(text)
	}
}

// A name in a file may hold what a terminal or a browser obeys.
func TestNamesAreNotObeyed(t *testing.T) {
	bad := "\x1b[31m<script>alert(1)</script>"
	d := Document{Notes: []string{bad}, Sections: []Table{{Title: bad, Header: []string{bad}, Rows: [][]string{{bad}}, Notes: []string{bad}}}}
	for _, f := range []Format{FormatTable, FormatMarkdown} {
		var b bytes.Buffer
		if err := d.Write(&b, f); err != nil {
			t.Fatal(err)
		}
		if text := b.String(); strings.Contains(text, "\x1b") || strings.Count(text, `\x1b[31m`) != 5 || f == FormatMarkdown && strings.Contains(text, "<script") {
			t.Errorf("%s: %q", f, text)
		}
	}
}
