package plot

import (
	"fmt"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/stratbench/stratbench/results/analyse"
)

// Paretos are the median time of ready trials against the failure rate, for
// each runtime and memory limit: what lies up or right of another one is worse
// in one and no better in the other.
func Paretos(s analyse.Study, a analyse.Analysis) (figures []Figure) {
	for _, g := range grouped(a, "runtime", "memory") {
		if f, ok := pareto(s, g); ok {
			figures = append(figures, f)
		}
	}
	return figures
}

func pareto(s analyse.Study, g group) (Figure, bool) {
	var cells []analyse.CellSummary
	longest := 0.0
	for _, c := range g.cells {
		if c.SetupTime.Median.Finite() {
			cells = append(cells, c)
			longest = max(longest, float64(c.SetupTime.High))
		}
	}
	if len(cells) < 2 {
		return Figure{}, false
	}
	scale := scaleFor(longest)
	title, name := g.where("Time against failures", "pareto")
	title = marked(s, title)
	p := base(title, "failed (% of trials)", "median time to ready of ready trials ("+scale.unit+")")
	var names []string
	for _, c := range cells {
		names = append(names, besideItsPoint(c, cells))
	}
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = -2, -2+103*stretched(names, 0), 0, scale.of(longest)*1.1
	p.X.Tick.Marker, p.Y.Tick.Marker = upTo{ticks{"%g"}, 100}, ticks{"%g"}
	p.Add(painter(func(c draw.Canvas, x, y func(float64) vg.Length) { drawPareto(c, x, y, cells, scale) }))
	return Figure{Name: name, Title: title, width: width, height: 9 * vg.Centimeter, draw: framed(p),
		Caption: "Each cell: failed trials with the 95 % Clopper–Pearson interval, and the median set-up time of its ready trials with their range. Filled, and joined by the dashed line: no other cell had both fewer failures and less time; these are point estimates. Cells that never became ready are not shown.",
		Alt:     altRows("Median time to ready against failure rate.", backwards(cells))}, true
}

func drawPareto(c draw.Canvas, x, y func(float64) vg.Length, cells []analyse.CellSummary, scale timeScale) {
	front := paretoFront(cells)
	points := make([]vg.Point, len(cells))
	heights := make([]vg.Length, len(cells))
	for i, cell := range cells {
		points[i] = vg.Point{X: x(100 * float64(cell.Failed.Estimate)), Y: y(scale.of(float64(cell.SetupTime.Median)))}
		heights[i] = points[i].Y
		col := faint(grey, 0.55)
		flatWhisker(c, col, points[i].Y, x(100*float64(cell.Failed.Interval.Lower)), x(100*float64(cell.Failed.Interval.Upper)))
		whisker(c, col, points[i].X, y(scale.of(float64(cell.SetupTime.Low))), y(scale.of(float64(cell.SetupTime.High))))
	}
	var joined []vg.Point
	for _, i := range front {
		joined = append(joined, points[i])
	}
	dashed(c, blue, 1.2, joined...)
	places := spread(heights, vg.Points(12), c.Min.Y+vg.Points(6), c.Max.Y-vg.Points(4))
	for i, cell := range cells {
		if slices.Contains(front, i) {
			glyph(c, draw.CircleGlyph{}, blue, 3.6, points[i].X, points[i].Y)
		} else {
			glyph(c, draw.RingGlyph{}, black, 3.6, points[i].X, points[i].Y)
		}
		right := x(101)
		line(c, faint(grey, 0.35), 0.6, vg.Point{X: points[i].X + vg.Points(5), Y: points[i].Y}, vg.Point{X: right, Y: places[i]})
		write(c, black, textSize, right+vg.Points(2), places[i], 0, -0.4, besideItsPoint(cell, cells))
	}
}

func besideItsPoint(c analyse.CellSummary, all []analyse.CellSummary) string {
	return without(c.Cell.Cell, all, "runtime", "memory") + fmt.Sprintf(" (n = %d)", c.N)
}

// paretoFront lists the cells that no other beats in both, fewest failures
// first.
func paretoFront(cells []analyse.CellSummary) (front []int) {
	for i, c := range cells {
		beaten := slices.ContainsFunc(cells, func(o analyse.CellSummary) bool {
			return o.Failed.Estimate <= c.Failed.Estimate && o.SetupTime.Median <= c.SetupTime.Median &&
				(o.Failed.Estimate < c.Failed.Estimate || o.SetupTime.Median < c.SetupTime.Median)
		})
		if !beaten {
			front = append(front, i)
		}
	}
	slices.SortFunc(front, func(i, j int) int { return int(1e6 * (cells[i].Failed.Estimate - cells[j].Failed.Estimate)) })
	return front
}
