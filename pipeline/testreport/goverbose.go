package testreport

import (
	"io"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
)

// mark starts a framing line in the output of -test.v=test2json, wherever in
// the line the test's own output had got to.
const mark = "\x16"

// readGoVerbose reads what a test binary prints, without the Go toolchain.
func readGoVerbose(r io.Reader, print func(string)) ([]trial.TestResult, error) {
	v := verbose{}
	err := eachLine(r, func(line string) {
		print(strings.ReplaceAll(line, mark, ""))
		v.line(line)
	})
	return v.suite.results(), err
}

// verbose follows which test is speaking.
type verbose struct {
	suite   suite
	current *test
	// marked is set by the first mark: from then on, a line without one is
	// output, whatever it looks like.
	marked bool
}

func (v *verbose) line(line string) {
	before, frame, found := strings.Cut(line, mark)
	if found {
		v.marked = true
		v.output(before)
		v.frame(strings.TrimLeft(frame, " "))
		return
	}
	if !v.marked && v.frame(strings.TrimLeft(line, " ")) {
		return
	}
	v.output(line + "\n")
}

func (v *verbose) output(text string) {
	if v.current != nil && text != "" {
		v.current.print(text)
	}
}

// frame takes a framing line, and returns false when it is none.
func (v *verbose) frame(line string) bool {
	for _, prefix := range []string{"=== RUN ", "=== CONT ", "=== NAME "} {
		if name, ok := strings.CutPrefix(line, prefix); ok {
			v.turnTo(strings.TrimSpace(name))
			return true
		}
	}
	if strings.HasPrefix(line, "=== PAUSE ") {
		v.current = nil
		return true
	}
	for prefix, status := range endings {
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			return v.ended(rest, status)
		}
	}
	return strings.HasPrefix(line, "=== ")
}

var endings = map[string]trial.TestStatus{
	"--- PASS: ":  trial.TestPass,
	"--- BENCH: ": trial.TestPass,
	"--- FAIL: ":  trial.TestFail,
	"--- SKIP: ":  trial.TestSkip,
}

// turnTo makes name the test whose output follows. No name is no test.
func (v *verbose) turnTo(name string) {
	v.current = nil
	if name != "" {
		v.current = v.suite.at("", name)
	}
}

// ended reads "TestName/sub (0.00s)". What follows an end belongs to the test
// until another one speaks: without -test.v=test2json, its log comes there.
func (v *verbose) ended(rest string, status trial.TestStatus) bool {
	name, took, found := strings.Cut(rest, " (")
	took, closed := strings.CutSuffix(took, ")")
	length, err := time.ParseDuration(took)
	if !found || !closed || err != nil || name == "" {
		return false
	}
	v.turnTo(name)
	v.current.end(status, seconds(length.Seconds()))
	return true
}
