package plot

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/stratbench/stratbench/results/history"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/study"
)

// Histories draws each series of a review.
func Histories(r history.Review) (figures []Figure) {
	for _, s := range r.Series {
		figures = append(figures, History(r, s)...)
	}
	return figures
}

var notInName = regexp.MustCompile(`[^a-zA-Z0-9.+]+`)

// History draws a series: a point a night, a line for what is typical of a segment, and
// where it changed. It draws nothing where no night has a value.
func History(r history.Review, s history.SeriesReview) []Figure {
	low, high := math.Inf(1), math.Inf(-1)
	for _, p := range s.Points {
		if v := float64(p.Value); p.Value.Finite() {
			low, high = min(low, v), max(high, v)
		}
	}
	if math.IsInf(low, 1) {
		return nil
	}
	unit, one := unitFor(high) // one on the axis, in the series' own unit
	label, point := "time ("+unit+")", "Point: a night's median. "
	switch s.Unit {
	case study.UnitShare:
		one, label = 0.01, "share of trials (%)"
		point = "Point: a night without one; ×: a night with one or more, at their share of its trials. "
	case study.UnitBytes:
		one, label = 1<<30, "GiB"
	}
	title := report.SeriesName(s)
	if r.Simulated {
		title = simulatedMark + title
	}
	p := base(title, "", label)
	room := max(0.08*(high-low), 0.02*high)
	p.Y.Min, p.Y.Max = max(0, low-room)/one, (high+2*room)/one
	if s.Unit == study.UnitShare {
		p.Y.Min, p.Y.Max = 0, 118 // all that there can be, and room for the sizes of changes above
	}
	p.Y.Tick.Marker = ticks(6)
	p.X.Min, p.X.Max = -1, float64(len(r.Nights))
	p.X.Tick.Marker = nightTicks(r.Nights)
	p.Add(painter(func(c draw.Canvas, x, y func(float64) vg.Length) {
		paintChanges(c, x, s)
		for i, p := range s.Points {
			if !p.Value.Finite() {
				continue
			}
			at, value := x(float64(i)), y(float64(p.Value)/one)
			switch {
			case len(r.Nights[i].NotFit) > 0:
				glyph(c, draw.RingGlyph{}, grey, 2.4, at, value)
			case p.Bad > 0:
				cross(c, vermilion, 2.4, at, value)
			default:
				glyph(c, draw.CircleGlyph{}, faint(blue, 0.75), 2, at, value)
			}
		}
		for _, s := range s.Segments {
			line(c, black, 1.8, vg.Point{X: x(float64(s.Start) - 0.4), Y: y(float64(s.From) / one)}, vg.Point{X: x(float64(s.End) - 0.6), Y: y(float64(s.To) / one)})
		}
	}))
	changes := ""
	for _, c := range s.Changes {
		changes += " " + report.ChangeText(s, c)
	}
	name := strings.Trim(notInName.ReplaceAllString("history-"+string(s.Metric)+"-"+s.Cell.String(), "-"), "-")
	return []Figure{{Name: name, Title: title, wide: view{width, 7.5 * vg.Centimeter, func(c draw.Canvas) { p.Draw(paper(c)) }},
		Caption: point + "Nights stand in their order, evenly spaced. Grey ring: the host was not fit. Black: what is typical between changes; sloping where it drifts." + changes,
		Alt:     fmt.Sprintf("%s over %s, in %s.", report.SeriesName(s), report.Counted(len(s.Points), "night"), report.Counted(len(s.Segments), "segment")) + changes}}
}

// paintChanges draws a line between two nights for each change, with its size at the
// top, below that of the previous one where they would touch.
func paintChanges(c draw.Canvas, x func(float64) vg.Length, s history.SeriesReview) {
	end, row := c.Min.X, 0
	for _, change := range s.Changes {
		color := vermilion
		if change.Better {
			color = green
		}
		at := x(float64(change.Since.Night) - 0.5)
		dashed(c, color, vg.Point{X: at, Y: c.Min.Y}, vg.Point{X: at, Y: c.Max.Y})
		size := report.ChangeSize(s.Unit, change)
		left := at + pts(3)
		if left+wide(smallSize, size) > c.Max.X {
			left = at - pts(3) - wide(smallSize, size)
		}
		if row++; left > end {
			row = 0
		}
		end = left + wide(smallSize, size)
		write(c, color, smallSize, left, c.Max.Y-pts(2)-vg.Length(row)*1.2*smallSize, 0, -1, size)
	}
}

// mostTicks is how many nights are named below the axis.
const mostTicks = 7

// nightTicks are some of the nights, evenly spaced whatever days lie between them.
type nightTicks []history.Night

// Ticks implements plot.Ticker.
func (n nightTicks) Ticks(_, _ float64) (all []plot.Tick) {
	span := n[len(n)-1].When.Sub(n[0].When)
	format := "2 Jan"
	switch {
	case span > 300*24*time.Hour:
		format = "Jan 2006"
	case span < time.Duration(len(n)-1)*20*time.Hour:
		format = "2 Jan 15:04"
	}
	step := (len(n) + mostTicks - 1) / mostTicks
	for i := 0; i < len(n); i += step {
		all = append(all, plot.Tick{Value: float64(i), Label: n[i].When.UTC().Format(format)})
	}
	return all
}
