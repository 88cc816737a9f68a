package plot

import (
	"fmt"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/stratbench/stratbench/results/study"
)

// contention has each image's build under each strategy that builds several at
// once, beside the same build with nothing beside it.
func contention(l laid) (Figure, bool) {
	times := map[string]map[int]study.ImageTime{}
	g := grid{panels: l.panels, row: pts(18), room: pts(44), simulated: l.study.Simulated()}
	longest, slowest, slow := 0.0, 0.0, ""
	for row, strategy := range l.rows {
		for panel := range l.panels {
			for _, i := range l.study.Together(l.at(row, panel)) {
				name := strategy + ": " + i.Image
				if times[name] == nil {
					times[name] = map[int]study.ImageTime{}
					g.rows = append(g.rows, name)
				}
				times[name][panel] = i
				longest = max(longest, float64(i.Median), float64(i.Alone))
				if float64(i.Slowdown) > slowest {
					slowest, slow = float64(i.Slowdown), name
				}
			}
		}
	}
	if len(g.rows) == 0 {
		return Figure{}, false
	}
	scale := scaleFor(longest)
	g.axis, g.most = "median time to build ("+scale.unit+")", scale.of(longest)*1.01
	g.legend = []key{
		{"alone", func(c draw.Canvas, x, y vg.Length) { glyph(c, draw.RingGlyph{}, black, 3, x, y) }},
		{"beside others", func(c draw.Canvas, x, y vg.Length) { glyph(c, draw.CircleGlyph{}, vermilion, 3, x, y) }},
	}
	g.cell = func(c draw.Canvas, x func(float64) vg.Length, y vg.Length, row, panel int) {
		i, ok := times[g.rows[row]][panel]
		if !ok {
			return
		}
		from, to := x(scale.of(float64(i.Alone))), x(scale.of(float64(i.Median)))
		line(c, faint(vermilion, 0.6), 1.5, vg.Point{X: from, Y: y}, vg.Point{X: to, Y: y})
		glyph(c, draw.RingGlyph{}, black, 3, from, y)
		glyph(c, draw.CircleGlyph{}, vermilion, 3, to, y)
		write(c, black, smallSize, c.Max.X-g.room+pts(8), y, 0, -0.4, fmt.Sprintf("× %.2f", float64(i.Slowdown)))
	}
	return g.figure(Figure{Name: "contention", Title: l.title("Builds, alone and beside others"),
		Caption: "×: how many times as long a build takes beside others as alone, in cells that differ in the strategy only.",
		Alt:     fmt.Sprintf("Build times of images alone and beside others; the most slowed is %s, %.2f times as long.", slow, slowest)}), true
}
