package testreport

import (
	"cmp"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
)

// ginkgoReader reads ginkgo's JSON report: a list of suites, each with a list
// of specs. Several reports may follow one another.
type ginkgoReader struct {
	report *Report
	// suite and spec are the fields of those that are being read, by their paths.
	suite, spec    fields
	reasons, texts []string // of the suite, of the spec
	// failed is set when a spec of the suite failed, any once something of a
	// report was read.
	failed, any bool
}

type fields map[string]string

func (f fields) number(name string) int {
	n, _ := strconv.Atoi(f[name]) // 0 if it is not there
	return n
}

func readGinkgo(r io.Reader, report *Report) error {
	g := &ginkgoReader{report: report, suite: fields{}, spec: fields{}}
	doc := &jsonText{input: newInput(r), value: g.value, leave: g.leave}
	err := doc.read()
	if doc.cut {
		g.endSpec(true)
		g.endSuite()
		report.reason(trial.CauseTruncated, "the report is truncated"+report.lastTest())
	} else if !g.any && err == nil {
		report.reason(trial.CauseNoResults, "the file has no ginkgo report")
	}
	return err
}

// inSpec is the path inside a spec, and ok is false outside of specs.
func inSpec(at []string) (inside []string, ok bool) {
	i := slices.Index(at, "SpecReports")
	if i < 0 || i+1 >= len(at) {
		return nil, false
	}
	return at[i+2:], true
}

func (g *ginkgoReader) value(at []string, text string) {
	if inside, ok := inSpec(at); ok {
		if name := strings.Join(inside, "."); name == "ContainerHierarchyTexts."+element {
			g.texts = append(g.texts, text)
		} else {
			g.spec[name] = text
		}
		return
	}
	if len(at) == 0 {
		return
	}
	switch name := at[len(at)-1]; {
	case name == "SuiteDescription", name == "SuitePath", name == "SuiteSucceeded":
		g.suite[name], g.any = text, true
	case name == element && len(at) > 1 && at[len(at)-2] == "SpecialSuiteFailureReasons":
		g.reasons = append(g.reasons, text)
	}
}

func (g *ginkgoReader) leave(at []string) {
	if inside, ok := inSpec(at); ok {
		if len(inside) == 0 {
			g.endSpec(false)
		}
		return
	}
	if len(at) == 0 || at[len(at)-1] == element {
		g.endSuite()
	}
}

// endSpec notes a spec that is complete; of one that is not, only that it
// failed is known.
func (g *ginkgoReader) endSpec(cut bool) {
	s, texts := g.spec, g.texts
	g.spec, g.texts = fields{}, nil
	if s["LeafNodeType"] == "" && s["State"] == "" && s["LeafNodeText"] == "" && len(texts) == 0 {
		return
	}
	g.any = true
	r := s.result(texts)
	if r.Status == trial.TestFail {
		g.failed = true
	} else if cut || s["LeafNodeType"] != "It" {
		return
	}
	g.report.add(r, 0, false)
}

func (g *ginkgoReader) endSuite() {
	s, reasons, failed := g.suite, g.reasons, g.failed
	g.suite, g.reasons, g.failed = fields{}, nil, false
	if s["SuiteSucceeded"] != "false" {
		return
	}
	name := cmp.Or(s["SuiteDescription"], path.Base(strings.ReplaceAll(s["SuitePath"], `\`, "/")))
	for _, reason := range reasons {
		g.report.reason(ginkgoCause(reason), fmt.Sprintf("suite %s: %s", name, oneLine(reason)))
	}
	if len(reasons) == 0 && !failed {
		g.report.reason(trial.CauseSetup, fmt.Sprintf("suite %s did not succeed, and none of its specs failed", name))
	}
}

// ginkgoCause reads a SpecialSuiteFailureReason.
func ginkgoCause(reason string) trial.Cause {
	text := strings.ToLower(reason)
	switch {
	case strings.Contains(text, "compile"):
		return trial.CauseBuild
	case strings.Contains(text, "timeout"), strings.Contains(text, "timed out"):
		return trial.CauseSuiteTimeout
	case strings.Contains(text, "interrupt"), strings.Contains(text, "abort"):
		return trial.CauseInterrupted
	}
	return trial.CauseSetup
}

// result is a spec's. Every state that is neither passed nor a skip (failed,
// panicked, interrupted, aborted, timedout) is a failure.
func (s fields) result(texts []string) trial.TestResult {
	state := s["State"]
	r := trial.TestResult{Status: trial.TestFail, Length: seconds(time.Duration(s.number("RunTime")).Seconds())}
	switch state {
	case "passed":
		r.Status = trial.TestPass
	case "skipped", "pending", "":
		r.Status = trial.TestSkip
	}
	// The name is the spec's full text; a node that is no spec (BeforeSuite) has
	// none and goes by its type.
	if node := s["LeafNodeType"]; node != "It" {
		texts = append(texts, "["+node+"]")
	}
	texts = append(texts, s["LeafNodeText"])
	r.Name = strings.Join(slices.DeleteFunc(texts, func(text string) bool { return text == "" }), " ")
	if n := s.number("NumAttempts"); n > 1 && s.number("MaxFlakeAttempts") > 1 {
		r.Attempts = n
		r.Flaky = r.Status == trial.TestPass
	}
	if r.Status != trial.TestFail {
		return r
	}
	message, panicked := s["Failure.Message"], s["Failure.ForwardedPanic"]
	switch {
	case panicked != "":
		r.Message = "panic: " + panicked
	case state != "failed" && message != "":
		r.Message = state + ": " + message
	default:
		r.Message = cmp.Or(message, state)
	}
	r.Message = oneLine(r.Message)
	place := state + " at " + s["Failure.Location.FileName"] + ":" + s["Failure.Location.LineNumber"]
	r.Output = ending(strings.Join([]string{s["CapturedGinkgoWriterOutput"], s["CapturedStdOutErr"], place, message, panicked}, "\n"))
	return r
}
