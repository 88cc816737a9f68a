package plot

import (
	"fmt"
	"slices"
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
	longest := longestTime(s)
	if longest == 0 {
		return nil
	}
	for _, g := range groupsOf(s) {
		var curves []readyCurve
		for _, c := range g.cells {
			if e, ok := s.Endings(c, longest); ok {
				curves = append(curves, readyCurve{rest(c), e})
			}
		}
		if len(curves) > 0 {
			figures = append(figures, incidence(s, g.levels, curves, longest))
		}
	}
	return figures
}

// place is the tested cells of a runtime with a memory limit.
type place struct {
	levels trial.Cell
	cells  []trial.Cell
}

func groupsOf(s analyse.Study) (groups []place) {
	for _, c := range s.Cells {
		if len(s.Of(c)) == 0 {
			continue
		}
		levels := part(c)
		i := slices.IndexFunc(groups, func(g place) bool { return g.levels.Key() == levels.Key() })
		if i < 0 {
			i = len(groups)
			groups = append(groups, place{levels: levels})
		}
		groups[i].cells = append(groups[i].cells, c)
	}
	return groups
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
	name string
	analyse.Endings
}

func (k readyCurve) steps() stats.Incidence { return k.Ways[0].Curve }

// end is the share that became ready, and the band there.
func (k readyCurve) end() (share float64, band analyse.BandStep) {
	if steps := k.steps(); len(steps) > 0 {
		share = steps[len(steps)-1].Incidence
	}
	if len(k.Band) > 0 {
		band = k.Band[len(k.Band)-1]
	}
	return share, band
}

func incidence(s analyse.Study, group trial.Cell, curves []readyCurve, longest float64) Figure {
	scale := scaleFor(longest)
	title := marked(s, "Ready by time"+in(group))
	p := base(title, "time from the start of the trial ("+scale.unit+")", "ready (% of trials)")
	var names []string
	for _, k := range curves {
		names = append(names, k.label())
	}
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, scale.of(longest)*stretched(names, whiskers(curves)), -3, 103
	p.X.Tick.Marker, p.Y.Tick.Marker = upTo{ticks{"%g"}, scale.of(longest) * 1.01}, upTo{ticks{"%g"}, 100}
	p.Add(painter(func(c draw.Canvas, x, y func(float64) vg.Length) { drawCurves(c, x, y, curves, scale, longest) }))
	return Figure{Name: "ready-" + fileName(group), Title: title, width: width, height: 9 * vg.Centimeter, draw: framed(p),
		Caption: "Share of trials that were ready by each time, failures counted as never ready (Aalen–Johansen). Bar at the end: 95 % interval, exact (Clopper–Pearson) where no trial was cut off. The figure of how trials ended has the band along the curve.",
		Alt:     altCurves(curves)}
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

// stepsOf are the corners of a curve up to longest, and the height at its end.
func stepsOf(curve stats.Incidence, x, y func(float64) vg.Length, scale timeScale, longest float64) (points []vg.Point, last vg.Length) {
	share, every := 0.0, max(1, len(curve)/mostPoints)
	points = []vg.Point{{X: x(0), Y: y(0)}}
	for i, s := range curve {
		if i%every != 0 && i < len(curve)-1 || s.Incidence == share {
			continue
		}
		at := x(scale.of(s.Time))
		points = append(points, vg.Point{X: at, Y: y(100 * share)}, vg.Point{X: at, Y: y(100 * s.Incidence)})
		share = s.Incidence
	}
	return append(points, vg.Point{X: x(scale.of(longest)), Y: y(100 * share)}), y(100 * share)
}

func drawCurves(c draw.Canvas, x, y func(float64) vg.Length, curves []readyCurve, scale timeScale, longest float64) {
	var ends []vg.Length
	for i, k := range curves {
		points, last := stepsOf(k.steps(), x, y, scale, longest)
		line(c, seriesColor(i), 1.8, points...)
		at := x(scale.of(longest)) + vg.Points(8+7*float64(i))
		_, band := k.end()
		whisker(c, seriesColor(i), at, y(100*band.Lower), y(100*band.Upper))
		glyph(c, shape(i), seriesColor(i), 2.8, at, last)
		ends = append(ends, last)
	}
	places := spread(ends, vg.Points(12), c.Min.Y+vg.Points(6), c.Max.Y-vg.Points(6))
	right := x(scale.of(longest)) + whiskers(curves)
	for i, k := range curves {
		write(c, seriesColor(i), textSize, right+vg.Points(4), places[i], 0, -0.4, k.label())
	}
}

func (k readyCurve) label() string { return fmt.Sprintf("%s (n = %d)", k.name, k.Trials) }

// whiskers is the room that the intervals at the end of the curves take.
func whiskers(curves []readyCurve) vg.Length { return vg.Points(8 + 7*float64(len(curves))) }

func altCurves(curves []readyCurve) string {
	text := "Share of trials ready by each time."
	for _, k := range curves {
		share, _ := k.end()
		text += fmt.Sprintf(" %s: %.0f per cent of %d in the end.", k.name, 100*share, k.Trials)
	}
	return text
}
