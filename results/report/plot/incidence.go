package plot

import (
	"fmt"
	"math"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/analyse"
	"github.com/stratbench/stratbench/results/analyse/stats"
)

// Incidences has a figure for each runtime and memory limit: the share of
// trials that were ready by each time.
func Incidences(s analyse.Study) (figures []Figure) {
	groups, order := map[string][]trial.Cell{}, []trial.Cell{}
	for _, c := range s.Cells {
		if len(s.Of(c)) == 0 {
			continue
		}
		g := part(c)
		if groups[g.Key()] == nil {
			order = append(order, g)
		}
		groups[g.Key()] = append(groups[g.Key()], c)
	}
	for _, g := range order {
		if f, ok := incidence(s, g, groups[g.Key()]); ok {
			figures = append(figures, f)
		}
	}
	return figures
}

func part(c trial.Cell) (group trial.Cell) {
	for _, a := range c {
		if a.Factor == "runtime" || a.Factor == "memory" {
			group = append(group, a)
		}
	}
	return group
}

// readyCurve is one cell's cumulative incidence.
type readyCurve struct {
	name  string
	n     int
	steps stats.Incidence
	end   stats.Interval
}

func incidence(s analyse.Study, group trial.Cell, cells []trial.Cell) (Figure, bool) {
	longest := longestTime(s)
	if longest == 0 {
		return Figure{}, false
	}
	var curves []readyCurve
	for _, c := range cells {
		if k, ok := curveOf(s.Of(c), longest); ok {
			k.name = rest(c)
			curves = append(curves, k)
		}
	}
	if len(curves) == 0 {
		return Figure{}, false
	}
	scale := scaleFor(longest)
	where := ""
	if len(group) > 0 {
		where = ", " + group.String()
	}
	title := marked(s, "Ready by time"+where)
	p := base(title, "time from the start of the trial ("+scale.unit+")", "ready (% of trials)")
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, scale.of(longest)*1.45, -3, 103
	p.X.Tick.Marker, p.Y.Tick.Marker = upTo{ticks{"%g"}, scale.of(longest) * 1.01}, upTo{ticks{"%g"}, 100}
	p.Add(painter(func(c draw.Canvas, x, y func(float64) vg.Length) { drawCurves(c, x, y, curves, scale, longest) }))
	return Figure{Name: "ready-" + fileName(group), Title: title, width: width, height: 9 * vg.Centimeter, draw: framed(p),
		Caption: "Share of trials that were ready by each time, failures counted as never ready (Aalen–Johansen). Bar at the end: 95 % Clopper–Pearson interval.",
		Alt:     altCurves(curves)}, true
}

func rest(c trial.Cell) string {
	var names []string
	for _, a := range c {
		if a.Factor != "runtime" && a.Factor != "memory" {
			names = append(names, a.Level)
		}
	}
	if len(names) == 0 {
		return "all"
	}
	return strings.Join(names, " ")
}

func fileName(c trial.Cell) string {
	if len(c) == 0 {
		return "all"
	}
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return '-'
	}, c.String())
}

func curveOf(trials []analyse.Observation, longest float64) (readyCurve, bool) {
	var times []float64
	var cause []int
	ready := 0
	for _, o := range trials {
		switch {
		case o.Ready && !math.IsNaN(o.Setup):
			times, cause, ready = append(times, o.Setup), append(cause, 1), ready+1
		case o.CutOff && !math.IsNaN(o.Lost):
			times, cause = append(times, o.Lost), append(cause, 0)
		case !o.Ready && math.IsNaN(o.Lost):
			times, cause = append(times, longest), append(cause, 2)
		case !o.Ready:
			times, cause = append(times, o.Lost), append(cause, 2)
		}
	}
	curves, err := stats.CumulativeIncidence(times, cause, 2)
	if err != nil {
		return readyCurve{}, false
	}
	end, err := stats.ClopperPearson(ready, len(times), analyse.Confidence)
	return readyCurve{n: len(times), steps: curves[0], end: end}, err == nil
}

func drawCurves(c draw.Canvas, x, y func(float64) vg.Length, curves []readyCurve, scale timeScale, longest float64) {
	var ends []vg.Length
	for i, k := range curves {
		points := []vg.Point{{X: x(0), Y: y(0)}}
		last := 0.0
		for _, s := range k.steps {
			points = append(points, vg.Point{X: x(scale.of(s.Time)), Y: y(100 * last)}, vg.Point{X: x(scale.of(s.Time)), Y: y(100 * s.Incidence)})
			last = s.Incidence
		}
		points = append(points, vg.Point{X: x(scale.of(longest)), Y: y(100 * last)})
		line(c, seriesColor(i), 1.8, points...)
		at := x(scale.of(longest)) + vg.Points(8+7*float64(i))
		whisker(c, seriesColor(i), at, y(100*k.end.Lower), y(100*k.end.Upper))
		glyph(c, shape(i), seriesColor(i), 2.8, at, y(100*last))
		ends = append(ends, y(100*last))
	}
	places := spread(ends, vg.Points(12), c.Min.Y+vg.Points(6), c.Max.Y-vg.Points(6))
	right := x(scale.of(longest)) + vg.Points(8+7*float64(len(curves)))
	for i, k := range curves {
		write(c, seriesColor(i), textSize, right+vg.Points(4), places[i], 0, -0.4, fmt.Sprintf("%s (n = %d)", k.name, k.n))
	}
}

func altCurves(curves []readyCurve) string {
	text := "Share of trials ready by each time."
	for _, k := range curves {
		last := 0.0
		if len(k.steps) > 0 {
			last = k.steps[len(k.steps)-1].Incidence
		}
		text += fmt.Sprintf(" %s: %.0f per cent of %d in the end.", k.name, 100*last, k.n)
	}
	return text
}
