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

// seriesHeight is the height of the figure of one series.
const seriesHeight = 7.5 * vg.Centimeter

// Histories draws each series of a review.
func Histories(r history.Review) (figures []Figure) {
	for _, s := range r.Series {
		if f, ok := History(r, s); ok {
			figures = append(figures, f)
		}
	}
	return figures
}

// History draws a series night by night with its segments: a point a night,
// a line for what is typical of a segment, and where it changed.
func History(r history.Review, s history.SeriesReview) (Figure, bool) {
	d := drawnSeries{r: r, s: s, unit: unitFor(s)}
	low, high, ok := d.span()
	if !ok {
		return Figure{}, false
	}
	title := report.SeriesName(s)
	if r.Simulated {
		title = "SIMULATED, no engine produced this: " + title
	}
	p := base(title, "", d.unit.label)
	p.Y.Min, p.Y.Max = low, high
	p.Y.Tick.Marker = ticks{"%g"}
	p.X.Min, p.X.Max = -1, float64(len(r.Nights))
	p.X.Tick.Marker = nightTicks(r.Nights)
	p.Add(painter(d.paint))
	return Figure{Name: seriesFile(s), Title: title, wide: view{width, seriesHeight, framed(p)}, Caption: d.caption(), Alt: d.alt()}, true
}

var notInName = regexp.MustCompile(`[^a-zA-Z0-9.+]+`)

// seriesFile is the stem of a series' files.
func seriesFile(s history.SeriesReview) string {
	return strings.Trim(notInName.ReplaceAllString("history-"+string(s.Metric)+"-"+s.Cell.String(), "-"), "-")
}

// drawnSeries is a series and the unit in which it is drawn.
type drawnSeries struct {
	r    history.Review
	s    history.SeriesReview
	unit axisUnit
}

// axisUnit is what one on the axis is in the series' own unit.
type axisUnit struct {
	label string
	one   float64
}

func unitFor(s history.SeriesReview) axisUnit {
	switch s.Unit {
	case study.UnitShare:
		return axisUnit{"share of trials (%)", 0.01}
	case study.UnitBytes:
		return axisUnit{"GiB", 1 << 30}
	}
	most := 0.0
	for _, p := range s.Points {
		if v := float64(p.Value); v > most {
			most = v
		}
	}
	scale := scaleFor(most)
	return axisUnit{"time (" + scale.unit + ")", scale.seconds}
}

func (d drawnSeries) y(v float64) float64 { return v / d.unit.one }

// span is the range of the axis: of shares all there can be, of measures what
// the nights take up.
func (d drawnSeries) span() (low, high float64, ok bool) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, p := range d.s.Points {
		if v := float64(p.Value); p.Value.Finite() {
			low, high = min(low, d.y(v)), max(high, d.y(v))
		}
	}
	if math.IsInf(low, 1) {
		return 0, 0, false
	}
	if d.s.Unit == study.UnitShare {
		return 0, 118, true // room for the sizes of changes above all nights
	}
	room := max(0.08*(high-low), 0.02*high)
	return max(0, low-room), high + 2*room, true
}

func (d drawnSeries) paint(c draw.Canvas, x, y func(float64) vg.Length) {
	d.paintChanges(c, x)
	for i, p := range d.s.Points {
		if !p.Value.Finite() {
			continue
		}
		at, value := x(float64(i)), y(d.y(float64(p.Value)))
		switch {
		case len(d.r.Nights[i].NotFit) > 0:
			glyph(c, draw.RingGlyph{}, grey, 2.4, at, value)
		case p.Bad > 0:
			cross(c, vermilion, 2.4, at, value)
		default:
			glyph(c, draw.CircleGlyph{}, faint(blue, 0.75), 2, at, value)
		}
	}
	for _, s := range d.s.Segments {
		line(c, black, 1.8, vg.Point{X: x(float64(s.Start) - 0.4), Y: y(d.y(float64(s.From)))}, vg.Point{X: x(float64(s.End) - 0.6), Y: y(d.y(float64(s.To)))})
	}
}

// paintChanges draws a line between two nights for each change with its size
// at the top, below that of the one before where they would touch.
func (d drawnSeries) paintChanges(c draw.Canvas, x func(float64) vg.Length) {
	end, row := c.Min.X, 0
	for _, change := range d.s.Changes {
		color := vermilion
		if change.Better {
			color = green
		}
		at := x(float64(change.Since.Night) - 0.5)
		dashed(c, color, 1, vg.Point{X: at, Y: c.Min.Y}, vg.Point{X: at, Y: c.Max.Y})
		size := report.ChangeSize(d.s.Unit, change)
		left := at + vg.Points(3)
		if left+wide(smallSize, size) > c.Max.X {
			left = at - vg.Points(3) - wide(smallSize, size)
		}
		if row++; left > end {
			row = 0
		}
		end = left + wide(smallSize, size)
		write(c, color, smallSize, left, c.Max.Y-vg.Points(2)-vg.Length(row)*1.2*smallSize, 0, -1, size)
	}
}

func (d drawnSeries) caption() string {
	text := "Point: a night's median. "
	if d.s.Unit == study.UnitShare {
		text = "Point: a night without one; ×: a night with one or more, at their share of its trials. "
	}
	text += "Nights stand in their order, evenly spaced. Grey ring: the host was not fit. Black: what is typical between changes; sloping where it drifts."
	for _, c := range d.s.Changes {
		text += " " + report.ChangeText(d.s, c)
	}
	return text
}

func (d drawnSeries) alt() string {
	text := fmt.Sprintf("%s over %d nights, in %d segments.", report.SeriesName(d.s), len(d.s.Points), len(d.s.Segments))
	for _, c := range d.s.Changes {
		text += " " + report.ChangeText(d.s, c)
	}
	return text
}

// nightTicks are some of the nights, which stand in their order, evenly
// spaced, whatever days lie between them.
type nightTicks []history.Night

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

const mostTicks = 7
