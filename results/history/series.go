package history

import (
	"math"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/history/detect"
	"github.com/stratbench/stratbench/results/study"
)

// Nights are the runs of one experiment on one host, and the series that they
// make. Runs of other hosts are never among them.
type Nights struct {
	Experiment string
	Host       string
	// Runs has the runs in order; of the detector's matrix each is a night.
	Runs    []*Run
	Fitness []Fitness
	Series  []Series
	// Compared are runs that compared two states of the experiment, to confirm
	// what was suspected. They are no nights.
	Compared []*Run
}

// Series is one metric of one cell over all nights.
type Series struct {
	Cell   trial.Cell
	Metric study.Metric
	// Values has for each night the trials' values, in seconds or bytes; nil
	// for a count.
	Values [][]float64
	// Bad of Trials happened each night; nil for a measure.
	Bad, Trials []int
}

// Nights gathers the series of an experiment on a host.
func (h *History) Nights(experiment, host string) Nights {
	n := Nights{Experiment: experiment, Host: host}
	for _, r := range h.Of(experiment, host) {
		if len(r.Environment.States) > 0 {
			n.Compared = append(n.Compared, r)
			continue
		}
		n.Runs = append(n.Runs, r)
	}
	n.Fitness = fitnessOf(n.Runs)
	n.Series = seriesOf(n.Runs)
	return n
}

// Simulated is true when any night was.
func (n Nights) Simulated() bool {
	for _, r := range n.Runs {
		if r.Simulated {
			return true
		}
	}
	return false
}

// seriesOf makes the series of every cell that was ever planned, in the order
// of the newest plan, and then of those that are gone.
func seriesOf(runs []*Run) []Series {
	g := gathered{nights: len(runs), first: map[string]int{}}
	for i := len(runs) - 1; i >= 0; i-- {
		for _, c := range runs[i].Cells {
			g.cell(c)
		}
	}
	for night, r := range runs {
		first := make([]int, len(r.Cells))
		for i, c := range r.Cells {
			first[i] = g.first[c.Key()]
		}
		for _, t := range r.Trials {
			if t.counts() {
				g.add(night, first[t.Cell], t)
			}
		}
	}
	return g.withTrials()
}

// gathered collects series; those of a cell stand together, and first has the
// place of their first.
type gathered struct {
	nights int
	first  map[string]int
	all    []Series
}

func (g *gathered) cell(c trial.Cell) {
	key := c.Key()
	if _, known := g.first[key]; known {
		return
	}
	g.first[key] = len(g.all)
	for _, m := range metrics {
		s := Series{Cell: c, Metric: m}
		if m.IsRate() {
			s.Bad, s.Trials = make([]int, g.nights), make([]int, g.nights)
		} else {
			s.Values = make([][]float64, g.nights)
		}
		g.all = append(g.all, s)
	}
}

func (g *gathered) add(night, first int, t *Trial) {
	for i, v := range t.values {
		s := &g.all[first+i]
		switch {
		case math.IsNaN(v):
		case s.Values != nil:
			s.Values[night] = append(s.Values[night], v)
		default:
			s.Trials[night]++
			s.Bad[night] += int(v)
		}
	}
}

// withTrials leaves out series that no trial has a figure for, and phases
// that never took long enough for anyone to mind.
func (g *gathered) withTrials() (kept []Series) {
	for _, s := range g.all {
		if s.last() >= 0 && !s.negligible() {
			kept = append(kept, s)
		}
	}
	return kept
}

// leastSeconds is what a phase has to take at least once to be a series.
const leastSeconds = 0.1

func (s Series) negligible() bool {
	if s.Metric.Unit() != study.UnitSeconds {
		return false
	}
	for _, values := range s.Values {
		for _, v := range values {
			if v >= leastSeconds {
				return false
			}
		}
	}
	return true
}

// last is the newest night with a figure, -1 for none.
func (s Series) last() int {
	for i := max(len(s.Values), len(s.Trials)) - 1; i >= 0; i-- {
		if s.in(i) > 0 {
			return i
		}
	}
	return -1
}

// in is the number of trials of a night.
func (s Series) in(night int) int {
	if s.Values != nil {
		return len(s.Values[night])
	}
	return s.Trials[night]
}

// Name tells a series in messages: "setup of podman serial".
func (s Series) Name() string { return string(s.Metric) + " of " + s.Cell.String() }

// Matrix is the nights as the detector takes them: a series for each of
// Series, a night for each of Runs.
func (n Nights) Matrix() detect.Matrix {
	var m detect.Matrix
	for i, r := range n.Runs {
		m.Nights = append(m.Nights, detect.Night{Day: dayOf(r.Environment.Started), Unfit: n.Fitness[i].Unfit(), Reference: n.Fitness[i].Reference})
	}
	for _, s := range n.Series {
		m.Series = append(m.Series, detect.Series{Name: s.Name(), Primary: s.Metric == study.MetricSetup, Values: s.Values, Bad: s.Bad, Trials: s.Trials})
	}
	return m
}

// dayOf counts days; a night that ends after midnight is of the day it began.
func dayOf(t time.Time) int { return int(t.Unix() / 86400) }
