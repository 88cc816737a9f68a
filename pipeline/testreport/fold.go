package testreport

import (
	"cmp"
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
)

// byName calls do for each name with the places of its tests, in order. A
// report may have very many tests: a map of them would take more than they do.
func byName(tests []trial.TestResult, do func(all []int32)) {
	places := make([]int32, len(tests))
	for i := range places {
		places[i] = int32(i)
	}
	slices.SortFunc(places, func(a, b int32) int {
		return cmp.Or(cmp.Compare(tests[a].Name, tests[b].Name), cmp.Compare(a, b))
	})
	for len(places) > 0 {
		same := 1
		for same < len(places) && tests[places[same]].Name == tests[places[0]].Name {
			same++
		}
		do(places[:same])
		places = places[same:]
	}
}

// fold puts the attempts at one test together, where one of them failed: it is
// flaky when the last attempt passed and the suite succeeded by that, and has
// failed otherwise. Attempts lie in several runs: results of one name in one run
// are none (-count=N), and tests that share a name and all passed are not told
// apart.
func (r Report) fold(success bool) []trial.TestResult {
	dropped := map[int32]bool{}
	byName(r.Tests, func(all []int32) {
		several := slices.ContainsFunc(all, func(i int32) bool { return r.Runs[i] != r.Runs[all[0]] })
		if !several || !slices.ContainsFunc(all, func(i int32) bool { return r.Tests[i].Status == trial.TestFail }) {
			return
		}
		r.Tests[all[0]] = r.foldOne(all, success)
		for _, i := range all[1:] {
			dropped[i] = true
		}
	})
	if len(dropped) == 0 {
		return r.Tests
	}
	kept := r.Tests[:0]
	for i, t := range r.Tests {
		if !dropped[int32(i)] {
			kept = append(kept, t)
		}
	}
	return kept
}

// foldOne is the last attempt, with what the last failure said. A skip is no
// attempt.
func (r Report) foldOne(all []int32, success bool) trial.TestResult {
	var last, failure trial.TestResult
	run, passed, tried := int32(-1), false, 0
	for _, i := range all {
		t := r.Tests[i]
		if t.Status == trial.TestSkip {
			continue
		}
		if r.Runs[i] != run {
			run, passed, tried = r.Runs[i], true, tried+1
		}
		last = t
		if t.Status == trial.TestFail {
			failure, passed = t, false
		}
	}
	if passed && (success || last.Flaky) {
		last.Flaky, last.Message = true, failure.Message
	} else {
		last = failure
	}
	last.Attempts = max(tried, last.Attempts)
	return last
}
