package testreport

import (
	"cmp"
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
)

// byName calls do for each name with the places of its tests, in order. A
// report may have very many tests: a map of them would take more than they do.
func byName(tests []Test, do func(all []int32)) {
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
// and tests that share a name and all passed are told apart by nobody.
func fold(tests []Test, success bool) []trial.TestResult {
	dropped, put := make([]bool, len(tests)), map[int32]trial.TestResult{}
	byName(tests, func(all []int32) {
		if areAttempts(tests, all) {
			put[all[0]] = foldOne(tests, all, success)
			for _, i := range all[1:] {
				dropped[i] = true
			}
		}
	})
	folded := make([]trial.TestResult, 0, len(tests))
	for i, t := range tests {
		if one, attempts := put[int32(i)]; attempts {
			folded = append(folded, one)
		} else if !dropped[i] {
			folded = append(folded, t.TestResult)
		}
	}
	return folded
}

// areAttempts says whether results of one name lie in several runs, and one of
// them failed.
func areAttempts(tests []Test, all []int32) bool {
	first := tests[all[0]].Run
	several := slices.ContainsFunc(all, func(i int32) bool { return tests[i].Run != first })
	return several && slices.ContainsFunc(all, func(i int32) bool { return tests[i].Status == trial.TestFail })
}

// foldOne is the last attempt, with what the last failure said. A skip is no
// attempt.
func foldOne(tests []Test, all []int32, success bool) trial.TestResult {
	var last, failure trial.TestResult
	lastRun, passed, tried := -1, false, 0
	for _, i := range all {
		t := tests[i]
		if t.Status == trial.TestSkip {
			continue
		}
		if t.Run != lastRun {
			lastRun, passed, tried = t.Run, true, tried+1
		}
		last = t.TestResult
		if t.Status == trial.TestFail {
			failure, passed = t.TestResult, false
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
