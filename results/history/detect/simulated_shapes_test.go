//go:build simulation

package detect

import (
	"fmt"
	"strings"
)

func rampsFound(b *strings.Builder) {
	b.WriteString("\n## A slow rise of the setup of one cell\n\nFor 60 nights, 5 replicates, by the nights alone. \"One drift\": at the end it is told as a single change, a drift.\n\n| a night | found in 15 nights | 30 | 60 | one drift | steps among it |\n|---|---|---|---|---|---|\n")
	for _, perNight := range []float64{0.002, 0.005, 0.01} {
		type out struct {
			found, drifts, steps int
		}
		runs := each(60, func(seed uint64) out {
			w := usualWorld(5, seed)
			w.change = change{cell: changedCell, from: changedAt, perNight: perNight}
			r := w.nights(changedAt + 60).replay(nobody)
			o := out{found: settledIn(r, changedAt, false, changedSetup)}
			for _, f := range r.Findings {
				if f.Series == changedCell*seriesOfCell && f.Regression() && f.Settled >= changedAt {
					o.drifts, o.steps = o.drifts+index(f.Kind == Drift), o.steps+index(f.Kind == Step)
				}
			}
			return o
		})
		var found []int
		var one, stepped part
		for _, o := range runs {
			found = append(found, o.found)
			one.k, stepped.k = one.k+index(o.drifts == 1 && o.steps == 0), stepped.k+index(o.steps > 0)
		}
		one.n, stepped.n = len(runs), len(runs)
		fmt.Fprintf(b, "| %.1f %% | %v | %v | %v | %v | %v |\n", 100*perNight, byNight(found, 15), byNight(found, 30), byNight(found, 60), one, stepped)
	}
}

func restored(b *strings.Builder) {
	b.WriteString("\n## Told for what it is\n\n5 replicates, by the nights alone.\n\n| What happens | what is told | share |\n|---|---|---|\n")
	setup := changedCell * seriesOfCell
	row := func(what, told string, repetitions int, set change, nights int, right func(Report) bool) {
		p := part{n: repetitions}
		for _, ok := range each(repetitions, func(seed uint64) bool {
			w := usualWorld(5, seed)
			w.change = set
			return right(w.nights(nights).replay(nobody))
		}) {
			p.k += index(ok)
		}
		fmt.Fprintf(b, "| %s | %s | %v |\n", what, told, p)
	}
	step := change{cell: changedCell, from: changedAt, setup: 0.1}
	row("a step of 10 %", "one step, and no drift, 20 nights later", 100, step, changedAt+20, func(r Report) bool {
		steps, drifts := 0, 0
		for _, f := range r.Findings {
			if f.Series == setup && f.Regression() && f.Settled >= changedAt {
				steps, drifts = steps+index(f.Kind == Step), drifts+index(f.Kind == Drift)
			}
		}
		return steps == 1 && drifts == 0
	})
	back := change{cell: changedCell, from: changedAt, until: changedAt + 12, setup: 0.12}
	row("12 % more for 12 nights", "found, and found to be undone, in 8 nights", 100, back, changedAt+20, func(r Report) bool {
		for _, f := range r.Findings {
			if f.Series == setup && f.Regression() && f.Undone && f.Settled >= changedAt {
				return true
			}
		}
		return false
	})
	moved := change{cell: None, from: changedAt, host: 0.15}
	row("the host is 15 % slower for good", "a change of the host, no regression in 20 nights", 100, moved, changedAt+20, func(r Report) bool {
		host := false
		for _, f := range r.Findings {
			if f.Settled < changedAt {
				continue
			}
			if f.Regression() {
				return false
			}
			host = host || f.Kind == Host
		}
		return host
	})
}

func lookedBack(b *strings.Builder) {
	b.WriteString("\n## Looking back over 120 nights\n\nA step of 10 % in one cell at night 60, 5 replicates.\n\n| | share |\n|---|---|\n")
	type out struct{ found, place, others, covers int }
	var sum out
	const repetitions = 40
	for _, o := range each(repetitions, func(seed uint64) (o out) {
		w := usualWorld(5, seed)
		w.change = change{cell: changedCell, from: changedAt, setup: 0.1}
		c := w.nights(2 * changedAt)
		s := Segments(c.Matrix, c.replay(nobody), DefaultThreshold)
		for i := range s {
			for _, ch := range s[i].Changes {
				near := ch.Since >= changedAt-3 && ch.Since <= changedAt+3
				switch {
				case i == changedCell*seriesOfCell && near:
					o.found, o.place, o.covers = 1, o.place+index(ch.Since >= changedAt-1 && ch.Since <= changedAt+1), index(ch.CI.Contains(1.1))
				case i/seriesOfCell != changedCell:
					o.others++
				}
			}
		}
		return o
	}) {
		sum = out{sum.found + o.found, sum.place + o.place, sum.others + o.others, sum.covers + o.covers}
	}
	fmt.Fprintf(b, "| found within 3 nights of its place | %v |\n| of these within 1 night | %v |\n| of these with the true ratio in the interval | %v |\n", part{sum.found, repetitions}, part{sum.place, sum.found}, part{sum.covers, sum.found})
	fmt.Fprintf(b, "| other series with a reported change that is none | %v |\n", part{sum.others, repetitions * 15 * seriesOfCell})
}
