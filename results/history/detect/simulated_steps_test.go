//go:build simulation

package detect

import (
	"fmt"
	"slices"
	"strings"
)

// settledIn is after how many nights, from 0, a change of one of the series was
// sure; many if it never was.
func settledIn(r Report, from int, better bool, series ...int) int {
	first := 1 << 20
	for _, f := range r.Findings {
		if slices.Contains(series, f.Series) && f.Better == better && f.Certainty >= Certain && f.Settled >= from {
			first = min(first, f.Settled-from)
		}
	}
	return first
}

func byNight(found []int, nights int) (p part) {
	for _, f := range found {
		p.k += index(f < nights)
	}
	return part{p.k, len(found)}
}

// seen is after how many nights a step was told of: of the cell, and of its
// setup itself; by the nights alone and with trials of both states.
type seen struct{ alone, with, itself int }

func stepSeen(w *world) (s seen) {
	better := w.change.setup < 0
	alone := w.nights(changedAt + 5)
	r := alone.replay(nobody)
	s.alone = settledIn(r, changedAt, better, changedSetup, changedBuild)
	r = alone.replay(alone.confirm)
	s.with = settledIn(r, changedAt, better, changedSetup, changedBuild)
	s.itself = settledIn(r, changedAt, better, changedSetup)
	return s
}

func stepsFound(b *strings.Builder) []bar {
	b.WriteString("\n## A step in the setup of one cell\n\nShare found, by the night told: as a change of that cell's setup or of its\nbuild, in which all of it is; and of its setup itself.\n\n| Step | cells | replicates | | 1st night | 2nd | 3rd | 5th |\n|---|---|---|---|---|---|---|---|\n")
	rows := []struct {
		step              float64
		cells, replicates int
		repetitions       int
		noise             float64
	}{{0.1, 16, 5, 600, 1}, {0.1, 16, 3, 300, 1}, {0.1, 4, 5, 300, 1}, {0.1, 4, 3, 300, 1}, {0.07, 16, 5, 200, 1}, {0.2, 16, 5, 200, 1}, {0.2, 16, 3, 200, 1}, {-0.1, 16, 5, 200, 1},
		{0.1, 4, 5, 200, 2}, {0.1, 4, 10, 200, 2}, {0.2, 4, 5, 200, 2}}
	var bars []bar
	for i, row := range rows {
		var alone, with, itself []int
		for _, s := range each(row.repetitions, func(seed uint64) seen {
			w := usualWorld(row.replicates, seed)
			w.Cells, w.Doubts = row.cells, 2
			w.noisier(row.noise)
			w.change = change{cell: changedCell, from: changedAt, setup: row.step}
			return stepSeen(w)
		}) {
			alone, with, itself = append(alone, s.alone), append(with, s.with), append(itself, s.itself)
		}
		line := func(how string, f []int) {
			what := fmt.Sprintf("%+.0f %%", 100*row.step)
			if row.noise != 1 {
				what += fmt.Sprintf(", %.0f × the noise", row.noise)
			}
			fmt.Fprintf(b, "| %s | %d | %d | %s | %v | %v | %v | %v |\n", what, row.cells, row.replicates, how, byNight(f, 1), byNight(f, 2), byNight(f, 3), byNight(f, 5))
		}
		line("by the nights alone", alone)
		if row.step > 0 {
			line("with trials of both states", with)
			line("the same, setup itself", itself)
		}
		if i == 0 {
			p := byNight(with, 3)
			bars = append(bars, bar{"a step of 10 % in setup found within 3 nights in 90 %", fmt.Sprintf("%v with trials of both states, %v by the nights alone; of setup itself, and not of its build, %v with trials; 16 cells, 5 replicates", p, byNight(alone, 3), byNight(itself, 3)), p.percent() >= 90, false})
		}
		if row.noise == 2 && row.step == 0.1 && row.replicates == 5 {
			p := byNight(with, 3)
			bars = append(bars, bar{"the same on a host as noisy as that of the first real run", p.String() + " with trials of both states; 4 cells, 5 replicates, 2 × the noise", p.percent() >= 90, true})
		}
	}
	return bars
}

func crashesFound(b *strings.Builder) []bar {
	b.WriteString("\n## Crashes from 1 % to 30 % of trials in one cell\n\n| Cells | replicates | | 1st night | 2nd | 4th | 6th |\n|---|---|---|---|---|---|---|\n")
	var bars []bar
	for _, cells := range []int{16, 4} {
		for _, replicates := range []int{3, 5} {
			for _, confirms := range []bool{false, true} {
				found := each(600, func(seed uint64) int { return crashesSeen(seed, cells, replicates, confirms) })
				name := "by the nights alone"
				if confirms {
					name = "with trials of both states"
				}
				fmt.Fprintf(b, "| %d | %d | %s | %v | %v | %v | %v |\n", cells, replicates, name, byNight(found, 1), byNight(found, 2), byNight(found, 4), byNight(found, 6))
				if cells == 16 && replicates == 5 && confirms {
					p := byNight(found, 4)
					bars = append(bars, bar{"crashes from 1 % to 30 % found within 4 nights in 90 %", p.String() + " with trials of both states; 16 cells, 5 replicates", p.percent() >= 90, false})
				}
			}
		}
	}
	return bars
}

func crashesSeen(seed uint64, cells, replicates int, confirms bool) int {
	w := usualWorld(replicates, seed)
	w.Cells, w.Crash, w.FailTest = cells, 0.01, 0.01
	w.change = change{cell: changedCell, from: changedAt, crash: 0.3}
	c := w.nights(changedAt + 6)
	c.countsOnly()
	if confirms {
		return settledIn(c.replay(c.confirm), changedAt, false, changedCrashes)
	}
	return settledIn(c.replay(nobody), changedAt, false, changedCrashes)
}
