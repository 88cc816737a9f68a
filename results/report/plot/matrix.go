package plot

import (
	"math"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/study"
)

// Matrix says how a study is laid out in figures: a row for each strategy, which
// may be a combination of settings, and a panel for each level of one factor.
type Matrix struct {
	// Chosen are the factors that make a strategy; Strategies are in order of
	// rows; By is the factor of the panels, empty for one panel.
	Chosen     []string
	Strategies []string
	By         string
}

// Strategy names what was chosen in a cell.
func (m Matrix) Strategy(c trial.Cell) string {
	var levels []string
	for _, f := range m.Chosen {
		level, _ := c.Level(f)
		levels = append(levels, level)
	}
	if len(levels) == 0 {
		return "all trials"
	}
	return strings.Join(levels, " ")
}

// mostStrategies is how many rows a figure has.
const mostStrategies = 16

// laid is a study's trials by strategy and panel.
type laid struct {
	study        study.Study
	matrix       Matrix
	rows, panels []string
	trials       map[[2]string][]study.Observation
	anyFailed    bool
	longest      float64
}

func lay(s study.Study, m Matrix) laid {
	l := laid{study: s, matrix: m, panels: []string{""}, trials: map[[2]string][]study.Observation{}}
	if f, ok := s.Factor(m.By); ok {
		l.panels = nil
		for _, level := range f.Levels {
			l.panels = append(l.panels, level.Name)
		}
		if f.Levels[0].Value == nil {
			slices.Sort(l.panels)
		}
	}
	l.rows = slices.Clone(m.Strategies)
	for _, o := range s.Trials {
		panel, _ := o.Cell.Level(m.By)
		at := [2]string{m.Strategy(o.Cell), panel}
		if !slices.Contains(l.rows, at[0]) {
			l.rows = append(l.rows, at[0])
		}
		l.trials[at] = append(l.trials[at], o)
		l.anyFailed = l.anyFailed || !o.Ready
		for _, t := range []float64{o.Setup, o.Lost} {
			if !math.IsNaN(t) {
				l.longest = max(l.longest, t)
			}
		}
	}
	l.rows = l.rows[:min(len(l.rows), mostStrategies)]
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

// All draws every figure that the study has the trials for.
func All(s study.Study, m Matrix) (figures []Figure) {
	l := lay(s, m)
	if len(l.rows) == 0 || l.longest == 0 {
		return nil
	}
	for _, draw := range []func(laid) (Figure, bool){strategies, phases, memory, readyBy, contention} {
		if f, ok := draw(l); ok {
			figures = append(figures, f)
		}
	}
	return append(figures, gantts(l)...)
}

func (l laid) title(text string) string {
	if l.study.Simulated() {
		return simulatedMark + text
	}
	return text
}

// simulatedMark begins the title of what no engine produced.
const simulatedMark = "SIMULATED, no engine produced this: "
