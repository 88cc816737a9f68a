package answer

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/compare"
	"github.com/stratbench/stratbench/results/study"
)

// material is a study's trials as compare takes them.
type material struct {
	trials []compare.Trial
	// chosen are the factors that make an arm, places all others that vary; labels vary
	// too much for that.
	chosen, places, labels []string
	arms                   []string
	pulls                  map[string]bool // the arms that take images pushed before
}

// choices are the settings that a recommendation may change. All others are
// given: it never says to change the host, nor to find a cache warm.
var choices = []string{"strategy", "clusterStart", "onCrash", "dns", "etcd", "build.", "load.", "deploy.", "workload.setup."}

func isChoice(factor string) bool {
	return factor != "build.cacheStart" && slices.ContainsFunc(choices, func(c string) bool {
		return factor == c || strings.HasSuffix(c, ".") && strings.HasPrefix(factor, c)
	})
}

// isLabel reports whether nearly every trial has a level of its own: a column of a table
// that is a date or another measurement, and no place where strategies can be compared.
// A factor of a spec is none, however few trials there are yet.
func isLabel(factor string, trials []study.Observation) bool {
	levels := map[string]bool{}
	for _, o := range trials {
		if o.Record.Imported == nil {
			return false
		}
		level, _ := o.Cell.Level(factor)
		levels[level] = true
	}
	return len(trials) >= 8 && 4*len(levels) > 3*len(trials)
}

func newMaterial(s study.Study) material {
	m := material{pulls: map[string]bool{}}
	for _, f := range s.Varied() {
		switch {
		case isChoice(f.Name):
			m.chosen = append(m.chosen, f.Name)
		case isLabel(f.Name, s.Trials):
			m.labels = append(m.labels, f.Name)
		default:
			m.places = append(m.places, f.Name)
		}
	}
	// The one that stratbench brings, and those whose images were pushed before.
	pulling := map[string]bool{"registry": true}
	for _, run := range s.Runs {
		for _, p := range run.Done(results.KindPreparation) {
			name, _ := p.Trial.Cell.Level("strategy")
			pulling[name] = true
		}
	}
	for _, o := range s.Trials {
		t := comparedTrial(o)
		t.Arm, t.Place = StrategyOf(m.chosen, o.Cell), study.LevelsOf(o.Cell, m.places)
		m.trials = append(m.trials, t)
		if !slices.Contains(m.arms, t.Arm) {
			m.arms = append(m.arms, t.Arm)
		}
		if name, ok := o.Cell.Level("strategy"); ok && pulling[name] {
			m.pulls[t.Arm] = true
		}
	}
	return m
}

// comparedTrial is a trial as compare takes it, but for its arm and its place.
func comparedTrial(o study.Observation) compare.Trial {
	t := compare.Trial{Block: o.Block, Ready: o.Ready, Seconds: o.Setup, Lost: o.Lost}
	if o.Recovery > 0 {
		t.Lost += o.Recovery
	}
	return t
}

// of are the trials of the strategies that a situation can choose between.
func (m material) of(situation Situation) []compare.Trial {
	if situation == Pull {
		return m.trials
	}
	return slices.DeleteFunc(slices.Clone(m.trials), func(t compare.Trial) bool { return m.pulls[t.Arm] })
}

// StrategyOf is the name of a cell's strategy: its levels of the chosen factors.
func StrategyOf(chosen []string, c trial.Cell) string {
	var levels []string
	for _, f := range chosen {
		level, _ := c.Level(f)
		if slices.Contains([]string{"onCrash", "dns", "etcd"}, f) { // its levels alone would read as a strategy
			level = f + "=" + level
		}
		levels = append(levels, level)
	}
	return strings.Join(levels, " ")
}

// strategies has each arm's times, apart by a factor of places that has at most three
// levels: one that decisions were made apart by, else the first.
func (m material) strategies(s study.Study, pooled []compare.Factor) (by string, rows []Strategy) {
	split := func(name string) bool {
		return slices.ContainsFunc(pooled, func(f compare.Factor) bool { return f.Name == name && f.Split })
	}
	column := -1
	for i, name := range m.places {
		if f, _ := s.Factor(name); len(f.Levels) <= 3 && (column < 0 || split(name) && !split(by)) {
			by, column = name, i
		}
	}
	counts := make([]map[string]float64, len(m.arms))
	for i, arm := range m.arms {
		rows = append(rows, Strategy{Name: arm, Pulls: m.pulls[arm], Seconds: map[string]float64{}})
		counts[i] = map[string]float64{}
	}
	for i, t := range m.trials {
		arm := slices.Index(m.arms, t.Arm)
		row := &rows[arm]
		row.N++
		if s.Trials[i].Record.Crash != nil {
			row.Crashed++
		}
		levels := []string{""}
		if column >= 0 {
			levels = append(levels, t.Place[column])
		}
		if !t.Ready {
			row.Failed++
		} else if t.Seconds > 0 {
			for _, level := range levels {
				row.Seconds[level] += t.Seconds
				counts[arm][level]++
			}
		}
	}
	for arm, row := range rows {
		for level, n := range counts[arm] {
			row.Seconds[level] /= n
		}
	}
	all := func(s Strategy) float64 { return cmp.Or(s.Seconds[""], math.Inf(1)) }
	slices.SortStableFunc(rows, func(a, b Strategy) int { return cmp.Compare(all(a), all(b)) })
	return by, rows
}

// pushes are what publishing the images cost, by place, against what a set-up
// with the fastest strategy that pulls saves over the fastest that builds.
func (m material) pushes(s study.Study) (all []Push) {
	for _, run := range s.Runs {
		for _, p := range run.Done(results.KindPreparation) {
			push := Push{Where: compare.Where{}, Seconds: p.Elapsed.Duration().Seconds()}
			for _, f := range m.places {
				if level, ok := p.Trial.Cell.Level(f); ok {
					push.Where[f] = compare.AnyOf{level}
				}
			}
			place := study.LevelsOf(p.Trial.Cell, m.places)
			if saved := m.fastest(place, false) - m.fastest(place, true); saved > 0 && !math.IsInf(saved, 0) {
				push.SetUps = int(math.Ceil(push.Seconds / saved))
			}
			all = append(all, push)
		}
	}
	return all
}

// fastest is the least mean time in a place of the arms that pull, or that build.
func (m material) fastest(place []string, pull bool) float64 {
	times, least := map[string][]float64{}, math.Inf(1)
	for _, t := range m.trials {
		if m.pulls[t.Arm] == pull && t.Ready && t.Seconds > 0 && slices.Equal(t.Place, place) {
			times[t.Arm] = append(times[t.Arm], t.Seconds)
		}
	}
	for _, seconds := range times {
		least = min(least, stat.Mean(seconds, nil))
	}
	return least
}

// failuresAt finds what all failed trials have in common.
func failuresAt(s study.Study) compare.Where {
	failed := slices.DeleteFunc(slices.Clone(s.Trials), func(o study.Observation) bool { return o.Ready })
	if len(failed) < 2 {
		return nil
	}
	shared := compare.Where{}
	for _, f := range s.Varied() {
		level, _ := failed[0].Cell.Level(f.Name)
		if at := (trial.Levels{f.Name: level}); !slices.ContainsFunc(failed, func(o study.Observation) bool { return !at.In(o.Cell) }) {
			shared[f.Name] = compare.AnyOf{level}
		}
	}
	return shared
}
