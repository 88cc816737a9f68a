package plot

import (
	"image/color"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// grid is a figure of rows, such as strategies, and panels, such as engines, on one scale.
// It is drawn wide, with panels side by side and the rows' names on the left, or narrow,
// for a telephone, with panels below each other and names above the rows.
type grid struct {
	rows, panels []string
	// axis is what the horizontal axis shows, from 0 to most.
	axis string
	most float64
	// row is the height of a row; room is kept free on the right of a panel.
	row, room vg.Length
	legend    []key
	simulated bool
	// cell draws a row in a panel: y is its middle.
	cell func(c draw.Canvas, x func(float64) vg.Length, y vg.Length, row, panel int)
}

// key is one entry of a legend.
type key struct {
	name string
	mark func(c draw.Canvas, x, y vg.Length)
}

const (
	wideWidth   = 26 * vg.Centimeter
	narrowWidth = 9.2 * vg.Centimeter
	margin      = 6
	lineHeight  = 15
	panelGap    = 20
)

// figure adds the drawings to a figure's texts.
func (g grid) figure(f Figure) []Figure {
	g.room = max(g.room, pts(10)) // half of the last number of the axis
	f.wide = view{wideWidth, g.height(false), func(c draw.Canvas) { g.draw(c, false) }}
	f.narrow = view{narrowWidth, g.height(true), func(c draw.Canvas) { g.draw(c, true) }}
	return []Figure{f}
}

// titled is whether panels have a line with their name, named whether rows have one.
func (g grid) titled() bool { return len(g.panels) > 1 || g.panels[0] != "" }

func (g grid) named() bool { return len(g.rows) > 1 || g.rows[0] != "" }

// panelHeight is one panel with its name and its axis.
func (g grid) panelHeight(narrow bool) vg.Length {
	h := vg.Length(len(g.rows))*g.row + pts(lineHeight)
	if g.titled() {
		h += pts(lineHeight + 3)
	}
	if narrow && g.named() {
		h += vg.Length(len(g.rows)) * pts(lineHeight-2)
	}
	return h
}

func (g grid) height(narrow bool) vg.Length {
	width, stacked := wideWidth, vg.Length(1)
	if narrow {
		width, stacked = narrowWidth, vg.Length(len(g.panels))
	}
	above := pts(margin) + vg.Length(len(g.legendLines(width)))*pts(lineHeight)
	if g.simulated {
		above += pts(lineHeight)
	}
	return above + stacked*g.panelHeight(narrow) + (stacked-1)*pts(8) + pts(lineHeight+margin)
}

// legendLines breaks the legend into lines of the width.
func (g grid) legendLines(width vg.Length) (lines [][]key) {
	used := vg.Length(0)
	for _, k := range g.legend {
		w := pts(30) + wide(smallSize, k.name)
		if len(lines) == 0 || used+w > width-2*pts(margin) {
			lines, used = append(lines, nil), 0
		}
		lines[len(lines)-1] = append(lines[len(lines)-1], k)
		used += w
	}
	return lines
}

func (g grid) draw(c draw.Canvas, narrow bool) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	left, right, y := c.Min.X+pts(margin), c.Max.X-pts(margin), c.Max.Y-pts(margin)
	if g.simulated {
		write(c, vermilion, textSize, left, y, 0, -1, "SIMULATED: no engine produced this")
		y -= pts(lineHeight)
	}
	for _, keys := range g.legendLines(c.Max.X - c.Min.X) {
		x := left
		for _, k := range keys {
			k.mark(c, x+pts(7), y-pts(6))
			write(c, black, smallSize, x+pts(16), y-pts(6), 0, -0.4, k.name)
			x += pts(30) + wide(smallSize, k.name)
		}
		y -= pts(lineHeight)
	}
	names := vg.Length(0)
	if !narrow && g.named() {
		for _, r := range g.rows {
			names = max(names, wide(textSize, r)+pts(10))
		}
	}
	n := vg.Length(len(g.panels))
	width := (right - left - names - (n-1)*pts(panelGap)) / n
	for i := range g.panels {
		x := left + names + vg.Length(i)*(width+pts(panelGap))
		if narrow {
			x, width = left, right-left
		}
		g.panel(c, i, x, x+width, y, narrow, i == 0)
		if narrow {
			y -= g.panelHeight(narrow) + pts(8)
		}
	}
	write(c, grey, smallSize, left+names, c.Min.Y+pts(margin), 0, 0, g.axis)
}

// panel draws one panel between left and right, from the top down.
func (g grid) panel(c draw.Canvas, panel int, left, right, top vg.Length, narrow, first bool) {
	if g.titled() {
		write(c, black, textSize+1, left, top, 0, -1, g.panels[panel])
		top -= pts(lineHeight + 3)
	}
	name := vg.Length(0)
	if narrow && g.named() {
		name = pts(lineHeight - 2)
	}
	bottom := top - vg.Length(len(g.rows))*(g.row+name)
	x := func(v float64) vg.Length { return left + pts(5) + vg.Length(v/g.most)*(right-left-g.room-pts(5)) }
	for _, t := range ticks((right-left-g.room)/vg.Centimeter/1.7).Ticks(0, g.most) {
		line(c, light, 0.6, vg.Point{X: x(t.Value), Y: bottom}, vg.Point{X: x(t.Value), Y: top})
		write(c, grey, smallSize, x(t.Value), bottom-pts(3), -0.5, -1, t.Label)
	}
	for i, r := range g.rows {
		y := top - vg.Length(i)*(g.row+name) - name - g.row/2
		switch {
		case narrow && g.named():
			write(c, black, smallSize, left, y+g.row/2, 0, -0.1, r)
		case first && g.named():
			write(c, black, textSize, left-pts(10), y, -1, -0.4, r)
		}
		line(c, light, 0.6, vg.Point{X: left, Y: y}, vg.Point{X: right - g.room, Y: y})
		g.cell(draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{Min: vg.Point{X: left, Y: y - g.row/2}, Max: vg.Point{X: right, Y: y + g.row/2}}}, x, y, i, panel)
	}
}
