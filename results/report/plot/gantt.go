package plot

import (
	"cmp"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/study"
)

// gantts has the Gantt of a typical trial, the one nearest to the median, and of
// the worst: the failed one that cost most, or else the slowest.
func gantts(l laid) (figures []Figure) {
	var all []study.Observation
	for _, o := range l.study.Trials {
		if len(o.Record.Samples) > 1 && len(o.Record.Spans) > 2 {
			all = append(all, o)
		}
	}
	times := study.Setups(all)
	if len(times) > 0 {
		middle := slices.Sorted(slices.Values(times))[len(times)/2]
		typical := slices.MinFunc(all, func(a, b study.Observation) int { return cmp.Compare(away(a, middle), away(b, middle)) })
		figures = append(figures, gantt(*typical.Record, "typical", "A typical trial"))
	}
	if len(all) > 1 {
		worst := slices.MaxFunc(all, func(a, b study.Observation) int { return cmp.Compare(badness(a), badness(b)) })
		figures = append(figures, gantt(*worst.Record, "worst", "The worst trial"))
	}
	return figures
}

func away(o study.Observation, from float64) float64 {
	if !o.Ready || math.IsNaN(o.Setup) {
		return math.Inf(1)
	}
	return math.Abs(o.Setup - from)
}

// badness is the time, and behind all times for a failure.
func badness(o study.Observation) float64 {
	if !o.Ready && !math.IsNaN(o.Lost) {
		return 1e9 + o.Lost
	}
	return o.Setup
}

// gantt is one trial: its spans, the CPUs in use and the memory in use, on one
// axis of time.
func gantt(r results.Record, name, what string) Figure {
	rows, mark := ganttRows(r.Spans), ""
	scale := scaleFor(r.Elapsed.Duration().Seconds())
	ended := string(r.Verdict.Outcome)
	if r.Crash != nil {
		ended += " after " + string(r.Crash.Outcome)
	}
	title := fmt.Sprintf("%s: %s, %s, %s", what, r.Trial.ID, cellName(r.Trial.Cell), ended)
	if r.Simulated {
		mark, title = "SIMULATED: no engine produced this", simulatedMark+title
	}
	height := vg.Length(len(rows))*0.55*vg.Centimeter + 8*vg.Centimeter
	draw := func(c draw.Canvas) { drawGantt(c, r, rows, mark, scale) }
	return Figure{Name: name, Title: title, wide: view{wideWidth, height, draw}, narrow: view{narrowWidth, height, draw},
		Caption: "Above: phases (dark) and what ran in them. Below: CPUs and memory in use, against the limit (dashed).",
		Alt:     fmt.Sprintf("Spans, CPU and memory of trial %s over %.0f seconds, which ended as %s.", r.Trial.ID, r.Elapsed.Duration().Seconds(), ended)}
}

func cellName(c trial.Cell) string {
	var levels []string
	for _, a := range c {
		levels = append(levels, a.Level)
	}
	return strings.Join(levels, " ")
}

func ganttRows(spans []trial.Span) (rows []trial.Span) {
	for _, s := range spans {
		if s.Step == "" {
			rows = append(rows, s)
		}
	}
	slices.SortStableFunc(rows, func(a, b trial.Span) int { return cmp.Compare(a.Start, b.Start) })
	return rows
}

func drawGantt(c draw.Canvas, r results.Record, rows []trial.Span, title string, scale timeScale) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	c = draw.Crop(c, vg.Points(8), -vg.Points(14), vg.Points(8), -vg.Points(8))
	panels := []*plot.Plot{spanPanel(r, rows, title, scale), cpuPanel(r, scale), memoryPanel(r, scale)}
	total := c.Max.Y - c.Min.Y
	lower := 3 * vg.Centimeter
	heights := []vg.Length{total - 2*lower - vg.Centimeter/2, lower, lower + vg.Centimeter/2}
	tiles := make([]draw.Canvas, len(panels))
	top := c.Max.Y
	for i, h := range heights {
		tiles[i] = draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{Min: vg.Point{X: c.Min.X, Y: top - h}, Max: vg.Point{X: c.Max.X, Y: top}}}
		top -= h
	}
	alignLeft(panels, tiles)
	for i, p := range panels {
		p.Draw(tiles[i])
	}
}

// alignLeft gives all panels the same room on the left, so that they share
// their axis of time.
func alignLeft(panels []*plot.Plot, tiles []draw.Canvas) {
	widest := vg.Length(0)
	for i, p := range panels {
		widest = max(widest, p.DataCanvas(tiles[i]).Min.X)
	}
	for i, p := range panels {
		tiles[i].Min.X += widest - p.DataCanvas(tiles[i]).Min.X
	}
}

func timed(title, x, y string, r results.Record, scale timeScale) *plot.Plot {
	p := base(title, x, y)
	p.X.Min, p.X.Max = 0, scale.of(r.Elapsed.Duration().Seconds())*1.01
	p.X.Tick.Marker = ticks{"%g"}
	if x == "" {
		p.X.Tick.Label.Color = color.Transparent
		p.X.Tick.Label.Font.Size = 1
	}
	return p
}

