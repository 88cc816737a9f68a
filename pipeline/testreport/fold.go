package testreport

import (
	"maps"
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
)

// fold puts the attempts at a test together if one of them failed: the test is flaky if the
// last attempt passed and the suite succeeded because of that. Only results in different
// runs are attempts. It also returns how many results passed and were skipped, not kept.
func (r *Report) fold(success bool) (tests []trial.TestResult, passed, skipped int) {
	attempts := map[uint64][]int32{} // places in results of each test that failed
	for _, one := range r.results {
		if r.result(one).Status == trial.TestFail {
			attempts[one.test] = nil
		}
	}
	for i, one := range r.results {
		if all, failed := attempts[one.test]; failed {
			attempts[one.test] = append(all, int32(i))
		}
	}
	maps.DeleteFunc(attempts, func(_ uint64, all []int32) bool {
		return !slices.ContainsFunc(all, func(i int32) bool { return r.results[i].run != r.results[all[0]].run })
	})
	for i, one := range r.results {
		all, several := attempts[one.test]
		switch {
		case several && all[0] == int32(i):
			tests = append(tests, r.foldOne(all, success))
		case several:
		case one.place == passedNotKept:
			passed++
		case one.place == skippedNotKept:
			skipped++
		case len(attempts) > 0:
			tests = append(tests, r.Tests[one.place])
		}
	}
	if len(attempts) == 0 {
		tests = r.Tests
	}
	return tests, passed, skipped
}

// foldOne is the last attempt, with the message of the last failure. A skip is
// not an attempt.
func (r *Report) foldOne(all []int32, success bool) trial.TestResult {
	var last, failure trial.TestResult
	run, passed, tried := int32(-1), false, 0
	for _, i := range all {
		t := r.result(r.results[i])
		if t.Status == trial.TestSkip {
			continue
		}
		if r.results[i].run != run {
			run, passed, tried = r.results[i].run, true, tried+1
		}
		last = t
		if t.Status == trial.TestFail {
			failure, passed = t, false
		}
	}
	if passed && (success || last.Flaky) {
		last.Name, last.Flaky, last.Message = failure.Name, true, failure.Message
	} else {
		last = failure
	}
	last.Attempts = max(tried, last.Attempts)
	return last
}
