package plot

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/study"
)

// mostPoints is how many trials of a row are drawn as points of their own.
const mostPoints = 400

// strategies has every trial as a point: ready ones where they were, failed ones
// where they died.
func strategies(l laid) (Figure, bool) {
	scale := scaleFor(l.longest)
	g := grid{rows: l.rows, panels: l.panels, axis: "time from the start of the set-up (" + scale.unit + ")", most: scale.of(l.longest) * 1.01,
		row: pts(24), room: pts(62), simulated: l.study.Simulated()}
	g.legend = []key{
		{"ready", func(c draw.Canvas, x, y vg.Length) { glyph(c, draw.CircleGlyph{}, faint(blue, 0.75), 2.8, x, y) }},
		{"mean of those ready", func(c draw.Canvas, x, y vg.Length) {
			line(c, black, 2, vg.Point{X: x, Y: y - pts(5)}, vg.Point{X: x, Y: y + pts(5)})
		}},
	}
	if l.anyFailed {
		g.room = pts(105)
		g.legend = append(g.legend, key{"failed, where it died", func(c draw.Canvas, x, y vg.Length) { cross(c, vermilion, 3, x, y) }})
	}
	if slices.ContainsFunc(l.study.Trials, func(o study.Observation) bool { return o.CutOff }) {
		g.legend = append(g.legend, key{"ended by a limit", func(c draw.Canvas, x, y vg.Length) { glyph(c, draw.TriangleGlyph{}, grey, 3, x, y) }})
	}
	g.cell = func(c draw.Canvas, x func(float64) vg.Length, y vg.Length, row, panel int) {
		trials := l.at(row, panel)
		drawTrials(c, x, y, trials, scale)
		words := "not tested"
		if times := study.Setups(trials); len(times) > 0 {
			m := stat.Mean(times, nil)
			line(c, black, 2, vg.Point{X: x(scale.of(m)), Y: y - pts(9)}, vg.Point{X: x(scale.of(m)), Y: y + pts(9)})
			words = report.Seconds(trial.Seconds(math.Round(m * 1e9)))
		} else if len(trials) > 0 {
			words = "never ready"
		}
		at := c.Max.X - g.room + pts(8)
		write(c, black, smallSize, at, y, 0, -0.4, words)
		if n := study.Failures(trials); n > 0 {
			write(c, vermilion, smallSize, at+wide(smallSize, words), y, 0, -0.4, fmt.Sprintf(", %d failed", n))
		}
	}
	return g.figure(Figure{Name: "strategies", Title: l.title("Every trial, by strategy"),
		Caption: "One point per trial" + where(l.matrix.By) + "; numbers are means when ready.",
		Alt:     l.alt()}), true
}

// where names the factor of the panels.
func where(by string) string {
	if by == "" {
		return ""
	}
	return ", one panel per " + by
}

// alt says in one sentence what the figure shows.
func (l laid) alt() string {
	first, last := study.Setups(l.row(0)), study.Setups(l.row(len(l.rows)-1))
	text := fmt.Sprintf("Set-up times of %d trials of %d strategies, %d failed", len(l.study.Trials), len(l.rows), study.Failures(l.study.Trials))
	if len(first) > 0 && len(last) > 0 && len(l.rows) > 1 {
		text += fmt.Sprintf("; from %s on average with %s to %s with %s", words(stat.Mean(first, nil)), l.rows[0], words(stat.Mean(last, nil)), l.rows[len(l.rows)-1])
	}
	return text + "."
}

func words(seconds float64) string { return report.Seconds(trial.Seconds(math.Round(seconds * 1e9))) }

func drawTrials(c draw.Canvas, x func(float64) vg.Length, y vg.Length, trials []study.Observation, scale timeScale) {
	random := rand.New(rand.NewPCG(1, 1))
	step := max(1, len(trials)/mostPoints)
	for i := 0; i < len(trials); i += step {
		o, at := trials[i], y
		if len(trials) > 1 {
			at += pts((random.Float64() - 0.5) * 14)
		}
		switch {
		case o.Ready && !math.IsNaN(o.Setup):
			glyph(c, draw.CircleGlyph{}, faint(blue, 0.6), 2.4, x(scale.of(o.Setup)), at)
		case o.CutOff && !math.IsNaN(o.Lost):
			glyph(c, draw.TriangleGlyph{}, grey, 3, x(scale.of(o.Lost)), at)
		case !o.Ready && !math.IsNaN(o.Lost):
			cross(c, vermilion, 2.8, x(scale.of(o.Lost)), at)
		}
	}
}
