package testreport

import (
	"slices"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
)

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
	above := map[string]bool{} // of known failures: all others are excused by nothing
	for _, i := range byDepth {
		t := &tests[i]
		if t.Status == trial.TestFail && !t.Known && above[t.Name] {
			t.Known = subtestsExplain(tests, t.Name)
		}
		if cut := strings.LastIndexByte(t.Name, '/'); t.Known && cut > 0 {
			above[t.Name[:cut]] = true
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
