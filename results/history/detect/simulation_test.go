//go:build simulation

package detect

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stratbench/stratbench/results/stats"
)

// TestSimulation measures how often a check cries wolf and how soon it finds
// what changed, in nights of known truth, and writes the file that
// STRATBENCH_SIMULATE_NIGHTS names: make nightly-simulation. It takes minutes
// of processor time, so it is built with the tag simulation only, and no other
// go test passes or skips it.
func TestSimulation(t *testing.T) {
	name := os.Getenv("STRATBENCH_SIMULATE_NIGHTS")
	if name == "" {
		t.Fatal("STRATBENCH_SIMULATE_NIGHTS names no file; make nightly-simulation does")
	}
	var b strings.Builder
	b.WriteString(simulationHead())
	bars := slices.Concat(quietNights(&b), stepsFound(&b), crashesFound(&b))
	rampsFound(&b)
	restored(&b)
	lookedBack(&b)
	writeBars(&b, bars)
	if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, bar := range bars {
		if !bar.met && !bar.aside {
			t.Errorf("%s: %s", bar.asked, bar.seen)
		}
	}
}

// bar is a quality bar with what was seen.
type bar struct {
	asked, seen string
	met         bool
	aside       bool // told beside the bars, and none of them
}

// part is a count with its exact 95 % interval.
type part struct{ k, n int }

func (p part) percent() float64 { return 100 * float64(p.k) / float64(max(1, p.n)) }

func (p part) String() string {
	if p.n == 0 {
		return "–"
	}
	i := stats.ClopperPearson(p.k, p.n, confidence)
	return fmt.Sprintf("%.3g %% (%.3g–%.3g)", p.percent(), 100*i.Lower, 100*i.Upper)
}

// each calls f for every repetition, on all CPUs; results go by seed.
func each[T any](repetitions int, f func(seed uint64) T) []T {
	results, next := make([]T, repetitions), make(chan int)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range next {
				results[i] = f(uint64(i) + 1)
			}
		})
	}
	for i := range repetitions {
		next <- i
	}
	close(next)
	workers.Wait()
	return results
}

func (c *course) replay(decide Decide) Report {
	return Replay(c.Matrix, nil, decide, DefaultThreshold)
}

// countsOnly takes the measures out, where only rates are looked at.
func (c *course) countsOnly() {
	for i := range c.Series {
		if !c.Series[i].IsCount() {
			c.Series[i].Values = make([][]float64, len(c.Nights))
		}
	}
}

func simulationHead() string {
	w := usualWorld(5, 1)
	percent := func(x float64) string { return fmt.Sprintf("%.3g %%", 100*x) }
	return `# Nightly checks on simulated nights

Made by ` + "`make nightly-simulation`" + `; do not edit. Everything here is **simulated**:
how often ` + "`check`" + ` would cry wolf, and how soon it would find a change, in nights
of which the truth is known. Figures are shares with exact 95 % intervals. "By
the nights alone" is what ` + "`check`" + ` says; "with trials of both states" is what
` + "`check --confirm`" + ` says, which runs the last good and the present state side by
side, in blocks, when something is suspected or worse. Nights are calendar
nights: those that are not judged because the host was busy count too.

## The nights

| What | How |
|---|---|
` + fmt.Sprintf("| matrix | %d cells × 6 measures (setup, cluster, build, load, deploy, peak memory) and 2 counts (crashes, failed tests) |\n", w.Cells) +
		"| noise | heavy-tailed: Student's t with 4 degrees of freedom, on logs; spreads below are its standard deviations |\n" +
		fmt.Sprintf("| a trial's setup within its night | about 4 %%: %s shared by its phases; cluster 3, build 4, load 8, deploy 33 %% of their own; memory 1.5 %% |\n", percent(w.Trial)) +
		fmt.Sprintf("| from night to night | about 2 %%: host %s, slow wander of the host %s (correlated 0.9), each cell %s |\n", percent(w.Host), percent(w.Wander), percent(w.Cell)) +
		fmt.Sprintf("| weekends | %s |\n| drift | each cell rises and falls by up to %s over a year |\n", percent(w.Weekend), percent(w.Season)) +
		fmt.Sprintf("| stray trials | %s have a build 1.2 to 2 times as long |\n", percent(w.Stray)) +
		fmt.Sprintf("| busy host | an episode of 1 to 3 nights begins in %s of nights: all cells 15 to 40 %% slower; %s of these nights are marked unfit |\n", percent(w.Busy), percent(w.Seen)) +
		fmt.Sprintf("| reference workload | follows the host within %s |\n| crashes, failed tests | %s and %s of trials |\n", percent(w.Gauge), percent(w.Crash), percent(w.FailTest)) +
		"| a step | in one cell, from night 60 on: its build is longer, so that setup grows by what is stated |\n" +
		whereNoiseIsFrom
}

// whereNoiseIsFrom says how the spreads compare with real runs. What it says
// of real nights is held to their records by TestTheNoiseOfRealNights of package history.
const whereNoiseIsFrom = `
Where the spreads are from: the fit nights of [nightly-demo.md](nightly-demo.md),
on a host of 2 CPUs. Before anything was changed, with other work beside them, the
trials of a night differed by 3.5 % in setup, 2.7 % in cluster, 4.4 % in build,
8.2 % in load, 37 % in deploy and 0.06 % in peak memory (standard deviation of
logs), and nights by 2.9 % in setup beyond that. Later, alone on the host, setup
differed by 2.1 % with the slow image and 2.3 % with the other engine, and nights
by 0 and 1.0 %.
"2 × the noise" is a host that does much other work beside: two real runs of
quick.yaml with a load of 2 to 7 differed by 7 % in setup, 10 % in build and 11 %
in cluster (6 pairs of cells whose memory limits do not bind).
`

func writeBars(b *strings.Builder, bars []bar) {
	b.WriteString("\n## Against the quality bars\n\n| Asked | seen | |\n|---|---|---|\n")
	for _, bar := range bars {
		verdict := "met"
		switch {
		case bar.aside && !bar.met:
			verdict = "would not be met"
		case !bar.met:
			verdict = "**not met**"
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", bar.asked, bar.seen, verdict)
	}
}
