package plot

import (
	"cmp"
	"fmt"
	"image/color"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/answer"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/stats"
	"github.com/stratbench/stratbench/results/study"
)

// All draws every figure that the study has the trials for. Each has a row for each
// strategy of the answer, in its order, and a panel for each level of the factor by
// which the answer has times. An empty answer stands for all trials together.
func All(s study.Study, a answer.Answer) []Figure {
	l := lay(s, a)
	if len(l.rows) == 0 || l.longest == 0 {
		return nil
	}
	return slices.Concat(strategies(l), phases(l), memory(l), readyBy(l), contention(l), gantts(l))
}

// laid is a study's trials by strategy and panel.
type laid struct {
	study        study.Study
	by           string
	rows, panels []string
	trials       map[[2]string][]study.Observation
	anyFailed    bool
	longest      float64
}

func lay(s study.Study, a answer.Answer) laid {
	l := laid{study: s, by: a.By, panels: []string{""}, trials: map[[2]string][]study.Observation{}}
	if f, ok := s.Factor(a.By); ok {
		if l.panels = s.Levels(a.By); f.Levels[0].Value == nil {
			slices.Sort(l.panels)
		}
	}
	for _, strategy := range a.Strategies {
		l.rows = append(l.rows, strategy.Name)
	}
	for _, o := range s.Trials {
		strategy := cmp.Or(answer.StrategyOf(a.Chosen, o.Cell), "all trials")
		panel, _ := o.Cell.Level(a.By)
		at := [2]string{strategy, panel}
		if !slices.Contains(l.rows, strategy) {
			l.rows = append(l.rows, strategy)
		}
		l.trials[at] = append(l.trials[at], o)
		l.anyFailed = l.anyFailed || !o.Ready
		for _, t := range []float64{o.Setup, o.Lost} {
			if !math.IsNaN(t) {
				l.longest = max(l.longest, t)
			}
		}
	}
	l.rows = l.rows[:min(len(l.rows), 16)] // more are not legible
	return l
}

func (l laid) at(row, panel int) []study.Observation {
	return l.trials[[2]string{l.rows[row], l.panels[panel]}]
}

// row has a strategy's trials of all panels.
func (l laid) row(row int) (all []study.Observation) {
	for panel := range l.panels {
		all = append(all, l.at(row, panel)...)
	}
	return all
}

func (l laid) title(text string) string {
	if l.study.Simulated() {
		return simulatedMark + text
	}
	return text
}

// overTime is a grid whose axis is time up to longest, and the seconds of its unit.
func (l laid) overTime(axis string, longest float64) (g grid, one float64) {
	unit, one := unitFor(longest)
	return grid{rows: l.rows, panels: l.panels, axis: axis + " (" + unit + ")", most: longest / one * 1.01, simulated: l.study.Simulated()}, one
}

// mostPoints is how many trials of a row are drawn as points of their own.
const mostPoints = 400

