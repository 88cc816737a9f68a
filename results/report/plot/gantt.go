package plot

import (
	"cmp"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"
	"time"

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
	all := slices.DeleteFunc(slices.Clone(l.study.Trials), func(o study.Observation) bool {
		return len(o.Record.Samples) < 2 || len(o.Record.Spans) < 3
	})
	pick := func(name, what string, by func(study.Observation) float64) {
		o := slices.MinFunc(all, func(a, b study.Observation) int { return cmp.Compare(by(a), by(b)) })
		figures = append(figures, trialFigure(*o.Record, name, what))
	}
	if times := study.Setups(all); len(times) > 0 {
		middle := slices.Sorted(slices.Values(times))[len(times)/2]
		pick("typical", "A typical trial", func(o study.Observation) float64 {
			if !o.Ready || math.IsNaN(o.Setup) {
				return math.Inf(1)
			}
			return math.Abs(o.Setup - middle)
		})
	}
	if len(all) > 1 {
		pick("worst", "The worst trial", func(o study.Observation) float64 {
			switch {
			case !o.Ready && !math.IsNaN(o.Lost):
				return -1e9 - o.Lost // behind all times
			case math.IsNaN(o.Setup):
				return math.Inf(1)
			}
			return -o.Setup
		})
	}
	return figures
}

// gantt is one trial: spans, CPUs and memory in use, on one axis of time.
type gantt struct {
	results.Record
	rows []trial.Span
	unit string
	one  float64 // of the unit, in seconds
}

// longWait is how long a pod has to wait for something to be drawn.
const longWait = trial.Seconds(time.Second)

func trialFigure(r results.Record, name, what string) Figure {
	elapsed := r.Elapsed.Duration().Seconds()
	g := gantt{Record: r}
	g.unit, g.one = unitFor(elapsed)
	for _, s := range r.Spans {
		if s.Step == "" || s.Phase == trial.PhaseDeploy && strings.HasPrefix(s.Name, "pod ") && s.Length() >= longWait {
			g.rows = append(g.rows, s)
		}
	}
	slices.SortStableFunc(g.rows, func(a, b trial.Span) int { return cmp.Compare(a.Start, b.Start) })
	ended := string(r.Verdict.Outcome)
	if r.Crash != nil {
		ended += " after " + string(r.Crash.Outcome)
	}
	title := fmt.Sprintf("%s: %s, %s, %s", what, r.Trial.ID, r.Trial.Cell, ended)
	if r.Simulated {
		title = simulatedMark + title
	}
	height := vg.Length(len(g.rows))*0.55*vg.Centimeter + 8*vg.Centimeter
	return Figure{Name: name, Title: title, wide: view{wideWidth, height, g.draw}, narrow: view{narrowWidth, height, g.draw},
		Caption: "Above: phases (dark) and what ran in them. Below: CPUs and memory in use, against the limit (dashed).",
		Alt:     fmt.Sprintf("Spans, CPU and memory of trial %s over %.0f seconds, which ended as %s.", r.Trial.ID, elapsed, ended)}
}

func (g gantt) draw(c draw.Canvas) {
	c = paper(c)
	panels := []*plot.Plot{g.spans(), g.cpu(), g.memory()}
	lower := 3 * vg.Centimeter
	heights := []vg.Length{c.Max.Y - c.Min.Y - 2*lower - vg.Centimeter/2, lower, lower + vg.Centimeter/2}
	tiles := make([]draw.Canvas, len(panels))
	top, widest := c.Max.Y, vg.Length(0)
	for i, h := range heights {
		tiles[i] = draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{Min: vg.Point{X: c.Min.X, Y: top - h}, Max: vg.Point{X: c.Max.X, Y: top}}}
		top -= h
		widest = max(widest, panels[i].DataCanvas(tiles[i]).Min.X)
	}
	for i, p := range panels { // all with the same room on the left: they share their axis of time
		tiles[i].Min.X += widest - p.DataCanvas(tiles[i]).Min.X
		p.Draw(tiles[i])
	}
}

// at is a time of the trial on the axis.
func (g gantt) at(s trial.Seconds) float64 { return s.Duration().Seconds() / g.one }

// panel is a plot over the time of the trial.
func (g gantt) panel(title, x, y string) *plot.Plot {
	p := base(title, x, y)
	p.X.Min, p.X.Max = 0, g.at(g.Elapsed)*1.01
	p.X.Tick.Marker = ticks(6)
	if x == "" {
		p.X.Tick.Label.Color = color.Transparent
		p.X.Tick.Label.Font.Size = 1
	}
	return p
}

