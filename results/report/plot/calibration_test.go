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
	Best []struct {
		Trials int     `json:"trials"`
		Stated float64 `json:"stated"`
		Found  float64 `json:"found"`
	} `json:"probability_best"`
	Saved []struct {
		Rates  string  `json:"rates"`
		Most   int     `json:"most_blocks"`
		Power  float64 `json:"power"`
		Blocks float64 `json:"mean_blocks"`
		Fixed  int     `json:"fixed_blocks"`
	} `json:"sequential"`
}

// TestCalibrationFigures draws what TestCalibration of results/analyse has
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
	for _, f := range []Figure{d.coverage(), d.rates(), d.best(), d.sequential()} {
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
	p.X.Tick.Marker = upTo{ticks{"%g"}, 100}
	p.Add(painter(func(c draw.Canvas, x, y func(float64) vg.Length) {
		box(c, faint(green, 0.15), x(93), c.Min.Y, x(97), c.Max.Y)
		dashed(c, grey, 1, vg.Point{X: x(95), Y: c.Min.Y}, vg.Point{X: x(95), Y: c.Max.Y})
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
	return Figure{Name: "coverage", wide: view{width, vg.Length(len(rows))*0.55*vg.Centimeter + 3*vg.Centimeter, framed(p)}}
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
	p.X.Tick.Marker, p.Y.Tick.Marker = upTo{ticks{"%g"}, 50}, upTo{ticks{"%g"}, 100}
	p.Add(painter(func(c draw.Canvas, x, y func(float64) vg.Length) {
		dashed(c, grey, 1, vg.Point{X: x(0), Y: y(95)}, vg.Point{X: x(50), Y: y(95)})
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
	return Figure{Name: "rates", wide: view{width, 9 * vg.Centimeter, framed(p)}}
}

func (d calibrationData) best() Figure {
	p := base("P(best): stated and found", "P(best) stated (%)", "the better one (% of worlds)")
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 48, 118, 48, 103
	p.X.Tick.Marker, p.Y.Tick.Marker = upTo{ticks{"%g"}, 100}, upTo{ticks{"%g"}, 100}
	p.Add(painter(func(c draw.Canvas, x, y func(float64) vg.Length) {
		dashed(c, grey, 1, vg.Point{X: x(50), Y: y(50)}, vg.Point{X: x(100), Y: y(100)})
		var order []int
		curves := map[int][]vg.Point{}
		for _, b := range d.Best {
			if len(curves[b.Trials]) == 0 {
				order = append(order, b.Trials)
			}
			curves[b.Trials] = append(curves[b.Trials], vg.Point{X: x(100 * b.Stated), Y: y(100 * b.Found)})
		}
		var ends []vg.Length
		for i, n := range order {
			line(c, seriesColor(i), 1.5, curves[n]...)
			for _, at := range curves[n] {
				glyph(c, shape(i), seriesColor(i), 3, at.X, at.Y)
			}
			ends = append(ends, curves[n][len(curves[n])-1].Y)
		}
		places := spread(ends, vg.Points(12), c.Min.Y, c.Max.Y)
		for i, n := range order {
			last := curves[n][len(curves[n])-1]
			line(c, faint(seriesColor(i), 0.5), 0.7, vg.Point{X: last.X + vg.Points(4), Y: last.Y}, vg.Point{X: x(101), Y: places[i]})
			write(c, seriesColor(i), textSize, x(101.5), places[i], 0, -0.4, fmt.Sprintf("n = %d", n))
		}
	}))
	return Figure{Name: "best", wide: view{width, 10 * vg.Centimeter, framed(p)}}
}

func (d calibrationData) sequential() Figure {
	p := base("Blocks until two failure rates are told apart", "blocks", "")
	var marks []plot.Tick
	most := 0.0
	for i, s := range d.Saved {
		marks = append(marks, plot.Tick{Value: float64(len(d.Saved) - 1 - i), Label: fmt.Sprintf("%s  (%.1f %% found)", s.Rates, 100*s.Power)})
		most = max(most, float64(s.Fixed))
	}
	p.Y.Min, p.Y.Max = -0.6, float64(len(d.Saved))-0.4
	p.Y.Tick.Marker = plot.ConstantTicks(marks)
	p.Y.Tick.LineStyle.Width, p.Y.LineStyle.Width = 0, 0
	p.X.Min, p.X.Max = 0, most*1.25
	p.X.Tick.Marker = upTo{ticks{"%g"}, most}
	p.Add(painter(func(c draw.Canvas, x, y func(float64) vg.Length) {
		half := vg.Points(11)
		for i, s := range d.Saved {
			at := y(float64(len(d.Saved) - 1 - i))
			box(c, light, x(0), at, x(float64(s.Fixed)), at+half)
			box(c, blue, x(0), at-half, x(s.Blocks), at)
			write(c, black, smallSize, x(float64(s.Fixed))+vg.Points(4), at+half/2, 0, -0.4, fmt.Sprintf("fixed: %d", s.Fixed))
			write(c, blue, smallSize, x(s.Blocks)+vg.Points(4), at-half/2, 0, -0.4, fmt.Sprintf("on average %.1f of at most %d: saves %.0f %%", s.Blocks, s.Most, 100*(1-s.Blocks/float64(s.Fixed))))
		}
	}))
	return Figure{Name: "sequential", wide: view{width, vg.Length(len(d.Saved))*1.6*vg.Centimeter + 2.6*vg.Centimeter, framed(p)}}
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
