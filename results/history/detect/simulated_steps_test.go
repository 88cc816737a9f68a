//go:build simulation

package detect

import (
	"fmt"
	"strings"
)

// settledIn is after how many nights, from 0, the change of a series was sure;
// many if it never was.
func settledIn(r Report, series, from int, better bool) int {
	first := 1 << 20
	for _, f := range r.Findings {
		if f.Series == series && f.Better == better && f.Certainty >= Certain && f.Settled >= from {
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

func stepsFound(b *strings.Builder) []bar {
	b.WriteString("\n## A step in the setup of one cell\n\nShare found, in that cell's setup itself, by the night told.\n\n| Step | replicates | | 1st night | 2nd | 3rd | 5th |\n|---|---|---|---|---|---|---|\n")
	rows := []struct {
		step        float64
		replicates  int
		repetitions int
	}{{0.1, 5, 600}, {0.1, 3, 400}, {0.1, 6, 200}, {0.07, 5, 200}, {0.2, 5, 200}, {0.2, 3, 200}, {-0.1, 5, 200}}
	var bars []bar
	for i, row := range rows {
		type both struct{ alone, with int }
		found := each(row.repetitions, func(seed uint64) both {
			run := func(confirms bool) int {
				w := usualWorld(row.replicates, seed)
				w.change = change{cell: changedCell, from: changedAt, setup: row.step}
				c := w.nights(changedAt + 5)
				d := nobody
				if confirms {
					d = c.confirm
				}
				for t := changedAt; t < changedAt+5; t++ {
					c.Nights[t].Unfit = false
				}
				return settledIn(c.replay(d), changedCell*seriesOfCell+setupSeries, changedAt, row.step < 0)
			}
			return both{run(false), run(true)}
		})
		var alone, with []int
		for _, f := range found {
			alone, with = append(alone, f.alone), append(with, f.with)
		}
		line := func(name string, f []int) {
			fmt.Fprintf(b, "| %+.0f %% | %d | %s | %v | %v | %v | %v |\n", 100*row.step, row.replicates, name, byNight(f, 1), byNight(f, 2), byNight(f, 3), byNight(f, 5))
		}
		line("by the nights alone", alone)
		line("with trials of both sides", with)
		if i == 0 {
			p := byNight(alone, 3)
			bars = append(bars, bar{"a step of 10 % in setup found within 3 nights in 90 %, 5 replicates", p.String() + " by the nights alone", p.percent() >= 90})
		}
	}
	return bars
}

func crashesFound(b *strings.Builder) []bar {
	b.WriteString("\n## Crashes from 1 % to 30 % of trials in one cell\n\n| Cells | replicates | | 1st night | 2nd | 4th | 6th |\n|---|---|---|---|---|---|---|\n")
	var bars []bar
	for _, cells := range []int{16, 4} {
		for _, replicates := range []int{3, 4, 5, 6} {
			for _, confirms := range []bool{false, true} {
				found := each(600, func(seed uint64) int {
					w := usualWorld(replicates, seed)
					w.Cells, w.Crash, w.FailTest, w.Busy = cells, 0.01, 0.01, 0
					w.change = change{cell: changedCell, from: changedAt, crash: 0.3}
					c := w.nights(changedAt + 6)
					c.countsOnly()
					d := nobody
					if confirms {
						d = c.confirm
					}
					return settledIn(c.replay(d), changedCell*seriesOfCell+crashSeries, changedAt, false)
				})
				name := "by the nights alone"
				if confirms {
					name = "with more trials of the cell"
				}
				fmt.Fprintf(b, "| %d | %d | %s | %v | %v | %v | %v |\n", cells, replicates, name, byNight(found, 1), byNight(found, 2), byNight(found, 4), byNight(found, 6))
				if cells == 16 && replicates == 5 && confirms {
					p := byNight(found, 4)
					bars = append(bars, bar{"crashes from 1 % to 30 % found within 4 nights in 90 %, 5 replicates", p.String() + " with more trials of the cell", p.percent() >= 90})
				}
			}
		}
	}
	return bars
}
