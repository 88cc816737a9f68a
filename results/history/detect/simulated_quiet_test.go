//go:build simulation

package detect

import (
	"fmt"
	"strings"
)

// quiet counts what is said of nights in which nothing changes.
type quiet struct{ nights, alone, both, suspicious int }

func quietRun(w *world, nights int) (q quiet) {
	c := w.nights(nights)
	r := c.replay(c.confirm)
	for _, n := range r.Nights {
		if n.State <= HostShifted {
			continue
		}
		q.nights++
		alone, both, suspicious := false, false, false
		for _, i := range n.Findings {
			f := r.Findings[i]
			alone = alone || f.Regression() && f.Certainty == Certain
			both = both || f.Regression()
			suspicious = suspicious || !f.Better && f.Certainty != Certain && f.Kind != Host
		}
		q.alone, q.both, q.suspicious = q.alone+index(alone), q.both+index(both), q.suspicious+index(suspicious)
	}
	return q
}

func quietNights(b *strings.Builder) []bar {
	b.WriteString("\n## Nights in which nothing changes\n\nShare of judged nights in which a regression is raised, and a suspicion. A false\nregression keeps being reported until it is accepted, or not borne out by the\nseven nights after it.\n\n| Nights | replicates | judged | by the nights alone | with trials of both states | suspicious |\n|---|---|---|---|---|---|\n")
	rows := []struct {
		name       string
		replicates int
		histories  int
		set        func(*world)
	}{
		{"as above", 5, 14, func(*world) {}},
		{"as above", 3, 14, func(*world) {}},
		{"4 cells", 5, 14, func(w *world) { w.Cells = 4 }},
		{"no reference workload, every busy night marked", 5, 7, func(w *world) { w.Gauge, w.Seen = 0, 1 }},
		{"weekends 5 % faster", 5, 7, func(w *world) { w.Weekend = -0.05 }},
		{"crashes and failed tests 5 %", 5, 7, func(w *world) { w.Crash, w.FailTest = 0.05, 0.05 }},
		{"twice the noise", 5, 7, func(w *world) { w.noisier(2) }},
	}
	var first quiet
	for i, row := range rows {
		var sum quiet
		for _, q := range each(row.histories, func(seed uint64) quiet {
			w := usualWorld(row.replicates, seed)
			row.set(w)
			return quietRun(w, 1000)
		}) {
			sum = quiet{sum.nights + q.nights, sum.alone + q.alone, sum.both + q.both, sum.suspicious + q.suspicious}
		}
		if i == 0 {
			first = sum
		}
		fmt.Fprintf(b, "| %s | %d | %d | %v | %v | %v |\n", row.name, row.replicates, sum.nights, part{sum.alone, sum.nights}, part{sum.both, sum.nights}, part{sum.suspicious, sum.nights})
	}
	p := part{first.both, first.nights}
	return []bar{{"at most 1 false alarm in 100 quiet nights", p.String() + " of nights", p.percent() <= 1, false}}
}
