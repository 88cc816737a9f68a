package testreport

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
)

// ginkgoReport is what is read of one suite in ginkgo's JSON report, which is
// a list of them.
type ginkgoReport struct {
	SuiteDescription string
	SpecReports      []ginkgoSpec
}

type ginkgoSpec struct {
	ContainerHierarchyTexts []string
	LeafNodeType            string
	LeafNodeText            string
	State                   string
	RunTime                 int64 // nanoseconds
	Failure                 struct {
		Message  string
		Location struct {
			FileName   string
			LineNumber int
		}
	}
	CapturedGinkgoWriterOutput string
	CapturedStdOutErr          string
}

func readGinkgo(r io.Reader) ([]trial.TestResult, error) {
	var reports []ginkgoReport
	if err := json.NewDecoder(r).Decode(&reports); err != nil {
		return nil, fmt.Errorf("reading ginkgo's JSON report: %w", err)
	}
	var results []trial.TestResult
	for _, report := range reports {
		for _, spec := range report.SpecReports {
			if result := spec.result(); spec.LeafNodeType == "It" || result.Status == trial.TestFail {
				results = append(results, result)
			}
		}
	}
	return results, nil
}

func (s ginkgoSpec) result() trial.TestResult {
	r := trial.TestResult{
		Name:   s.name(),
		Status: ginkgoStatus(s.State),
		Length: seconds(time.Duration(s.RunTime).Seconds()),
	}
	if r.Status == trial.TestFail {
		r.Output = ending(s.failure())
	}
	return r
}

// name is the spec's full text; a node that is no spec (BeforeSuite) has none
// and goes by its type.
func (s ginkgoSpec) name() string {
	words := append([]string{}, s.ContainerHierarchyTexts...)
	if s.LeafNodeType != "It" {
		words = append(words, "["+s.LeafNodeType+"]")
	}
	if s.LeafNodeText != "" {
		words = append(words, s.LeafNodeText)
	}
	return strings.Join(words, " ")
}

// ginkgoStatus reads a state. Every way of not passing that is not a skip
// (failed, panicked, interrupted, aborted, timedout) is a failure.
func ginkgoStatus(state string) trial.TestStatus {
	switch state {
	case "passed":
		return trial.TestPass
	case "skipped", "pending", "":
		return trial.TestSkip
	}
	return trial.TestFail
}

func (s ginkgoSpec) failure() string {
	place := fmt.Sprintf("%s:%d", s.Failure.Location.FileName, s.Failure.Location.LineNumber)
	return strings.Join([]string{s.CapturedGinkgoWriterOutput, s.CapturedStdOutErr, s.State + " at " + place, s.Failure.Message}, "\n")
}
