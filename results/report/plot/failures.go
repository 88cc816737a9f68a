package plot

import (
	"fmt"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/stratbench/stratbench/results/study"
)

// memory has how often each strategy failed under each memory limit, apart by
// panel. Strategies that never failed are left out.
func memory(l laid) (Figure, bool) {
	limits := l.study.Levels("memory")
	if len(limits) < 2 || !l.anyFailed || l.by == "memory" {
		return Figure{}, false
	}
	var rows []int
	g := grid{panels: limits, axis: "failed (% of trials, 95 % Clopper–Pearson)", most: 100, simulated: l.study.Simulated()}
	for i, name := range l.rows {
		if study.Failures(l.row(i)) > 0 {
			rows, g.rows = append(rows, i), append(g.rows, name)
		}
	}
	g.row = pts(8 + 8*float64(len(l.panels)))
	if len(l.panels) > 1 {
		for i, name := range l.panels {
			g.legend = append(g.legend, key{name, func(c draw.Canvas, x, y vg.Length) { glyph(c, shape(i), seriesColor(i), 3, x, y) }})
		}
	}
	g.cell = func(c draw.Canvas, x func(float64) vg.Length, y vg.Length, row, panel int) {
		for i := range l.panels {
			var there []study.Observation
			for _, o := range l.at(rows[row], i) {
				if level, _ := o.Cell.Level("memory"); level == g.panels[panel] {
					there = append(there, o)
				}
			}
			if len(there) == 0 {
				continue
			}
			rate := study.FailureRate(there)
			at := y + pts(8*(float64(len(l.panels)-1)/2-float64(i)))
			low, high, end := x(100*float64(rate.Interval.Lower)), x(100*float64(rate.Interval.Upper)), pts(2.5)
			col := faint(seriesColor(i), 0.6)
			line(c, col, 1.2, vg.Point{X: low, Y: at}, vg.Point{X: high, Y: at})
			line(c, col, 1.2, vg.Point{X: low, Y: at - end}, vg.Point{X: low, Y: at + end})
			line(c, col, 1.2, vg.Point{X: high, Y: at - end}, vg.Point{X: high, Y: at + end})
			glyph(c, shape(i), seriesColor(i), 3, x(100*float64(rate.Estimate)), at)
		}
	}
	caption := "A panel for each memory limit."
	if left := len(l.rows) - len(rows); left > 0 {
		caption += fmt.Sprintf(" Left out: %d of %d strategies, which never failed.", left, len(l.rows))
	}
	return g.figure(Figure{Name: "memory", Title: l.title("Failures against memory"), Caption: caption,
		Alt: fmt.Sprintf("Failure rates of %d strategies under %d memory limits, with 95 %% intervals.", len(rows), len(limits))}), true
}

// readyBy has the share of trials that were ready by each time, where something
// failed.
func readyBy(l laid) (Figure, bool) {
	if !l.anyFailed {
		return Figure{}, false
	}
	g, scale := l.overTime("ready (% of trials) by the time from the start of the set-up", l.longest)
	g.rows, g.row, g.room = []string{""}, 6*vg.Centimeter, pts(14)
	worst, most := 0, 0
	for i, r := range l.rows {
		g.room = max(g.room, pts(30)+wide(smallSize, r))
		if n := study.Failures(l.row(i)); n > most {
			worst, most = i, n
		}
	}
	g.cell = func(c draw.Canvas, x func(float64) vg.Length, _ vg.Length, _, panel int) {
		y := func(share float64) vg.Length { return c.Min.Y + pts(4) + vg.Length(share)*(c.Max.Y-c.Min.Y-pts(12)) }
		for _, share := range []float64{0, 0.5, 1} {
			line(c, light, 0.6, vg.Point{X: x(0), Y: y(share)}, vg.Point{X: x(g.most), Y: y(share)})
			write(c, grey, smallSize, x(0)+pts(2), y(share)+pts(2), 0, 0, fmt.Sprintf("%.0f %%", 100*share))
		}
		var ends []vg.Length
		var drawn []int
		for row := range l.rows {
			curve, ok := study.ReadyBy(l.at(row, panel), l.longest)
			if !ok {
				continue
			}
			share, points, every := 0.0, []vg.Point{{X: x(0), Y: y(0)}}, max(1, len(curve)/mostPoints)
			for i, s := range curve {
				if i%every == 0 || i == len(curve)-1 {
					at := x(scale.of(s.Time))
					points = append(points, vg.Point{X: at, Y: y(share)}, vg.Point{X: at, Y: y(s.Incidence)})
					share = s.Incidence
				}
			}
			points = append(points, vg.Point{X: x(g.most), Y: y(share)})
			line(c, seriesColor(row), 1.6, points...)
			glyph(c, shape(row), seriesColor(row), 2.8, x(g.most), y(share))
			ends, drawn = append(ends, y(share)), append(drawn, row)
		}
		places := spread(ends, pts(11), c.Min.Y+pts(6), c.Max.Y-pts(6))
		for i, row := range drawn {
			line(c, faint(seriesColor(row), 0.5), 0.6, vg.Point{X: x(g.most), Y: ends[i]}, vg.Point{X: x(g.most) + pts(12), Y: places[i]})
			write(c, seriesColor(row), smallSize, x(g.most)+pts(14), places[i], 0, -0.4, l.rows[row])
		}
	}
	return g.figure(Figure{Name: "ready", Title: l.title("Ready by time"),
		Caption: "Share of trials that were ready by each time; failed ones never are (Aalen–Johansen).",
		Alt:     fmt.Sprintf("Share of trials ready by each time, a curve for each strategy; %s failed most, %d of %d.", l.rows[worst], most, len(l.row(worst)))}), true
}