func (g gantt) spans() *plot.Plot {
	title := ""
	if g.Simulated {
		title = "SIMULATED: no engine produced this"
	}
	p := g.panel(title, "", "")
	last := len(g.rows) - 1
	var names []plot.Tick
	for i, s := range g.rows {
		names = append(names, plot.Tick{Value: float64(last - i), Label: s.Name})
	}
	p.Y.Min, p.Y.Max = -0.7, float64(last)+0.7
	p.Y.Tick.Marker = plot.ConstantTicks(names)
	p.Y.LineStyle.Width, p.Y.Tick.LineStyle.Width = 0, 0
	p.Add(painter(func(c draw.Canvas, x, y func(float64) vg.Length) {
		for i, s := range g.rows {
			from, to, y := x(g.at(s.Start)), x(g.at(s.End)), y(float64(last-i))
			var col color.Color = grey
			switch {
			case s.IsPhase():
				col = phaseColors[s.Phase]
			case s.Phase != "":
				col = faint(phaseColors[s.Phase], 0.5)
			}
			box(c, col, from, y-pts(5), max(to, from+1), y+pts(5))
			words := fmt.Sprintf("%.1f s", s.Length().Duration().Seconds())
			if !s.EndedWell() {
				cross(c, vermilion, 3, to, y)
				words += " failed"
			}
			switch width := wide(smallSize, words); {
			case to+width+pts(8) < c.Max.X:
				write(c, black, smallSize, to+pts(5), y, 0, -0.4, words)
			case from-width-pts(3) > c.Min.X:
				write(c, black, smallSize, from-pts(3), y, -1, -0.4, words)
			default: // as long as the axis
				write(c, black, smallSize, to-pts(3), y, -1, -0.4, words)
			}
		}
	}))
	return p
}

func (g gantt) cpu() *plot.Plot {
	p := g.panel("", "", "CPUs in use")
	most := max(1, g.Processors())
	p.Y.Min, p.Y.Max = 0, most*1.05
	p.Y.Tick.Marker = ticks(3)
	p.Add(painter(func(c draw.Canvas, x, y func(float64) vg.Length) {
		var points []vg.Point
		for i := 1; i < len(g.Samples); i++ {
			a, b := g.Samples[i-1], g.Samples[i]
			if b.At > a.At {
				used := (b.CPU - a.CPU).Duration().Seconds() / (b.At - a.At).Duration().Seconds()
				points = append(points, vg.Point{X: x(g.at(b.At)), Y: y(min(used, most*1.05))})
			}
		}
		dashed(c, grey, vg.Point{X: c.Min.X, Y: y(most)}, vg.Point{X: c.Max.X, Y: y(most)})
		line(c, blue, 1.2, points...)
	}))
	return p
}

func (g gantt) memory() *plot.Plot {
	const gib = 1 << 30
	p := g.panel("", "time from the start of the trial ("+g.unit+")", "memory (GiB)")
	highest, limit := 0.0, float64(g.Machine.MemoryLimit)/gib
	for _, s := range g.Samples {
		highest = max(highest, float64(s.Memory)/gib)
	}
	p.Y.Min, p.Y.Max = 0, max(highest, limit)*1.08
	if limit > 4*highest {
		p.Y.Max = highest * 1.3
	}
	if p.Y.Max <= 0 {
		p.Y.Max = 1
	}
	p.Y.Tick.Marker = ticks(3)
	p.Add(painter(func(c draw.Canvas, x, y func(float64) vg.Length) {
		var all, anon []vg.Point
		for _, s := range g.Samples {
			all = append(all, vg.Point{X: x(g.at(s.At)), Y: y(float64(s.Memory) / gib)})
			anon = append(anon, vg.Point{X: x(g.at(s.At)), Y: y(float64(s.MemoryAnon) / gib)})
		}
		line(c, vermilion, 1.2, all...)
		line(c, purple, 1.2, anon...)
		if limit > 0 && limit <= p.Y.Max {
			dashed(c, grey, vg.Point{X: c.Min.X, Y: y(limit)}, vg.Point{X: c.Max.X, Y: y(limit)})
			write(c, grey, smallSize, c.Min.X+pts(3), y(limit)-pts(2), 0, -1, "limit")
		}
		top := slices.MaxFunc(all, func(a, b vg.Point) int { return cmp.Compare(a.Y, b.Y) })
		write(c, vermilion, smallSize, min(top.X, c.Max.X-pts(90)), top.Y+pts(2), -0.5, 0, "with page cache")
		middle := anon[len(anon)/2]
		write(c, purple, smallSize, middle.X, middle.Y+pts(3), -0.5, 0, "anonymous")
	}))
	return p
}
