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
// failed otherwise. Results of one name in one run are no attempts (-count=N),
// and tests that share a name and all passed are told apart by nobody. The
// tests of the report are left as they are.
func (r Report) fold(success bool) []trial.TestResult {
	folded, dropped := r.Tests, []bool(nil)
	byName(r.Tests, func(all []int32) {
		if !r.areAttempts(all) {
			return
		}
		if dropped == nil {
			folded, dropped = slices.Clone(r.Tests), make([]bool, len(r.Tests))
		}
		folded[all[0]] = r.foldOne(all, success)
		for _, i := range all[1:] {
			dropped[i] = true
		}
	})
	if dropped == nil {
		return folded
	}
	kept := folded[:0]
	for i, t := range folded {
		if !dropped[i] {
			kept = append(kept, t)
		}
	}
	return kept
}

// areAttempts says whether results of one name lie in several runs, and one of
// them failed.
func (r Report) areAttempts(all []int32) bool {
	several := slices.ContainsFunc(all, func(i int32) bool { return r.Runs[i] != r.Runs[all[0]] })
	return several && slices.ContainsFunc(all, func(i int32) bool { return r.Tests[i].Status == trial.TestFail })
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
