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
	p.X.Min, p.X.Max = d.x(0)-1, d.x(len(r.Nights)-1)+1
	p.X.Tick.Marker = dates{}
	p.Add(painter(d.paint))
	return Figure{Name: seriesFile(s), Title: title, width: width, height: seriesHeight, draw: framed(p), Caption: d.caption(), Alt: d.alt()}, true
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
	case history.UnitShare:
		return axisUnit{"share of trials (%)", 0.01}
	case history.UnitBytes:
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

// x counts days, so that nights that were left out leave a gap.
func (d drawnSeries) x(night int) float64 { return float64(d.r.Nights[night].When.Unix()) / 86400 }

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
	if d.s.Unit == history.UnitShare {
		return 0, 118, true // room for the sizes of changes above all nights
	}
	room := max(0.08*(high-low), 0.02*high)
	return max(0, low-room), high + 2*room, true
}

func (d drawnSeries) paint(c draw.Canvas, x, y func(float64) vg.Length) {
	for _, change := range d.s.Changes {
		d.paintChange(c, x, change)
	}
	for i, p := range d.s.Points {
		if !p.Value.Finite() {
			continue
		}
		at, value := x(d.x(i)), y(d.y(float64(p.Value)))
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
		line(c, black, 1.8, vg.Point{X: x(d.x(s.Start) - 0.4), Y: y(d.y(float64(s.From)))}, vg.Point{X: x(d.x(s.End-1) + 0.4), Y: y(d.y(float64(s.To)))})
	}
}

// paintChange is a line between two nights with the size of the change above.
func (d drawnSeries) paintChange(c draw.Canvas, x func(float64) vg.Length, change history.Change) {
	color := vermilion
	if change.Better {
		color = green
	}
	at := x((d.x(change.Since.Night) + d.x(max(0, change.Since.Night-1))) / 2)
	dashed(c, color, 1, vg.Point{X: at, Y: c.Min.Y}, vg.Point{X: at, Y: c.Max.Y})
	size, side := report.ChangeSize(d.s.Unit, change), 0.0
	gap := vg.Points(3)
	if at+gap+wide(smallSize, size) > c.Max.X {
		side, gap = -1, -gap
	}
	write(c, color, smallSize, at+gap, c.Max.Y-vg.Points(2), side, -1, size)
}

func (d drawnSeries) caption() string {
	text := "Point: a night's median. "
	if d.s.Unit == history.UnitShare {
		text = "Point: a night without one; ×: a night with one or more, at their share of its trials. "
	}
	text += "Grey ring: the host was not fit. Black: what is typical between changes; sloping where it drifts."
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

// dates are ticks at days, where x counts them.
type dates struct{}

func (dates) Ticks(low, high float64) (all []plot.Tick) {
	step := math.Max(1, math.Ceil((high-low)/7))
	format := "2 Jan"
	if high-low > 300 {
		format = "Jan 2006"
	}
	for day := math.Ceil(low); day <= high; day += step {
		all = append(all, plot.Tick{Value: day, Label: time.Unix(int64(day)*86400, 0).UTC().Format(format)})
	}
	return all
}