func spanPanel(r results.Record, rows []trial.Span, title string, scale timeScale) *plot.Plot {
	p := timed(title, "", "", r, scale)
	var marks []plot.Tick
	for i, s := range rows {
		marks = append(marks, plot.Tick{Value: float64(len(rows) - 1 - i), Label: s.Name})
	}
	p.Y.Min, p.Y.Max = -0.7, float64(len(rows))-0.3
	p.Y.Tick.Marker = plot.ConstantTicks(marks)
	p.Y.LineStyle.Width, p.Y.Tick.LineStyle.Width = 0, 0
	p.Add(painter(func(c draw.Canvas, x, y func(float64) vg.Length) {
		for i, s := range rows {
			drawSpan(c, x, y(float64(len(rows)-1-i)), s, scale)
		}
	}))
	return p
}

func drawSpan(c draw.Canvas, x func(float64) vg.Length, y vg.Length, s trial.Span, scale timeScale) {
	half := vg.Points(5)
	from, to := x(scale.of(s.Start.Duration().Seconds())), x(scale.of(s.End.Duration().Seconds()))
	var col color.Color = grey
	switch {
	case s.IsPhase():
		col = phaseColors[s.Phase]
	case s.Phase != "":
		col = faint(phaseColors[s.Phase], 0.5)
	}
	box(c, col, from, y-half, max(to, from+1), y+half)
	words := fmt.Sprintf("%.1f s", s.Length().Duration().Seconds())
	if !s.EndedWell() {
		cross(c, vermilion, 3, to, y)
		words += " failed"
	}
	if to+wide(smallSize, words)+vg.Points(8) < c.Max.X {
		write(c, black, smallSize, to+vg.Points(5), y, 0, -0.4, words)
	} else {
		write(c, black, smallSize, from-vg.Points(3), y, -1, -0.4, words)
	}
}

func cpuPanel(r results.Record, scale timeScale) *plot.Plot {
	p := timed("", "", "CPUs in use", r, scale)
	most := float64(max(1, r.Machine.CPUs))
	p.Y.Min, p.Y.Max = 0, most*1.05
	p.Y.Tick.Marker = coarse{"%g"}
	p.Add(painter(func(c draw.Canvas, x, y func(float64) vg.Length) {
		var points []vg.Point
		for i := 1; i < len(r.Samples); i++ {
			a, b := r.Samples[i-1], r.Samples[i]
			if b.At > a.At {
				used := (b.CPU - a.CPU).Duration().Seconds() / (b.At - a.At).Duration().Seconds()
				points = append(points, vg.Point{X: x(scale.of(b.At.Duration().Seconds())), Y: y(min(used, most*1.05))})
			}
		}
		dashed(c, grey, 1, vg.Point{X: c.Min.X, Y: y(most)}, vg.Point{X: c.Max.X, Y: y(most)})
		line(c, blue, 1.2, points...)
	}))
	return p
}

const gib = 1 << 30

func memoryPanel(r results.Record, scale timeScale) *plot.Plot {
	p := timed("", "time from the start of the trial ("+scale.unit+")", "memory (GiB)", r, scale)
	highest, limit := 0.0, float64(r.Machine.MemoryLimit)/gib
	for _, s := range r.Samples {
		highest = max(highest, float64(s.Memory)/gib)
	}
	p.Y.Min, p.Y.Max = 0, max(highest, limit)*1.08
	if limit > 4*highest {
		p.Y.Max = highest * 1.3
	}
	if p.Y.Max <= 0 {
		p.Y.Max = 1
	}
	p.Y.Tick.Marker = coarse{"%g"}
	p.Add(painter(func(c draw.Canvas, x, y func(float64) vg.Length) {
		var all, anon []vg.Point
		for _, s := range r.Samples {
			at := x(scale.of(s.At.Duration().Seconds()))
			all = append(all, vg.Point{X: at, Y: y(float64(s.Memory) / gib)})
			anon = append(anon, vg.Point{X: at, Y: y(float64(s.MemoryAnon) / gib)})
		}
		line(c, vermilion, 1.2, all...)
		line(c, purple, 1.2, anon...)
		if limit > 0 && limit <= p.Y.Max {
			dashed(c, grey, 1, vg.Point{X: c.Min.X, Y: y(limit)}, vg.Point{X: c.Max.X, Y: y(limit)})
			write(c, grey, smallSize, c.Min.X+vg.Points(3), y(limit)-vg.Points(2), 0, -1, "limit")
		}
		memoryLabels(c, all, anon)
	}))
	return p
}

func memoryLabels(c draw.Canvas, all, anon []vg.Point) {
	if len(all) == 0 {
		return
	}
	highest, lowest := all[0], anon[len(anon)/2]
	for _, p := range all {
		if p.Y > highest.Y {
			highest = p
		}
	}
	write(c, vermilion, smallSize, min(highest.X, c.Max.X-vg.Points(90)), highest.Y+vg.Points(2), -0.5, 0, "with page cache")
	write(c, purple, smallSize, lowest.X, lowest.Y+vg.Points(3), -0.5, 0, "anonymous")
}
