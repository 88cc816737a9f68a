package answer

import (
	"cmp"
	"math"
	"slices"

	"github.com/stratbench/stratbench/results/compare"
	"github.com/stratbench/stratbench/results/study"
)

// mostColumns is how many levels of a factor stand beside each other.
const mostColumns = 3

// strategies has each arm's times, apart by a factor of places that has few
// levels: one that decisions were made apart by, else the first.
func (m material) strategies(s study.Study, pooled []Factor) (by string, rows []Strategy) {
	split := func(name string) bool {
		return slices.ContainsFunc(pooled, func(f Factor) bool { return f.Name == name && f.Split })
	}
	column := -1
	for i, name := range m.places {
		if f, _ := s.Factor(name); len(f.Levels) <= mostColumns && (column < 0 || split(name) && !split(by)) {
			by, column = name, i
		}
	}
	sums, counts := map[string]map[string]float64{}, map[string]map[string]float64{}
	for _, arm := range m.arms {
		rows = append(rows, Strategy{Name: arm, Pulls: m.pulls[arm], Seconds: map[string]float64{}})
		sums[arm], counts[arm] = map[string]float64{}, map[string]float64{}
	}
	for _, t := range m.trials {
		row := &rows[slices.Index(m.arms, t.Arm)]
		row.N++
		if !t.Ready {
			row.Failed++
		}
		if !t.Ready || !(t.Seconds > 0) {
			continue
		}
		keys := []string{""}
		if column >= 0 {
			keys = append(keys, t.Place[column])
		}
		for _, key := range keys {
			sums[t.Arm][key] += t.Seconds
			counts[t.Arm][key]++
		}
	}
	for _, o := range s.Trials {
		if o.Record.Crash != nil {
			rows[slices.Index(m.arms, m.arm(o.Cell))].Crashed++
		}
	}
	for _, row := range rows {
		for key, n := range counts[row.Name] {
			row.Seconds[key] = sums[row.Name][key] / n
		}
	}
	all := func(s Strategy) float64 {
		if v, ok := s.Seconds[""]; ok {
			return v
		}
		return math.Inf(1)
	}
	slices.SortStableFunc(rows, func(a, b Strategy) int { return cmp.Compare(all(a), all(b)) })
	return by, rows
}

// pushes are what publishing the images cost, by what was given, against what a
// set-up with the fastest strategy that pulls saves over the fastest that builds.
func (m material) pushes(s study.Study) (all []Push) {
	for _, run := range s.Runs {
		for _, p := range run.Preparations() {
			push := Push{Where: map[string]string{}, Seconds: p.Elapsed.Duration().Seconds()}
			for _, f := range m.places {
				if level, ok := p.Trial.Cell.Level(f); ok {
					push.Where[f] = level
				}
			}
			pulled, built := m.fastest(push.Where, true), m.fastest(push.Where, false)
			if saved := built - pulled; saved > 0 && !math.IsInf(saved, 0) {
				push.SetUps = int(math.Ceil(push.Seconds / saved))
			}
			all = append(all, push)
		}
	}
	return all
}

// fastest is the least mean time of the arms that pull, or of those that build,
// in a place.
func (m material) fastest(where map[string]string, pull bool) float64 {
	least := math.Inf(1)
	for _, arm := range m.arms {
		if m.pulls[arm] != pull {
			continue
		}
		sum, n := 0.0, 0.0
		for _, t := range m.trials {
			if t.Arm == arm && t.Ready && t.Seconds > 0 && m.isIn(t, where) {
				sum, n = sum+t.Seconds, n+1
			}
		}
		if n > 0 {
			least = min(least, sum/n)
		}
	}
	return least
}

func (m material) isIn(t compare.Trial, where map[string]string) bool {
	for i, f := range m.places {
		if t.Place[i] != where[f] {
			return false
		}
	}
	return true
}

// failuresAt finds what all failed trials have in common.
func failuresAt(s study.Study) map[string]string {
	shared, failed := map[string]string{}, 0
	for _, f := range s.Varied() {
		shared[f.Name] = ""
	}
	for _, o := range s.Trials {
		if o.Ready {
			continue
		}
		for name, level := range shared {
			if here, _ := o.Cell.Level(name); failed == 0 {
				shared[name] = here
			} else if here != level {
				delete(shared, name)
			}
		}
		failed++
	}
	if failed < 2 {
		return nil
	}
	return shared
}
