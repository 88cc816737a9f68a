package plot

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/analyse"
)

// curve is one line of a plot, with the name that is written at its end.
type curve struct {
	name  string
	cells []analyse.CellSummary
}

// without names a cell by its levels but these factors', leaving out what all
// cells have in common.
func without(c trial.Cell, all []analyse.CellSummary, factors ...string) string {
	name := ""
	for _, x := range c {
		if slices.Contains(factors, x.Factor) || common(x, all) {
			continue
		}
		if name != "" {
			name += " "
		}
		name += x.Level
	}
	if name == "" {
		return "all"
	}
	return name
}

func common(x trial.Assignment, all []analyse.CellSummary) bool {
	for _, c := range all {
		if l, _ := c.Cell.Cell.Level(x.Factor); l != x.Level {
			return false
		}
	}
	return true
}

// group is the tested cells that share the levels of some factors.
type group struct {
	levels trial.Cell
	cells  []analyse.CellSummary
}

func grouped(a analyse.Analysis, factors ...string) (groups []group) {
	for _, c := range slices.Backward(tested(a)) {
		var levels trial.Cell
		for _, x := range c.Cell.Cell {
			if slices.Contains(factors, x.Factor) {
				levels = append(levels, x)
			}
		}
		i := slices.IndexFunc(groups, func(g group) bool { return g.levels.Key() == levels.Key() })
		if i < 0 {
			i = len(groups)
			groups = append(groups, group{levels: levels})
		}
		groups[i].cells = append(groups[i].cells, c)
	}
	return groups
}

// where completes a title and a file's name with a group's levels.
func (g group) where(title, name string) (string, string) {
	if len(g.levels) == 0 {
		return title, name
	}
	return title + ", " + g.levels.String(), name + "-" + fileName(g.levels)
}

// Frontiers are the failure rate against the memory limit, for each runtime.
func Frontiers(s analyse.Study, a analyse.Analysis) (figures []Figure) {
	for _, g := range grouped(a, "runtime") {
		if f, ok := frontier(s, g); ok {
			figures = append(figures, f)
		}
	}
	return figures
}

func frontier(s analyse.Study, g group) (Figure, bool) {
	curves, limits := memoryCurves(g.cells)
	if len(limits) < 2 {
		return Figure{}, false
	}
	title, name := g.where("Failures against memory", "memory")
	title = marked(s, title)
	p := base(title, "memory limit (GiB)", "failed (% of trials)")
	place := func(limit float64) float64 { return float64(slices.Index(limits, limit)) }
	var names []string
	for _, c := range curves {
		names = append(names, c.label())
	}
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = -0.4, -0.4+(float64(len(limits))-0.3)*stretched(names, vg.Points(14)), -3, 103
	p.X.Tick.Marker = limitTicks(limits)
	p.Y.Tick.Marker = upTo{ticks{"%g"}, 100}
	p.Add(painter(func(c draw.Canvas, x, y func(float64) vg.Length) { drawFrontier(c, x, y, curves, place) }))
	return Figure{Name: name, Title: title, width: width, height: 9 * vg.Centimeter, draw: framed(p),
		Caption: "Share of trials that failed under each memory limit, with 95 % Clopper–Pearson intervals; points are set apart sideways so that intervals can be seen. Limits are evenly spaced, not to scale.",
		Alt:     altRows("Failure rate against memory limit.", backwards(g.cells))}, true
}

// backwards is the order in which tested lists cells.
func backwards(cells []analyse.CellSummary) []analyse.CellSummary {
	turned := slices.Clone(cells)
	slices.Reverse(turned)
	return turned
}

func memoryCurves(cells []analyse.CellSummary) (curves []curve, limits []float64) {
	for _, c := range cells {
		level, _ := c.Cell.Cell.Level("memory")
		size, ok := analyse.Size(level)
		if !ok {
			continue
		}
		if !slices.Contains(limits, size) {
			limits = append(limits, size)
		}
		name := without(c.Cell.Cell, cells, "memory")
		i := slices.IndexFunc(curves, func(x curve) bool { return x.name == name })
		if i < 0 {
			i = len(curves)
			curves = append(curves, curve{name: name})
		}
		curves[i].cells = append(curves[i].cells, c)
	}
	slices.Sort(limits)
	return curves, limits
}

func sizeOf(c analyse.CellSummary) float64 {
	level, _ := c.Cell.Cell.Level("memory")
	size, _ := analyse.Size(level)
	return size
}

func drawFrontier(c draw.Canvas, x, y func(float64) vg.Length, curves []curve, place func(float64) float64) {
	var ends []vg.Length
	var last []vg.Point
	for i, curve := range curves {
		slices.SortFunc(curve.cells, func(a, b analyse.CellSummary) int { return int(1000 * (sizeOf(a) - sizeOf(b))) })
		aside := (float64(i) - float64(len(curves)-1)/2) * min(0.08, 0.6/float64(len(curves)))
		var points []vg.Point
		for _, cell := range curve.cells {
			at := x(place(sizeOf(cell)) + aside)
			whisker(c, faint(seriesColor(i), 0.6), at, y(100*float64(cell.Failed.Interval.Lower)), y(100*float64(cell.Failed.Interval.Upper)))
			points = append(points, vg.Point{X: at, Y: y(100 * float64(cell.Failed.Estimate))})
		}
		line(c, seriesColor(i), 1.5, points...)
		for _, at := range points {
			glyph(c, shape(i), seriesColor(i), 3.2, at.X, at.Y)
		}
		ends, last = append(ends, points[len(points)-1].Y), append(last, points[len(points)-1])
	}
	endLabels(c, curves, ends, last)
}

// endLabels writes each curve's name at its right end, apart from the others.
func endLabels(c draw.Canvas, curves []curve, ends []vg.Length, last []vg.Point) {
	right := vg.Length(0)
	for _, p := range last {
		right = max(right, p.X)
	}
	places := spread(ends, vg.Points(12), c.Min.Y+vg.Points(6), c.Max.Y-vg.Points(6))
	for i, curve := range curves {
		line(c, faint(seriesColor(i), 0.5), 0.7, vg.Point{X: last[i].X + vg.Points(4), Y: last[i].Y}, vg.Point{X: right + vg.Points(12), Y: places[i]})
		write(c, seriesColor(i), textSize, right+vg.Points(14), places[i], 0, -0.4, curve.label())
	}
}

func (c curve) label() string { return c.name + " " + counts(c.cells) }

func counts(cells []analyse.CellSummary) string {
	low, high := math.MaxInt, 0
	for _, c := range cells {
		low, high = min(low, c.N), max(high, c.N)
	}
	if low == high {
		return fmt.Sprintf("(n = %d)", low)
	}
	return fmt.Sprintf("(n = %d to %d)", low, high)
}

var shapes = []draw.GlyphDrawer{draw.CircleGlyph{}, draw.BoxGlyph{}, draw.PyramidGlyph{}, draw.RingGlyph{}, draw.SquareGlyph{}, draw.TriangleGlyph{}}

func shape(i int) draw.GlyphDrawer { return shapes[i%len(shapes)] }
