package answer

import (
	"maps"
	"slices"

	"github.com/stratbench/stratbench/results/compare"
	"github.com/stratbench/stratbench/results/study"
)

// EngineVersion is the choice between the versions of one engine that a study has, by
// the mean time to ready, failures included, with every strategy.
type EngineVersion struct {
	Runtime string `json:"runtime"`
	// Where is empty if the choice holds with every strategy and at every level.
	Where   compare.Where   `json:"where"`
	Verdict compare.Verdict `json:"verdict"`
	// OnlyWhenItWorks is that the verdict and the effect are of trials that became ready, if as
	// many of each version failed, or that failures which nobody has seen could reverse them.
	OnlyWhenItWorks bool     `json:"only_when_it_works"`
	Best            []string `json:"best"`
	// Effect is the share by which the first of Best costs more or less than Against.
	Effect   *float64    `json:"effect"`
	Interval *[2]float64 `json:"interval"`
	Against  string      `json:"against,omitempty"`
}

// EngineVersions chooses between the versions of each engine, whose trials are paired
// where all factors have the same levels.
func EngineVersions(s study.Study, indifference float64) (all []EngineVersion) {
	var places []string
	for _, f := range s.Varied() {
		if f.Name != "runtime" && f.Name != "engine" && !isLabel(f.Name, s.Trials) {
			places = append(places, f.Name)
		}
	}
	var runtimes []string
	of, versions := map[string][]compare.Trial{}, map[string][]string{}
	for _, o := range s.Trials {
		m := o.Record.Machine
		if m.EngineVersion == "" {
			continue
		}
		if !slices.Contains(runtimes, m.Runtime) {
			runtimes = append(runtimes, m.Runtime)
		}
		if !slices.Contains(versions[m.Runtime], m.EngineVersion) {
			versions[m.Runtime] = append(versions[m.Runtime], m.EngineVersion)
		}
		t := comparedTrial(o)
		t.Arm, t.Place = m.EngineVersion, study.LevelsOf(o.Cell, places)
		of[m.Runtime] = append(of[m.Runtime], t)
	}
	slices.Sort(runtimes)
	for _, rt := range runtimes {
		if len(versions[rt]) < 2 {
			continue
		}
		goal := compare.Goal{Indifference: indifference}
		groups, works := compare.Decide(of[rt], places, goal).Groups, false
		if open := func(g compare.Group) bool { return g.Verdict == compare.Undecided }; slices.ContainsFunc(groups, open) && failAlike(of[rt]) {
			ready := slices.DeleteFunc(of[rt], func(t compare.Trial) bool { return !t.Ready })
			groups, works = compare.Decide(ready, places, goal).Groups, true
		}
		for _, g := range groups {
			d := decision("", Local, g)
			v := EngineVersion{Runtime: rt, Where: d.Where, Verdict: d.Verdict, OnlyWhenItWorks: works || d.OnlyWhenItWorks, Best: d.Best,
				Effect: d.Effect, Interval: d.Interval, Against: d.Against}
			if works {
				v.Verdict = d.WhenItWorks
				v.Best = slices.DeleteFunc(v.Best, func(version string) bool { return slices.Contains(d.Slower, version) })
			}
			if v.Verdict == compare.Decided {
				v.Best = v.Best[:1]
			}
			all = append(all, v)
		}
	}
	return all
}

// failAlike reports whether as many trials of each arm ran, and as many failed.
func failAlike(trials []compare.Trial) bool {
	counts := map[string][2]int{}
	for _, t := range trials {
		c := counts[t.Arm]
		if c[0]++; !t.Ready {
			c[1]++
		}
		counts[t.Arm] = c
	}
	return len(slices.Compact(slices.Collect(maps.Values(counts)))) == 1
}
