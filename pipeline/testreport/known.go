package testreport

import (
	"slices"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
)

// Judgement is a suite's results seen against its known failures.
type Judgement struct {
	// Tests are the results, those that failed as known marked Known.
	Tests []trial.TestResult
	// Failed are the names of the tests that failed and are not known to.
	Failed []string
	// Fixed are known failures that passed; Absent are known failures that
	// are no test of the suite.
	Fixed  []string
	Absent []string
}

// Judge marks what is known. A known failure is named as in the results, or
// by the end of that name after its package; it covers its subtests. A test
// that fails because of its subtests is known when all its failed subtests are.
func Judge(tests []trial.TestResult, known []string) Judgement {
	j := Judgement{Tests: slices.Clone(tests)}
	for i := range j.Tests {
		j.Tests[i].Known = j.Tests[i].Status == trial.TestFail && covered(known, j.Tests[i].Name)
	}
	excuseParents(j.Tests)
	for _, t := range j.Tests {
		if t.Status == trial.TestFail && !t.Known {
			j.Failed = append(j.Failed, t.Name)
		}
		if t.Status == trial.TestPass && listed(known, t.Name) {
			j.Fixed = append(j.Fixed, t.Name)
		}
	}
	for _, name := range known {
		if !slices.ContainsFunc(tests, func(t trial.TestResult) bool { return listed([]string{name}, t.Name) }) {
			j.Absent = append(j.Absent, name)
		}
	}
	return j
}

func listed(known []string, name string) bool {
	return slices.ContainsFunc(known, func(k string) bool {
		return k == name || (k != "" && strings.HasSuffix(name, "."+k))
	})
}

// covered is true of a test that is listed, and of the subtests of one.
func covered(known []string, name string) bool {
	for parent := name; ; {
		if listed(known, parent) {
			return true
		}
		cut := strings.LastIndexByte(parent, '/')
		if cut < 0 {
			return false
		}
		parent = parent[:cut]
	}
}

// excuseParents marks failed tests whose failed subtests are all known,
// innermost first.
func excuseParents(tests []trial.TestResult) {
	byDepth := make([]int, len(tests))
	for i := range tests {
		byDepth[i] = i
	}
	slices.SortStableFunc(byDepth, func(a, b int) int {
		return strings.Count(tests[b].Name, "/") - strings.Count(tests[a].Name, "/")
	})
	for _, i := range byDepth {
		if tests[i].Status == trial.TestFail && !tests[i].Known {
			tests[i].Known = subtestsExplain(tests, tests[i].Name)
		}
	}
}

func subtestsExplain(tests []trial.TestResult, parent string) bool {
	explained := false
	for _, t := range tests {
		if t.Status != trial.TestFail || !strings.HasPrefix(t.Name, parent+"/") {
			continue
		}
		if !t.Known {
			return false
		}
		explained = true
	}
	return explained
}
