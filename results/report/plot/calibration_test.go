package plot

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// calibrationData is what the calibration of the statistics has measured.
type calibrationData struct {
	Coverage []struct {
		Figure   string  `json:"figure"`
		Trials   int     `json:"trials"`
		Coverage float64 `json:"coverage_percent"`
	} `json:"coverage"`
	Rates []struct {
		Trials   int       `json:"trials"`
		Rate     []float64 `json:"rate"`
		Coverage []float64 `json:"coverage_percent"`
	} `json:"clopper_pearson"`
}

// TestCalibrationFigures draws what TestCalibration of results/study has
// measured: make calibrate.
func TestCalibrationFigures(t *testing.T) {
	dir := os.Getenv("STRATBENCH_CALIBRATE")
	if dir == "" {
		t.Skip("make calibrate")
	}
	text, err := os.ReadFile(filepath.Join(dir, "calibration", "calibration.json"))
	if err != nil {
		t.Fatal(err)
	}
	var d calibrationData
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	for _, f := range []Figure{d.coverage(), d.rates()} {
		picture, err := f.SVG()
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "calibration", f.Name+".svg"), picture, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// coverage has a row a figure and a point for each number of trials.
func (d calibrationData) coverage() Figure {
	var rows []string
	points := map[string][]vg.Point{}
	sizes := map[string][]int{}
	for _, c := range d.Coverage {
		if len(points[c.Figure]) == 0 {
			rows = append(rows, c.Figure)
		}
		points[c.Figure] = append(points[c.Figure], vg.Point{X: vg.Length(c.Coverage)})
		sizes[c.Figure] = append(sizes[c.Figure], c.Trials)
	}
	p := base("How often 95 % intervals cover", "experiments in which the interval covers the truth (%)", "")
	var marks []plot.Tick
	for i, name := range rows {
		marks = append(marks, plot.Tick{Value: float64(len(rows) - 1 - i), Label: name})
	}
	p.Y.Min, p.Y.Max = -0.7, float64(len(rows))+0.6
	p.Y.Tick.Marker = plot.ConstantTicks(marks)
	p.Y.Tick.LineStyle.Width, p.Y.LineStyle.Width = 0, 0
	p.X.Min, p.X.Max = 88, 101
	p.X.Tick.Marker = upTo{ticks(6), 100}
	p.Add(painter(func(c draw.Canvas, x, y func(float64) vg.Length) {
		box(c, faint(green, 0.15), x(93), c.Min.Y, x(97), c.Max.Y)
		dashed(c, grey, vg.Point{X: x(95), Y: c.Min.Y}, vg.Point{X: x(95), Y: c.Max.Y})
		for i, name := range rows {
			at := y(float64(len(rows) - 1 - i))
			line(c, light, 0.5, vg.Point{X: c.Min.X, Y: at}, vg.Point{X: c.Max.X, Y: at})
			for k, point := range points[name] {
				size := sizeIndex(sizes[name][k])
				glyph(c, shape(size), seriesColor(size), 3.2, x(float64(point.X)), at)
			}
		}
		top := y(float64(len(rows)) + 0.1)
		for i, words := range []string{"n = 5 or 6", "n = 10", "n = 20"} {
			at := x(88.3 + 2.2*float64(i))
			glyph(c, shape(i), seriesColor(i), 3.2, at, top)
			write(c, seriesColor(i), smallSize, at+vg.Points(6), top, 0, -0.4, words)
		}
	}))
	return Figure{Name: "coverage", wide: view{width, vg.Length(len(rows))*0.55*vg.Centimeter + 3*vg.Centimeter, func(c draw.Canvas) { p.Draw(paper(c)) }}}
}

func sizeIndex(n int) int {
	switch {
	case n < 10:
		return 0
	case n < 20:
		return 1
	}
	return 2
}

func (d calibrationData) rates() Figure {
	p := base("Clopper–Pearson: how often the 95 % interval covers", "failure rate (%)", "covers (%)")
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 60, 94, 100.3
	p.X.Tick.Marker, p.Y.Tick.Marker = upTo{ticks(6), 50}, upTo{ticks(6), 100}
	p.Add(painter(func(c draw.Canvas, x, y func(float64) vg.Length) {
		dashed(c, grey, vg.Point{X: x(0), Y: y(95)}, vg.Point{X: x(50), Y: y(95)})
		var ends []vg.Length
		for i, l := range d.Rates {
			var points []vg.Point
			for k, rate := range l.Rate {
				points = append(points, vg.Point{X: x(100 * rate), Y: y(l.Coverage[k])})
			}
			line(c, seriesColor(i), 1.2, points...)
			ends = append(ends, points[len(points)-1].Y)
		}
		places := spread(ends, vg.Points(12), c.Min.Y, c.Max.Y)
		for i, l := range d.Rates {
			write(c, seriesColor(i), textSize, x(51), places[i], 0, -0.4, fmt.Sprintf("n = %d", l.Trials))
		}
	}))
	return Figure{Name: "rates", wide: view{width, 9 * vg.Centimeter, func(c draw.Canvas) { p.Draw(paper(c)) }}}
}

// upTo leaves out ticks beyond the last value that there can be.
type upTo struct {
	ticks
	last float64
}

func (t upTo) Ticks(low, high float64) (kept []plot.Tick) {
	for _, k := range t.ticks.Ticks(low, min(high, t.last)) {
		if k.Value <= t.last && k.Value >= 0 {
			kept = append(kept, k)
		}
	}
	return kept
}
