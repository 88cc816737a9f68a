package testreport

import (
	"fmt"
	"io"
	"strings"

	"github.com/joshdk/go-junit"

	"github.com/stratbench/stratbench/internal/trial"
)

func readJUnit(r io.Reader) ([]trial.TestResult, error) {
	suites, err := junit.IngestReader(r)
	if err != nil {
		return nil, fmt.Errorf("reading the JUnit report: %w", err)
	}
	var results []trial.TestResult
	for _, s := range suites {
		results = append(results, junitResults(s)...)
	}
	return results, nil
}

func junitResults(s junit.Suite) []trial.TestResult {
	var results []trial.TestResult
	for _, t := range s.Tests {
		results = append(results, junitResult(t))
	}
	for _, inner := range s.Suites {
		results = append(results, junitResults(inner)...)
	}
	return results
}

func junitResult(t junit.Test) trial.TestResult {
	r := trial.TestResult{Name: t.Name, Length: seconds(t.Duration.Seconds())}
	if t.Classname != "" && !strings.HasPrefix(t.Name, t.Classname) {
		r.Name = t.Classname + "." + t.Name
	}
	switch t.Status {
	case junit.StatusPassed:
		r.Status = trial.TestPass
	case junit.StatusSkipped:
		r.Status = trial.TestSkip
	default:
		r.Status = trial.TestFail
		r.Output = ending(strings.Join([]string{t.SystemOut, t.SystemErr, errorText(t)}, "\n"))
	}
	return r
}

func errorText(t junit.Test) string {
	if t.Error == nil {
		return t.Message
	}
	return strings.TrimSpace(t.Message + "\n" + t.Error.Error())
}
