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

// The kinds of nights that bars are about.
const usual, correlated = "as above", "nights correlated 0.6"

func quietNights(b *strings.Builder) []bar {
	b.WriteString("\n## Nights in which nothing changes\n\nShare of judged nights in which a regression is raised, and a suspicion. A false\nregression keeps being reported until it is accepted, or not borne out by the\nseven nights after it.\n\n| Nights | replicates | judged | by the nights alone | with trials of both states | suspicious |\n|---|---|---|---|---|---|\n")
	rows := []struct {
		name       string
		replicates int
		histories  int
		set        func(*world)
	}{
		{usual, 5, 14, func(*world) {}},
		{usual, 3, 14, func(*world) {}},
		{"4 cells", 5, 14, func(w *world) { w.Cells = 4 }},
		{"no reference workload, every busy night marked", 5, 7, func(w *world) { w.Gauge, w.Seen = 0, 1 }},
		{"weekends 5 % faster", 5, 7, func(w *world) { w.Weekend = -0.05 }},
		{"crashes and failed tests 5 %", 5, 7, func(w *world) { w.Crash, w.FailTest = 0.05, 0.05 }},
		{"twice the noise", 5, 7, func(w *world) { w.noisier(2) }},
		{"nights correlated 0.3", 5, 7, func(w *world) { w.Follow = 0.3 }},
		{correlated, 5, 14, func(w *world) { w.Follow = 0.6 }},
		{"the same, each cell 3 % from night to night", 5, 7, func(w *world) { w.Follow, w.Cell = 0.6, 0.03 }},
		{"each cell wanders by 2 %, correlated 0.9", 5, 7, func(w *world) { w.Follow, w.Cell = 0.9, 0.02 }},
	}
	seen := map[string]part{}
	for _, row := range rows {
		var sum quiet
		for _, q := range each(row.histories, func(seed uint64) quiet {
			w := usualWorld(row.replicates, seed)
			row.set(w)
			return quietRun(w, 1000)
		}) {
			sum = quiet{sum.nights + q.nights, sum.alone + q.alone, sum.both + q.both, sum.suspicious + q.suspicious}
		}
		if _, known := seen[row.name]; !known {
			seen[row.name] = part{sum.both, sum.nights}
		}
		fmt.Fprintf(b, "| %s | %d | %d | %v | %v | %v |\n", row.name, row.replicates, sum.nights, part{sum.alone, sum.nights}, part{sum.both, sum.nights}, part{sum.suspicious, sum.nights})
	}
	var bars []bar
	for _, asked := range []struct{ of, nights string }{{usual, "quiet nights"}, {correlated, "quiet nights that are correlated by 0.6"}} {
		p := seen[asked.of]
		bars = append(bars, bar{"at most 1 false alarm in 100 " + asked.nights, p.String() + " of nights", p.percent() <= 1, false})
	}
	return bars
}
