package answer

import (
	"math"
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
	// OnlyWhenItWorks is that the verdict holds without failures: those that were seen are as
	// many of each version, and others could reverse it.
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
		for _, g := range compare.Decide(of[rt], places, compare.Goal{Indifference: indifference}).Groups {
			d := decision("", Local, g)
			v := EngineVersion{Runtime: rt, Where: d.Where, Verdict: d.Verdict, OnlyWhenItWorks: d.OnlyWhenItWorks, Best: d.Best,
				Effect: d.Effect, Interval: d.Interval, Against: d.Against}
			first := g.Arms[0]
			uneven := slices.ContainsFunc(g.Arms, func(a compare.Arm) bool { return a.N != first.N || a.Failed+a.Slow != first.Failed+first.Slow })
			if d.Verdict == compare.Undecided && !uneven {
				v.Verdict = d.WhenItWorks
				v.Best = slices.DeleteFunc(v.Best, func(version string) bool { return slices.Contains(d.Slower, version) })
			}
			switch {
			case v.Verdict != compare.Decided:
			case v.Effect != nil && math.Abs(*v.Effect) < indifference: // nobody changes an engine for that
				v.Verdict, v.Best = compare.Tied, []string{v.Best[0], v.Against}
			default:
				v.Best = v.Best[:1]
			}
			all = append(all, v)
		}
	}
	return all
}
