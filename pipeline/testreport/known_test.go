package testreport

import (
	"slices"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
)

// judged judges results that a command reported which then failed.
func judged(results []trial.TestResult, known []string) Judgement {
	var r Report
	for _, one := range results {
		r.add(one, 0, false)
	}
	return Judge(r, Exit{Known: true, Code: 1}, known)
}

func TestJudge(t *testing.T) {
	tests := []trial.TestResult{
		{Name: "TestA", Status: trial.TestFail},
		{Name: "TestB", Status: trial.TestFail},
		{Name: "TestB/one", Status: trial.TestPass},
		{Name: "TestB/two", Status: trial.TestFail},
		{Name: "TestC", Status: trial.TestPass},
		{Name: "TestD", Status: trial.TestSkip},
	}
	cases := []struct {
		name                  string
		known                 []string
		failed, fixed, absent []string
	}{
		{"nothing is known", nil, []string{"TestA", "TestB", "TestB/two"}, nil, nil},
		{"a known failure", []string{"TestA"}, []string{"TestB", "TestB/two"}, nil, nil},
		{"a known subtest excuses its parent", []string{"TestA", "TestB/two"}, nil, nil, nil},
		{"a known test covers its subtests", []string{"TestA", "TestB"}, nil, nil, nil},
		{"a known failure that passes", []string{"TestA", "TestB", "TestC"}, nil, []string{"TestC"}, nil},
		{"a known failure that is skipped", []string{"TestA", "TestB", "TestD"}, nil, nil, nil},
		{"no such test", []string{"TestA", "TestB", "Test"}, nil, nil, []string{"Test"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			j := judged(tests, c.known)
			if !slices.Equal(j.Failed, c.failed) || !slices.Equal(j.Fixed, c.fixed) || !slices.Equal(j.Absent, c.absent) {
				t.Errorf("got failed %q, fixed %q, absent %q", j.Failed, j.Fixed, j.Absent)
			}
		})
	}
}

func TestParentWithAnUnknownFailureIsNotExcused(t *testing.T) {
	tests := []trial.TestResult{
		{Name: "TestB", Status: trial.TestFail},
		{Name: "TestB/one", Status: trial.TestFail},
		{Name: "TestB/two", Status: trial.TestFail},
	}
	if j := judged(tests, []string{"TestB/one"}); !slices.Equal(j.Failed, []string{"TestB", "TestB/two"}) {
		t.Errorf("got %q", j.Failed)
	}
}

func TestKnownFailureIsFoundBehindItsPackage(t *testing.T) {
	tests := []trial.TestResult{{Name: "example.test/shop/till.TestA/x", Status: trial.TestFail}}
	if j := judged(tests, []string{"TestA/x"}); len(j.Failed) > 0 || !j.Tests[0].Known {
		t.Errorf("got %+v", j)
	}
}
