package plot

import (
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// painter is a plotter made of a function.
type painter func(c draw.Canvas, x, y func(float64) vg.Length)

// Plot implements plot.Plotter.
func (f painter) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	f(c, x, y)
}

func line(c draw.Canvas, col color.Color, thick float64, points ...vg.Point) {
	c.StrokeLines(draw.LineStyle{Color: col, Width: vg.Points(thick)}, points)
}

func dashed(c draw.Canvas, col color.Color, thick float64, points ...vg.Point) {
	c.StrokeLines(draw.LineStyle{Color: col, Width: vg.Points(thick), Dashes: []vg.Length{vg.Points(3), vg.Points(3)}}, points)
}

func box(c draw.Canvas, col color.Color, x0, y0, x1, y1 vg.Length) {
	c.FillPolygon(col, []vg.Point{{X: x0, Y: y0}, {X: x1, Y: y0}, {X: x1, Y: y1}, {X: x0, Y: y1}})
}

func glyph(c draw.Canvas, shape draw.GlyphDrawer, col color.Color, size float64, x, y vg.Length) {
	c.DrawGlyph(draw.GlyphStyle{Shape: shape, Color: col, Radius: vg.Points(size)}, vg.Point{X: x, Y: y})
}

// write puts text at a point; the alignments are -0.5 for the middle, 0 and -1
// for the ends.
func write(c draw.Canvas, col color.Color, size float64, x, y vg.Length, alignX, alignY float64, words string) {
	c.FillText(text.Style{Color: col, Font: sans(size), XAlign: text.XAlignment(alignX), YAlign: text.YAlignment(alignY), Handler: plot.DefaultTextHandler},
		vg.Point{X: x, Y: y}, words)
}

func wide(size float64, words string) vg.Length {
	return text.Style{Font: sans(size), Handler: plot.DefaultTextHandler}.Width(words)
}

// cross marks what failed: an × of two strokes.
func cross(c draw.Canvas, col color.Color, size float64, x, y vg.Length) {
	s := vg.Points(size)
	line(c, col, 1.5, vg.Point{X: x - s, Y: y - s}, vg.Point{X: x + s, Y: y + s})
	line(c, col, 1.5, vg.Point{X: x - s, Y: y + s}, vg.Point{X: x + s, Y: y - s})
}

// flatWhisker is an interval with ends.
func flatWhisker(c draw.Canvas, col color.Color, y, x0, x1 vg.Length) {
	e := vg.Points(2.5)
	line(c, col, 1.2, vg.Point{X: x0, Y: y}, vg.Point{X: x1, Y: y})
	line(c, col, 1.2, vg.Point{X: x0, Y: y - e}, vg.Point{X: x0, Y: y + e})
	line(c, col, 1.2, vg.Point{X: x1, Y: y - e}, vg.Point{X: x1, Y: y + e})
}

// spread moves label positions apart so that none overlap, keeping their
// order; each keeps as near to its place as it can.
func spread(places []vg.Length, apart, low, high vg.Length) []vg.Length {
	order := make([]int, len(places))
	for i := range order {
		order[i] = i
	}
	for i := range order {
		for j := i; j > 0 && places[order[j]] < places[order[j-1]]; j-- {
			order[j], order[j-1] = order[j-1], order[j]
		}
	}
	moved := append([]vg.Length{}, places...)
	at := low
	for _, i := range order {
		moved[i] = max(moved[i], at)
		at = moved[i] + apart
	}
	at = high
	for k := len(order) - 1; k >= 0; k-- {
		i := order[k]
		moved[i] = min(moved[i], at)
		at = moved[i] - apart
	}
	return moved
}
