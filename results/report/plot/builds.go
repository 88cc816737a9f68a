package plot

import (
	"fmt"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/stratbench/stratbench/results/analyse"
)

// Builds has a figure for each runtime and memory limit: each image's build
// under each strategy beside its build alone, and all builds beside the least
// time that they could take.
func Builds(s analyse.Study, a analyse.Analysis) (figures []Figure) {
	for _, g := range grouped(a, "runtime", "memory") {
		if rows := buildRows(g); len(rows) > 0 {
			figures = append(figures, buildsFigure(s, g, rows))
		}
	}
	return figures
}

// buildRow goes from the least time, or the time alone, to the time taken.
type buildRow struct {
	label, words string
	from, to     float64
	interval     analyse.Interval
	all          bool
}

// buildRows are those of strategies that build images at the same time.
func buildRows(g group) (rows []buildRow) {
	for _, c := range g.cells {
		name, k := without(c.Cell.Cell, g.cells, "runtime", "memory"), c.Contention
		if k.Concurrency < 2 {
			continue
		}
		for _, i := range k.Images {
			if i.Alone.Finite() && i.Median.Finite() {
				rows = append(rows, buildRow{label: fmt.Sprintf("%s: %s  (n = %d)", name, i.Image, i.N), words: slowdownWords(i),
					from: float64(i.Alone), to: float64(i.Median), interval: i.Time.Interval})
			}
		}
		if b := k.Bound; b.Bound.Finite() && b.Build.Finite() {
			rows = append(rows, buildRow{label: name + ": all builds", words: fmt.Sprintf("%.0f %% of the best possible", 100*float64(b.Reached)),
				from: float64(b.Bound), to: float64(b.Build), interval: analyse.Interval{Lower: b.Build, Upper: b.Build}, all: true})
		}
	}
	slices.Reverse(rows)
	return rows
}

func slowdownWords(i analyse.ImageTime) string {
	if !i.SlowdownInterval.Bounded() {
		return fmt.Sprintf("× %.2f", float64(i.Slowdown))
	}
	return fmt.Sprintf("× %.2f (%.2f–%.2f)", float64(i.Slowdown), float64(i.SlowdownInterval.Lower), float64(i.SlowdownInterval.Upper))
}

func buildsFigure(s analyse.Study, g group, rows []buildRow) Figure {
	longest := 0.0
	for _, r := range rows {
		longest = max(longest, r.from, r.to)
		if r.interval.Bounded() {
			longest = max(longest, float64(r.interval.Upper))
		}
	}
	scale := scaleFor(longest)
	title, name := g.where("Builds, alone and together", "builds")
	title = marked(s, title)
	p := base(title, "time to build, medians ("+scale.unit+")", "")
	var marks []plot.Tick
	for i, r := range rows {
		marks = append(marks, plot.Tick{Value: float64(i), Label: r.label})
	}
	p.Y.Min, p.Y.Max = -0.6, float64(len(rows))-0.4
	p.Y.Tick.Marker = plot.ConstantTicks(marks)
	p.Y.Tick.LineStyle.Width, p.Y.LineStyle.Width = 0, 0
	p.X.Min, p.X.Max = 0, scale.of(longest)*1.5
	p.X.Tick.Marker = upTo{ticks{"%g"}, scale.of(longest) * 1.01}
	p.Add(painter(func(c draw.Canvas, x, y func(float64) vg.Length) {
		for i, r := range rows {
			drawBuild(c, x, y(float64(i)), r, scale)
		}
	}))
	return Figure{Name: name, Title: title, width: width, height: rowsHeight(len(rows)), draw: framed(p),
		Caption: "Ring: the image built with nothing beside it, in the cell that differs in the strategy only. Point: built as the strategy does, with its 95 % order-statistic interval where six builds or more give one. ×: how many times as long, with the 95 % Hodges–Lehmann interval. All builds: from the least time that they could take (grey bar: the longest chain alone, or their CPU time over the CPUs) to the time taken.",
		Alt:     altBuilds(rows)}
}

func drawBuild(c draw.Canvas, x func(float64) vg.Length, y vg.Length, r buildRow, scale timeScale) {
	line(c, light, 0.5, vg.Point{X: c.Min.X, Y: y}, vg.Point{X: c.Max.X, Y: y})
	from, to := x(scale.of(r.from)), x(scale.of(r.to))
	right := max(from, to)
	if r.all {
		box(c, light, x(0), y-vg.Points(4), from, y+vg.Points(4))
		line(c, grey, 1.5, vg.Point{X: from, Y: y - vg.Points(6)}, vg.Point{X: from, Y: y + vg.Points(6)})
	} else {
		glyph(c, draw.RingGlyph{}, black, 3.2, from, y)
	}
	line(c, faint(vermilion, 0.6), 1.5, vg.Point{X: from + vg.Points(3), Y: y}, vg.Point{X: to, Y: y})
	if r.interval.Bounded() && !r.all {
		low, high := x(scale.of(float64(r.interval.Lower))), x(scale.of(float64(r.interval.Upper)))
		flatWhisker(c, vermilion, y, low, high)
		right = max(right, high)
	}
	glyph(c, draw.CircleGlyph{}, vermilion, 3.2, to, y)
	write(c, black, smallSize, right+vg.Points(7), y, 0, -0.4, r.words)
}

func altBuilds(rows []buildRow) string {
	text := "Build times, alone and under each strategy."
	for _, r := range slices.Backward(rows) {
		text += fmt.Sprintf(" %s: from %.0f to %.0f seconds, %s.", r.label, r.from, r.to, r.words)
	}
	return text
}
