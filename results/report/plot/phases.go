package plot

import (
	"image/color"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/stats"
	"github.com/stratbench/stratbench/results/study"
)

var phaseColors = map[trial.Phase]color.RGBA{
	trial.PhaseCluster: sky, trial.PhaseBuild: orange, trial.PhaseLoad: green, trial.PhaseDeploy: purple, trial.PhaseTest: light,
}

// phases stacks the median lengths of the phases.
func phases(l laid) (Figure, bool) {
	longest, some := 0.0, map[trial.Phase]bool{}
	for row := range l.rows {
		for panel := range l.panels {
			total := 0.0
			for _, p := range medianPhases(l.at(row, panel)) {
				total += p.seconds
				some[p.phase] = true
			}
			longest = max(longest, total)
		}
	}
	if longest == 0 {
		return Figure{}, false
	}
	scale := scaleFor(longest)
	g := grid{rows: l.rows, panels: l.panels, axis: "median of each phase, one after the other (" + scale.unit + ")", most: scale.of(longest) * 1.01,
		row: pts(22), simulated: l.study.Simulated()}
	for _, p := range trial.Phases() {
		if some[p] {
			g.legend = append(g.legend, key{string(p), func(c draw.Canvas, x, y vg.Length) {
				box(c, phaseColors[p], x-pts(5), y-pts(5), x+pts(5), y+pts(5))
			}})
		}
	}
	g.cell = func(c draw.Canvas, x func(float64) vg.Length, y vg.Length, row, panel int) {
		at := 0.0
		for _, p := range medianPhases(l.at(row, panel)) {
			from, to := x(scale.of(at)), x(scale.of(at+p.seconds))
			box(c, phaseColors[p.phase], from, y-pts(7), max(from, to-pts(0.7)), y+pts(7))
			at += p.seconds
		}
	}
	return g.figure(Figure{Name: "phases", Title: l.title("Where the time goes"),
		Caption: "Medians over the trials in which the phase ended well. Where phases overlap, the bar is longer than the set-up.",
		Alt:     "Median lengths of the phases of a trial, stacked, a bar for each strategy."}), true
}

type phaseLength struct {
	phase   trial.Phase
	seconds float64
}

func medianPhases(trials []study.Observation) (all []phaseLength) {
	for _, p := range trial.Phases() {
		var lengths []float64
		for _, o := range trials {
			if length, ok := study.PhaseTime(o.Record, p); ok {
				lengths = append(lengths, length)
			}
		}
		if len(lengths) > 0 {
			all = append(all, phaseLength{p, stats.Median(lengths)})
		}
	}
	return all
}
