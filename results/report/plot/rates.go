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
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = -0.4, float64(len(limits))-0.1, -3, 103
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
		write(c, seriesColor(i), textSize, right+vg.Points(14), places[i], 0, -0.4, curve.name+" "+counts(curve.cells))
	}
}

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
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = -2, 132, 0, scale.of(longest)*1.1
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
		write(c, black, textSize, right+vg.Points(2), places[i], 0, -0.4, without(cell.Cell.Cell, cells, "runtime", "memory")+fmt.Sprintf(" (n = %d)", cell.N))
	}
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