// strategies has every trial as a point: where it was ready, or where it died.
func strategies(l laid) []Figure {
	g, one := l.overTime("time from the start of the set-up", l.longest)
	g.row, g.room = pts(24), pts(62)
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
		random := rand.New(rand.NewPCG(1, 1))
		step := max(1, len(trials)/mostPoints)
		for i := 0; i < len(trials); i += step {
			o, at := trials[i], y
			if len(trials) > 1 {
				at += pts((random.Float64() - 0.5) * 14)
			}
			switch {
			case o.Ready && !math.IsNaN(o.Setup):
				glyph(c, draw.CircleGlyph{}, faint(blue, 0.6), 2.4, x(o.Setup/one), at)
			case o.CutOff && !math.IsNaN(o.Lost):
				glyph(c, draw.TriangleGlyph{}, grey, 3, x(o.Lost/one), at)
			case !o.Ready && !math.IsNaN(o.Lost):
				cross(c, vermilion, 2.8, x(o.Lost/one), at)
			}
		}
		words := "not tested"
		if times := study.Setups(trials); len(times) > 0 {
			m := stat.Mean(times, nil)
			line(c, black, 2, vg.Point{X: x(m / one), Y: y - pts(9)}, vg.Point{X: x(m / one), Y: y + pts(9)})
			words = seconds(m)
		} else if len(trials) > 0 {
			words = "never ready"
		}
		at := c.Max.X - g.room + pts(8)
		write(c, black, smallSize, at, y, 0, -0.4, words)
		if n := study.Failures(trials); n > 0 {
			write(c, vermilion, smallSize, at+wide(smallSize, words), y, 0, -0.4, fmt.Sprintf(", %d failed", n))
		}
	}
	alt := fmt.Sprintf("Set-up times of %d trials of %d strategies, %d failed", len(l.study.Trials), len(l.rows), study.Failures(l.study.Trials))
	last := len(l.rows) - 1
	if fastest, slowest := study.Setups(l.row(0)), study.Setups(l.row(last)); last > 0 && len(fastest) > 0 && len(slowest) > 0 {
		alt += fmt.Sprintf("; from %s on average with %s to %s with %s", seconds(stat.Mean(fastest, nil)), l.rows[0], seconds(stat.Mean(slowest, nil)), l.rows[last])
	}
	caption := "One point per trial"
	if l.by != "" {
		caption += ", one panel per " + l.by
	}
	return g.figure(Figure{Name: "strategies", Title: l.title("Every trial, by strategy"), Caption: caption + "; numbers are means when ready.", Alt: alt + "."})
}

func seconds(s float64) string { return report.Seconds(trial.Seconds(math.Round(s * 1e9))) }

var phaseColors = map[trial.Phase]color.RGBA{
	trial.PhaseCluster: sky, trial.PhaseBuild: orange, trial.PhaseLoad: green, trial.PhaseDeploy: purple, trial.PhaseTest: light,
}

// phases stacks the median lengths of the phases.
func phases(l laid) []Figure {
	longest, some := 0.0, map[trial.Phase]bool{}
	for row := range l.rows {
		for panel := range l.panels {
			total := 0.0
			lengths := medianPhases(l.at(row, panel))
			for _, p := range trial.Phases() {
				total, some[p] = total+lengths[p], some[p] || lengths[p] > 0
			}
			longest = max(longest, total)
		}
	}
	if longest == 0 {
		return nil
	}
	g, one := l.overTime("median of each phase, one after the other", longest)
	g.row = pts(22)
	for _, p := range trial.Phases() {
		if some[p] {
			g.legend = append(g.legend, key{string(p), func(c draw.Canvas, x, y vg.Length) {
				box(c, phaseColors[p], x-pts(5), y-pts(5), x+pts(5), y+pts(5))
			}})
		}
	}
	g.cell = func(c draw.Canvas, x func(float64) vg.Length, y vg.Length, row, panel int) {
		at := 0.0
		lengths := medianPhases(l.at(row, panel))
		for _, p := range trial.Phases() {
			if lengths[p] > 0 {
				from, to := x(at/one), x((at+lengths[p])/one)
				box(c, phaseColors[p], from, y-pts(7), max(from, to-pts(0.7)), y+pts(7))
				at += lengths[p]
			}
		}
	}
	return g.figure(Figure{Name: "phases", Title: l.title("Where the time goes"),
		Caption: "Medians over the trials in which the phase ended well. Where phases overlap, the bar is longer than the set-up.",
		Alt:     "Median lengths of the phases of a trial, stacked, a bar for each strategy."})
}

// medianPhases are the median lengths in seconds of those phases that ended well.
func medianPhases(trials []study.Observation) map[trial.Phase]float64 {
	medians := map[trial.Phase]float64{}
	for _, p := range trial.Phases() {
		var lengths []float64
		for _, o := range trials {
			if length, ok := study.PhaseTime(o.Record, p); ok {
				lengths = append(lengths, length)
			}
		}
		if len(lengths) > 0 {
			medians[p] = stats.Median(lengths)
		}
	}
	return medians
}

