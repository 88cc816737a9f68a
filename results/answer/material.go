package answer

import (
	"slices"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/compare"
	"github.com/stratbench/stratbench/results/study"
)

// material is a study's trials as compare takes them.
type material struct {
	trials []compare.Trial
	// chosen are the factors that make an arm, places all others that vary.
	chosen, places []string
	arms           []string
	pulls          map[string]bool // the arms that take images pushed before
}

// choices are the settings that a recommendation may change. All others are
// given: it never says to change the host.
var choices = []string{"strategy", "clusterStart", "onCrash", "build.", "load.", "workload.setup."}

func isChoice(factor string) bool {
	return slices.ContainsFunc(choices, func(c string) bool {
		return factor == c || strings.HasSuffix(c, ".") && strings.HasPrefix(factor, c)
	})
}

func newMaterial(s study.Study) material {
	m := material{pulls: map[string]bool{}}
	for _, f := range s.Varied() {
		if isChoice(f.Name) {
			m.chosen = append(m.chosen, f.Name)
		} else {
			m.places = append(m.places, f.Name)
		}
	}
	// Strategies that pull: the one that stratbench brings, and those whose images
	// were pushed before the trials.
	pulling := map[string]bool{"registry": true}
	for _, run := range s.Runs {
		for _, p := range run.Preparations() {
			name, _ := p.Trial.Cell.Level("strategy")
			pulling[name] = true
		}
	}
	for _, o := range s.Trials {
		t := compare.Trial{Arm: StrategyOf(m.chosen, o.Cell), Block: o.Block, Ready: o.Ready, Seconds: o.Setup, Lost: o.Lost, Place: m.place(o.Cell)}
		if o.Recovery > 0 {
			t.Lost += o.Recovery
		}
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

func (m material) place(c trial.Cell) (levels []string) {
	for _, f := range m.places {
		level, _ := c.Level(f)
		levels = append(levels, level)
	}
	return levels
}

// StrategyOf is the name of a cell's strategy: its levels of the chosen factors.
func StrategyOf(chosen []string, c trial.Cell) string {
	var levels []string
	for _, f := range chosen {
		level, _ := c.Level(f)
		if f == "onCrash" { // its levels alone would read as a strategy
			level = f + "=" + level
		}
		levels = append(levels, level)
	}
	return strings.Join(levels, " ")
}
