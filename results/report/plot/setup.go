package plot

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/analyse"
)

// All draws every figure that the study has the trials for.
func All(s analyse.Study, a analyse.Analysis) (figures []Figure) {
	for _, f := range []func(analyse.Study, analyse.Analysis) (Figure, bool){SetupTimes, Phases} {
		if figure, ok := f(s, a); ok {
			figures = append(figures, figure)
		}
	}
	figures = append(figures, Incidences(s)...)
	figures = append(figures, Endings(s)...)
	figures = append(figures, Frontiers(s, a)...)
	figures = append(figures, Paretos(s, a)...)
	figures = append(figures, Builds(s, a)...)
	return append(figures, Gantts(s)...)
}

// mostPoints is how many trials of a cell are drawn as points of their own.
const mostPoints = 400

// rowHeight is the height of a row of a plot with a row a cell.
const rowHeight = 0.85 * vg.Centimeter

func rowsHeight(n int) vg.Length { return vg.Length(n)*rowHeight + 2.9*vg.Centimeter }

// tested are the cells that have trials, last first: plots count upwards.
func tested(a analyse.Analysis) (cells []analyse.CellSummary) {
	for i := len(a.Cells) - 1; i >= 0; i-- {
		if a.Cells[i].N > 0 {
			cells = append(cells, a.Cells[i])
		}
	}
	return cells
}

func cellName(c trial.Cell) string {
	if len(c) == 0 {
		return "all trials"
	}
	return c.String()
}

// simulatedMark begins the title of what no engine produced.
const simulatedMark = "SIMULATED, no engine produced this: "

func marked(s analyse.Study, title string) string {
	if s.Simulated() {
		return simulatedMark + title
	}
	return title
}

func longestTime(s analyse.Study) float64 {
	longest := 0.0
	for _, o := range s.Trials {
		for _, t := range []float64{o.Setup, o.Lost} {
			if t > longest {
				longest = t
			}
		}
	}
	return longest
}

// SetupTimes has a row a cell and every trial as a point: ready ones where
// they were, failed ones where they died.
func SetupTimes(s analyse.Study, a analyse.Analysis) (Figure, bool) {
	cells, longest := slices.Clone(a.Cells), longestTime(s)
	slices.Reverse(cells) // plots count upwards
	if len(cells) == 0 || longest == 0 {
		return Figure{}, false
	}
	scale := scaleFor(longest)
	title := marked(s, "Time to ready, every trial")
	p := base(title, "time from the start of the trial ("+scale.unit+")", "")
	nameRows(p, cells)
	p.X.Min, p.X.Max = 0, scale.of(longest)*1.02
	p.X.Tick.Marker = ticks{"%g"}
	p.Add(painter(func(c draw.Canvas, x, y func(float64) vg.Length) {
		for i, cell := range cells {
			drawTrials(c, x, y(float64(i)), s.Of(cell.Cell.Cell), scale)
			drawMedian(c, x, y(float64(i)), cell, scale)
		}
	}))
	return Figure{Name: "setup", Title: title, width: width, height: rowsHeight(len(cells)), draw: framed(p),
		Caption: "Blue point: a trial, where it became ready. Orange ×: a trial that failed, where it died. Grey triangle: cut off by a limit. Bar: median of the ready trials, with its 95 % order-statistic interval where so many trials give one. After each name: failed of n.",
		Alt:     altRows("Time to ready of every trial, a row a cell.", cells)}, true
}

func altRows(what string, cells []analyse.CellSummary) string {
	for i := len(cells) - 1; i >= 0; i-- {
		c := cells[i]
		if c.N == 0 {
			what += " " + cellName(c.Cell.Cell) + ": not tested."
			continue
		}
		what += fmt.Sprintf(" %s: %d of %d failed", cellName(c.Cell.Cell), c.Failed.Events, c.N)
		if c.SetupTime.Median.Finite() {
			what += fmt.Sprintf(", median %.0f seconds", float64(c.SetupTime.Median))
		}
		what += "."
	}
	return what
}

// nameRows labels the rows with the cells, and on the right with n.
func nameRows(p *plot.Plot, cells []analyse.CellSummary) {
	var marks []plot.Tick
	for i, c := range cells {
		label := fmt.Sprintf("%s  (%d of %d failed)", cellName(c.Cell.Cell), c.Failed.Events, c.N)
		if c.N == 0 {
			label = cellName(c.Cell.Cell) + "  (not tested)"
		}
		marks = append(marks, plot.Tick{Value: float64(i), Label: label})
	}
	p.Y.Min, p.Y.Max = -0.6, float64(len(cells))-0.4
	p.Y.Tick.Marker = plot.ConstantTicks(marks)
	p.Y.Tick.LineStyle.Width, p.Y.LineStyle.Width = 0, 0
}

func drawTrials(c draw.Canvas, x func(float64) vg.Length, y vg.Length, trials []analyse.Observation, scale timeScale) {
	line(c, light, 0.5, vg.Point{X: c.Min.X, Y: y}, vg.Point{X: c.Max.X, Y: y})
	random := rand.New(rand.NewPCG(1, 1))
	step := max(1, len(trials)/mostPoints)
	for i := 0; i < len(trials); i += step {
		o, at := trials[i], y
		if len(trials) > 1 {
			at += vg.Points((random.Float64() - 0.5) * 12)
		}
		switch {
		case o.Ready && !math.IsNaN(o.Setup):
			glyph(c, draw.CircleGlyph{}, faint(blue, 0.75), 2.6, x(scale.of(o.Setup)), at)
		case o.CutOff && !math.IsNaN(o.Lost):
			glyph(c, draw.TriangleGlyph{}, grey, 3, x(scale.of(o.Lost)), at)
		case !o.Ready && !math.IsNaN(o.Lost):
			cross(c, vermilion, 2.8, x(scale.of(o.Lost)), at)
		}
	}
}

func drawMedian(c draw.Canvas, x func(float64) vg.Length, y vg.Length, cell analyse.CellSummary, scale timeScale) {
	t := cell.SetupTime
	if t.N < 2 {
		return
	}
	half := vg.Points(8)
	m := x(scale.of(float64(t.Median)))
	line(c, black, 2, vg.Point{X: m, Y: y - half}, vg.Point{X: m, Y: y + half})
	if t.Interval.Bounded() {
		flatWhisker(c, black, y, x(scale.of(float64(t.Interval.Lower))), x(scale.of(float64(t.Interval.Upper))))
	}
}
