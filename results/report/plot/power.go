package plot

import (
	"fmt"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/stratbench/stratbench/results/analyse"
)

// wantedPower is the line at which a design is usually called large enough,
// in percent.
const wantedPower = 80

// powerLine is the power to show one thing.
type powerLine struct {
	name   string
	enough int
	points []powerPoint
}

type powerPoint struct{ replicates, percent float64 }

// Power is the probability to show what is asked, by the replicates of each
// cell.
func Power(c analyse.PowerCurve) Figure {
	lines, most := powerLines(c)
	title := "How many replicates?"
	if c.Question.Simulated {
		title = simulatedMark + title
	}
	p := base(title, "replicates of each cell", "probability to show the difference (%)")
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, most*1.42, -3, 103
	p.X.Tick.Marker, p.Y.Tick.Marker = upTo{ticks{"%g"}, most}, upTo{ticks{"%g"}, 100}
	p.Add(painter(func(canvas draw.Canvas, x, y func(float64) vg.Length) { drawPower(canvas, x, y, lines, most) }))
	return Figure{Name: "power", Title: title, width: width, height: 9 * vg.Centimeter, draw: framed(p),
		Caption: powerCaption(c.Question), Alt: altPower(lines)}
}

func powerLines(c analyse.PowerCurve) (lines []powerLine, most float64) {
	q := c.Question
	rates := powerLine{name: fmt.Sprintf("%.3g %% v %.3g %% failures", 100*q.Low, 100*q.High), enough: c.EnoughRates}
	times := powerLine{name: fmt.Sprintf("setup times %.3g : 1", q.Ratio), enough: c.EnoughTimes}
	for _, point := range c.Points {
		n := float64(point.Replicates)
		most = max(most, n)
		if point.Rates.Finite() {
			rates.points = append(rates.points, powerPoint{n, 100 * float64(point.Rates)})
		}
		if point.Times.Finite() {
			times.points = append(times.points, powerPoint{n, 100 * float64(point.Times)})
		}
	}
	for _, l := range []powerLine{rates, times} {
		if len(l.points) > 0 {
			lines = append(lines, l)
		}
	}
	return lines, most
}

func powerCaption(q analyse.PowerQuestion) string {
	spread := "assumed, for want of trials"
	if q.SpreadSeen {
		spread = "as seen in the trials"
	}
	return fmt.Sprintf("Probability to show the difference at 5 %% shared by the comparisons asked for (%d). Failures: Boschloo's test, Fisher's with over 30 replicates. Setup times: paired logs inside blocks, times varying by %.3g %% in a cell, %s. Dashed: 80 %%, with the first number of replicates that reaches it.",
		q.Comparisons, 100*q.Spread, spread)
}

func drawPower(c draw.Canvas, x, y func(float64) vg.Length, lines []powerLine, most float64) {
	dashed(c, grey, 1, vg.Point{X: x(0), Y: y(wantedPower)}, vg.Point{X: x(most), Y: y(wantedPower)})
	var ends []vg.Length
	for i, l := range lines {
		var points []vg.Point
		for _, p := range l.points {
			at := vg.Point{X: x(p.replicates), Y: y(p.percent)}
			points = append(points, at)
			glyph(c, shape(i), seriesColor(i), 2.4, at.X, at.Y)
		}
		line(c, seriesColor(i), 1.8, points...)
		ends = append(ends, points[len(points)-1].Y)
		if l.enough > 0 {
			// The other line's number stands above or below, never on this one.
			write(c, seriesColor(i), smallSize, x(float64(l.enough))+vg.Points(5), y(wantedPower)-vg.Points(5), 0, -1, fmt.Sprintf("n = %d", l.enough))
		}
	}
	places := spread(ends, vg.Points(12), c.Min.Y+vg.Points(6), c.Max.Y-vg.Points(6))
	for i, l := range lines {
		line(c, faint(seriesColor(i), 0.5), 0.7, vg.Point{X: x(most) + vg.Points(3), Y: ends[i]}, vg.Point{X: x(most) + vg.Points(10), Y: places[i]})
		write(c, seriesColor(i), textSize, x(most)+vg.Points(12), places[i], 0, -0.4, l.name)
	}
}

func altPower(lines []powerLine) string {
	text := "Probability to show a difference, by replicates."
	for _, l := range lines {
		if l.enough == 0 {
			text += fmt.Sprintf(" %s: never 80 per cent.", l.name)
			continue
		}
		text += fmt.Sprintf(" %s: 80 per cent from %d replicates on.", l.name, l.enough)
	}
	return text
}
