package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/results/answer"
	"github.com/stratbench/stratbench/results/compare"
	"github.com/stratbench/stratbench/results/study"
)

func some(v float64) *float64 { return &v }

func TestFirstScreen(t *testing.T) {
	a := answer.Answer{Indifference: 0.1, Trials: 240, By: "runtime",
		Pooled:   []answer.Factor{{Name: "runtime", P: some(0.4)}, {Name: "memory", P: some(1)}},
		Push:     []answer.Push{{Seconds: 33, SetUps: 3}, {Seconds: 46, SetUps: 2}},
		Warnings: []answer.Warning{{Kind: compare.Drift, Change: 0.3}}}
	for _, name := range []string{"registry with", "registry before", "parallel with", "2+1 with", "serial with", "2+1 before", "parallel before", "serial before"} {
		a.Strategies = append(a.Strategies, answer.Strategy{Name: name, N: 30, Seconds: map[string]float64{"": 50, "docker": 45, "podman": 55}})
	}
	out := []string{"2+1 before", "parallel before", "serial before"}
	for _, s := range []answer.Situation{answer.Build, answer.Pull} {
		for _, e := range []answer.Environment{answer.Local, answer.CI} {
			d := answer.Decision{Situation: s, Environment: e, Where: map[string]string{}, Verdict: compare.Decided, Best: []string{"registry with"}, RuledOut: out,
				Effect: some(-0.3), Interval: &[2]float64{-0.38, -0.2}, Against: "parallel with", N: 30, Cost: some(33.4), BreakEven: some(0.29), FailureBound: some(0.095)}
			if s == answer.Build && e == answer.CI {
				d.Verdict, d.WhenItWorks = compare.Undecided, compare.Decided
				d.ToSettle = &answer.Settle{Blocks: 3, Seconds: 1200, Strategies: []string{"registry with", "registry before"}}
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
		"Images there already, local and CI: use registry with. Mean 33.4 s; −30 % against parallel with (95 %: −38 to −20 %); 0 of 30 failed.",
		"Images to build, CI: registry with looks best. 90 % quantile 33.4 s;",
		"Decided when it works; 30 trials cannot exclude that failures turn it.",
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
