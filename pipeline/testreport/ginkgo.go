package testreport

import (
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
	report Report
	suite  ginkgoSuite
	spec   ginkgoSpec
	// any is set once something of a report was read.
	any bool
}

type ginkgoSuite struct {
	name, path string
	// unsuccessful is set when the report says so.
	unsuccessful bool
	reasons      []string
	failed       bool
}

type ginkgoSpec struct {
	texts            []string
	node, leaf       string
	state            string
	length           trial.Seconds
	message, panic   string
	file, line       string
	writer, captured string
	attempts         int
	// flakeAttempts is how often it was allowed to be tried.
	flakeAttempts int
}

func readGinkgo(r io.Reader) (Report, error) {
	g := &ginkgoReader{}
	doc := newJSON(r)
	doc.value, doc.leave = g.value, g.leave
	err := doc.read()
	if doc.cut {
		g.endSpec(true)
		g.endSuite()
		g.report.reason(trial.CauseTruncated, "the report is truncated"+g.report.lastTest())
	}
	if !g.any && err == nil && !doc.cut {
		g.report.reason(trial.CauseNoResults, "there is no ginkgo report in it")
	}
	return g.report, err
}

// specPath is the path inside a spec, and ok is false outside of specs.
func specPath(at []string) (inside []string, ok bool) {
	i := slices.Index(at, "SpecReports")
	if i < 0 || i+1 >= len(at) {
		return nil, false
	}
	return at[i+2:], true
}

func (g *ginkgoReader) value(at []string, text string) {
	if inside, ok := specPath(at); ok {
		g.spec.set(inside, text)
		return
	}
	last := at[max(0, len(at)-1):]
	if len(at) > 1 && at[len(at)-1] == element {
		last = at[len(at)-2:]
	}
	switch strings.Join(last, ".") {
	case "SuiteDescription":
		g.suite.name, g.any = text, true
	case "SuitePath":
		g.suite.path, g.any = text, true
	case "SuiteSucceeded":
		g.suite.unsuccessful, g.any = text == "false", true
	case "SpecialSuiteFailureReasons." + element:
		g.suite.reasons = append(g.suite.reasons, text)
	}
}

func (s *ginkgoSpec) set(inside []string, text string) {
	number, _ := strconv.Atoi(text)
	switch strings.Join(inside, ".") {
	case "ContainerHierarchyTexts." + element:
		s.texts = append(s.texts, text)
	case "LeafNodeType":
		s.node = text
	case "LeafNodeText":
		s.leaf = text
	case "State":
		s.state = text
	case "RunTime": // nanoseconds
		s.length = seconds(time.Duration(number).Seconds())
	case "Failure.Message":
		s.message = text
	case "Failure.ForwardedPanic":
		s.panic = text
	case "Failure.Location.FileName":
		s.file = text
	case "Failure.Location.LineNumber":
		s.line = text
	case "CapturedGinkgoWriterOutput":
		s.writer = text
	case "CapturedStdOutErr":
		s.captured = text
	case "NumAttempts":
		s.attempts = number
	case "MaxFlakeAttempts":
		s.flakeAttempts = number
	}
}

func (g *ginkgoReader) leave(at []string) {
	if inside, ok := specPath(at); ok {
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
	s := g.spec
	g.spec = ginkgoSpec{}
	if s.node == "" && s.state == "" && s.leaf == "" && len(s.texts) == 0 {
		return
	}
	g.any = true
	r := s.result()
	if r.Status == trial.TestFail {
		g.suite.failed = true
	} else if cut || s.node != "It" {
		return
	}
	g.report.add(r, 0)
}

func (g *ginkgoReader) endSuite() {
	s := g.suite
	g.suite = ginkgoSuite{}
	if !s.unsuccessful {
		return
	}
	name := s.name
	if name == "" {
		name = path.Base(strings.ReplaceAll(s.path, `\`, "/"))
	}
	for _, reason := range s.reasons {
		g.report.reason(ginkgoCause(reason), fmt.Sprintf("suite %s: %s", name, oneLine(reason)))
	}
	if len(s.reasons) == 0 && !s.failed {
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

func (s ginkgoSpec) result() trial.TestResult {
	r := trial.TestResult{Name: s.name(), Status: ginkgoStatus(s.state), Length: s.length}
	retried := s.flakeAttempts > 1 && s.attempts > 1
	if retried {
		r.Attempts = s.attempts
		r.Flaky = r.Status == trial.TestPass
	}
	if r.Status == trial.TestFail {
		r.Message = oneLine(s.why())
		place := s.state + " at " + s.file + ":" + s.line
		r.Output = ending(strings.Join([]string{s.writer, s.captured, place, s.message, s.panic}, "\n"))
	}
	return r
}

// why is the panic's value where there is one, and the failure's message
// behind the state where that says more.
func (s ginkgoSpec) why() string {
	switch {
	case s.panic != "":
		return "panic: " + s.panic
	case s.state != "failed" && s.message != "":
		return s.state + ": " + s.message
	case s.message != "":
		return s.message
	}
	return s.state
}

// name is the spec's full text; a node that is no spec (BeforeSuite) has none
// and goes by its type.
func (s ginkgoSpec) name() string {
	words := slices.DeleteFunc(slices.Clone(s.texts), func(text string) bool { return text == "" })
	if s.node != "It" {
		words = append(words, "["+s.node+"]")
	}
	if s.leaf != "" {
		words = append(words, s.leaf)
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
