package plot

import (
	"fmt"
	"image/color"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/analyse"
)

// Endings has a figure for each runtime and memory limit, with a panel for
// each cell: the share of trials that had ended in each way by each time.
func Endings(s analyse.Study) (figures []Figure) {
	longest := longestTime(s)
	if longest == 0 {
		return nil
	}
	palette := outcomeColors(s)
	for _, g := range groupsOf(s) {
		var panels []panel
		for _, c := range g.cells {
			if e, ok := s.Endings(c, longest); ok {
				panels = append(panels, panel{rest(c), e})
			}
		}
		if len(panels) > 0 {
			figures = append(figures, endingsFigure(s, g.levels, panels, palette, longest))
		}
	}
	return figures
}

// panel is the endings of one cell.
type panel struct {
	name string
	analyse.Endings
}

// outcomeColors gives an outcome the same colour in every figure of a study.
func outcomeColors(s analyse.Study) map[trial.Outcome]color.RGBA {
	colors := map[trial.Outcome]color.RGBA{trial.OK: blue}
	for _, o := range trial.Outcomes() {
		seen := slices.ContainsFunc(s.Trials, func(x analyse.Observation) bool { return !x.Ready && x.Record.Verdict.Outcome == o })
		if seen {
			colors[o] = seriesColor(len(colors))
		}
	}
	return colors
}

const panelHeight = 6 * vg.Centimeter

func endingsFigure(s analyse.Study, group trial.Cell, panels []panel, palette map[trial.Outcome]color.RGBA, longest float64) Figure {
	title := marked(s, "How trials ended"+in(group))
	scale := scaleFor(longest)
	rows := (len(panels) + 1) / 2
	return Figure{Name: "outcomes-" + fileName(group), Title: title, width: width, height: vg.Length(rows)*panelHeight + 1.2*vg.Centimeter,
		draw:    func(c draw.Canvas) { drawPanels(c, title, panels, palette, scale, longest) },
		Caption: "Share of all trials of a cell that had ended in each way by each time (Aalen–Johansen, each way in the presence of the others). Blue: ready, with its pointwise 95 % band, exact (Clopper–Pearson)" + bandNote(panels) + ". After each name: how many ended so.",
		Alt:     altPanels(panels)}
}

func bandNote(panels []panel) string {
	for _, p := range panels {
		if p.CutOff > 0 {
			return " up to the first trial that a limit cut off (log(−log) beyond); cut-off trials count as watched until then"
		}
	}
	return ""
}

func in(group trial.Cell) string {
	if len(group) == 0 {
		return ""
	}
	return ", " + group.String()
}

func drawPanels(c draw.Canvas, title string, panels []panel, palette map[trial.Outcome]color.RGBA, scale timeScale, longest float64) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	c = draw.Crop(c, vg.Points(8), -vg.Points(10), vg.Points(8), -vg.Points(8))
	write(c, black, textSize+2, (c.Min.X+c.Max.X)/2, c.Max.Y, -0.5, -1, title)
	columns := min(2, len(panels))
	wide, high := (c.Max.X-c.Min.X)/vg.Length(columns), panelHeight
	top := c.Max.Y - vg.Points(22)
	for i, k := range panels {
		left := c.Min.X + vg.Length(i%columns)*wide
		upper := top - vg.Length(i/columns)*high
		bottom := i+columns >= len(panels)
		p := endingsPanel(k, palette, scale, longest, float64(columns), bottom)
		p.Draw(draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{Min: vg.Point{X: left, Y: upper - high + vg.Points(6)}, Max: vg.Point{X: left + wide - vg.Points(4), Y: upper}}})
	}
}

func endingsPanel(k panel, palette map[trial.Outcome]color.RGBA, scale timeScale, longest, columns float64, bottom bool) *plot.Plot {
	x := ""
	if bottom {
		x = "time from the start of the trial (" + scale.unit + ")"
	}
	p := base(fmt.Sprintf("%s (n = %d)", k.name, k.Trials), x, "% of trials")
	p.Title.TextStyle.Font = sans(textSize)
	p.Title.Padding = vg.Points(4)
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, scale.of(longest)*(1.2+0.28*columns), -3, 103
	p.X.Tick.Marker, p.Y.Tick.Marker = upTo{ticks{"%g"}, scale.of(longest) * 1.01}, upTo{ticks{"%g"}, 100}
	p.Add(painter(func(c draw.Canvas, x, y func(float64) vg.Length) { drawEndings(c, x, y, k, palette, scale, longest) }))
	return p
}

// dashes tell the ways to fail apart without colour.
var dashes = [][]vg.Length{{6, 2}, {2, 2}, {8, 2, 2, 2}, {4, 4}, {1, 3}, {10, 3}}

func drawEndings(c draw.Canvas, x, y func(float64) vg.Length, k panel, palette map[trial.Outcome]color.RGBA, scale timeScale, longest float64) {
	drawBand(c, faint(blue, 0.18), k.Band, x, y, scale, longest)
	var ends []vg.Length
	for i, way := range k.Ways {
		points, last := stepsOf(way.Curve, x, y, scale, longest)
		style := draw.LineStyle{Color: palette[way.Outcome], Width: vg.Points(2)}
		if i > 0 {
			// A way to fail has no line before its first trial.
			points = points[1:]
			style.Width, style.Dashes = vg.Points(1.5), dashes[(i-1)%len(dashes)]
		}
		c.StrokeLines(style, points)
		ends = append(ends, last)
	}
	places := spread(ends, vg.Points(11), c.Min.Y+vg.Points(6), c.Max.Y-vg.Points(6))
	right := x(scale.of(longest))
	for i, way := range k.Ways {
		line(c, faint(palette[way.Outcome], 0.5), 0.6, vg.Point{X: right, Y: ends[i]}, vg.Point{X: right + vg.Points(7), Y: places[i]})
		write(c, palette[way.Outcome], smallSize, right+vg.Points(9), places[i], 0, -0.4, fmt.Sprintf("%s %d", wayName(way.Outcome), way.Trials))
	}
}

func wayName(o trial.Outcome) string {
	if o == trial.OK {
		return "ready"
	}
	return string(o)
}

// drawBand fills between the steps of the band's ends.
func drawBand(c draw.Canvas, col color.Color, band []analyse.BandStep, x, y func(float64) vg.Length, scale timeScale, longest float64) {
	for i, s := range band {
		until := longest
		if i+1 < len(band) {
			until = band[i+1].Time
		}
		box(c, col, x(scale.of(s.Time)), y(100*s.Lower), x(scale.of(until)), y(100*s.Upper))
	}
}

func altPanels(panels []panel) string {
	text := "Cumulative incidence of each way to end, a panel a cell."
	for _, k := range panels {
		text += fmt.Sprintf(" %s, n = %d:", k.name, k.Trials)
		for i, way := range k.Ways {
			if i > 0 {
				text += ","
			}
			text += fmt.Sprintf(" %s %d", wayName(way.Outcome), way.Trials)
		}
		text += "."
	}
	return text
}
