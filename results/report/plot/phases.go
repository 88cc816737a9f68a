package plot

import (
	"image/color"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/analyse"
)

var phaseColors = map[trial.Phase]color.RGBA{
	trial.PhaseCluster: sky, trial.PhaseBuild: orange, trial.PhaseLoad: green, trial.PhaseDeploy: purple, trial.PhaseTest: light,
}

// Phases stacks the median lengths of the phases.
func Phases(s analyse.Study, a analyse.Analysis) (Figure, bool) {
	var cells []analyse.CellSummary
	longest := 0.0
	for _, c := range tested(a) {
		if total := stacked(c); total > 0 {
			cells, longest = append(cells, c), max(longest, total)
		}
	}
	if len(cells) == 0 {
		return Figure{}, false
	}
	scale := scaleFor(longest)
	title := marked(s, "Where the time goes")
	p := base(title, "median length of each phase, one after the other ("+scale.unit+")", "")
	nameRows(p, cells)
	p.Y.Max += 0.5
	p.X.Min, p.X.Max = 0, scale.of(longest)*1.02
	p.X.Tick.Marker = ticks{"%g"}
	p.Add(painter(func(c draw.Canvas, x, y func(float64) vg.Length) {
		for i, cell := range cells {
			drawStack(c, x, y(float64(i)), cell, scale, i == len(cells)-1)
		}
	}))
	return Figure{Name: "phases", Title: title, width: width, height: rowsHeight(len(cells)) + rowHeight/2, draw: framed(p),
		Caption: "Median of each phase over the trials in which it ended well. Where phases overlap, the bar is longer than the set-up.",
		Alt:     altRows("Median lengths of cluster, build, load, deploy and test, stacked, a row a cell.", cells)}, true
}

func stacked(c analyse.CellSummary) float64 {
	total := 0.0
	for _, p := range trial.Phases() {
		if m, ok := analyse.Median(c.Phases[p]); ok {
			total += m.Duration().Seconds()
		}
	}
	return total
}

func drawStack(c draw.Canvas, x func(float64) vg.Length, y vg.Length, cell analyse.CellSummary, scale timeScale, named bool) {
	half, at, label := vg.Points(7), 0.0, vg.Length(0)
	for _, p := range trial.Phases() {
		m, ok := analyse.Median(cell.Phases[p])
		if !ok {
			continue
		}
		from, to := x(scale.of(at)), x(scale.of(at+m.Duration().Seconds()))
		box(c, phaseColors[p], from, y-half, to, y+half)
		line(c, color.White, 1, vg.Point{X: to, Y: y - half}, vg.Point{X: to, Y: y + half})
		if named {
			label = max(label, from)
			write(c, black, smallSize, label, y+half+vg.Points(3), 0, 0, string(p))
			label += wide(smallSize, string(p)) + vg.Points(6)
		}
		at += m.Duration().Seconds()
	}
}