// contention has each image's build beside others, and the same build alone.
func contention(l laid) []Figure {
	times := map[string]map[int]study.ImageTime{}
	var rows []string
	longest, slowest, slow := 0.0, 0.0, ""
	for row, strategy := range l.rows {
		for panel := range l.panels {
			for _, i := range l.study.Together(l.at(row, panel)) {
				name := strategy + ": " + i.Image
				if times[name] == nil {
					times[name] = map[int]study.ImageTime{}
					rows = append(rows, name)
				}
				times[name][panel] = i
				longest = max(longest, float64(i.Median), float64(i.Alone))
				if float64(i.Slowdown) > slowest {
					slowest, slow = float64(i.Slowdown), name
				}
			}
		}
	}
	if len(rows) == 0 {
		return nil
	}
	g, one := l.overTime("median time to build", longest)
	g.rows, g.row, g.room = rows, pts(18), pts(44)
	g.legend = []key{
		{"alone", func(c draw.Canvas, x, y vg.Length) { glyph(c, draw.RingGlyph{}, black, 3, x, y) }},
		{"beside others", func(c draw.Canvas, x, y vg.Length) { glyph(c, draw.CircleGlyph{}, vermilion, 3, x, y) }},
	}
	g.cell = func(c draw.Canvas, x func(float64) vg.Length, y vg.Length, row, panel int) {
		i, ok := times[rows[row]][panel]
		if !ok {
			return
		}
		from, to := x(float64(i.Alone)/one), x(float64(i.Median)/one)
		line(c, faint(vermilion, 0.6), 1.5, vg.Point{X: from, Y: y}, vg.Point{X: to, Y: y})
		glyph(c, draw.RingGlyph{}, black, 3, from, y)
		glyph(c, draw.CircleGlyph{}, vermilion, 3, to, y)
		write(c, black, smallSize, c.Max.X-g.room+pts(8), y, 0, -0.4, fmt.Sprintf("× %.2f", float64(i.Slowdown)))
	}
	return g.figure(Figure{Name: "contention", Title: l.title("Builds, alone and beside others"),
		Caption: "×: how many times as long a build takes beside others as alone, in cells that differ in the strategy only.",
		Alt:     fmt.Sprintf("Build times of images alone and beside others; the most slowed is %s, %.2f times as long.", slow, slowest)})
}

// memory has how often each strategy failed under each memory limit, apart by
// panel. Strategies that never failed are left out.
func memory(l laid) []Figure {
	limits := l.study.Levels("memory")
	if len(limits) < 2 || !l.anyFailed || l.by == "memory" {
		return nil
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
			there := study.At(l.at(rows[row], i), "memory", g.panels[panel])
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
		Alt: fmt.Sprintf("Failure rates of %d strategies under %d memory limits, with 95 %% intervals.", len(rows), len(limits))})
}

// readyBy has the share of trials ready by each time, where something failed.
func readyBy(l laid) []Figure {
	if !l.anyFailed {
		return nil
	}
	g, one := l.overTime("ready (% of trials) by the time from the start of the set-up", l.longest)
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
			curve := study.ReadyBy(l.at(row, panel), l.longest)
			if curve == nil {
				continue
			}
			share, points, every := 0.0, []vg.Point{{X: x(0), Y: y(0)}}, max(1, len(curve)/mostPoints)
			for i, s := range curve {
				if i%every == 0 || i == len(curve)-1 {
					at := x(s.Time / one)
					points = append(points, vg.Point{X: at, Y: y(share)}, vg.Point{X: at, Y: y(s.Share)})
					share = s.Share
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
		Alt:     fmt.Sprintf("Share of trials ready by each time, a curve for each strategy; %s failed most, %d of %d.", l.rows[worst], most, len(l.row(worst)))})
}
