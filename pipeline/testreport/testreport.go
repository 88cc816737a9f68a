// Package testreport reads what a test suite did from what it printed or
// wrote: pass, fail or skip per test, subtests included.
package testreport

import (
	"fmt"
	"io"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
)

// Format is how a suite tells its results.
type Format string

// The formats that can be read.
const (
	// GoJSON is what go test -json prints.
	GoJSON Format = "go-json"
	// GoVerbose is what a test binary prints with -test.v=test2json, or with
	// -test.v alone (a test that prints "--- PASS" itself then misleads).
	GoVerbose Format = "go-verbose"
	// GinkgoJSON is the file of ginkgo's --json-report.
	GinkgoJSON Format = "ginkgo-json"
	// JUnit is JUnit XML in any of its dialects.
	JUnit Format = "junit"
)

// Formats lists every Format.
func Formats() []Format { return []Format{GoJSON, GoVerbose, GinkgoJSON, JUnit} }

// ParseFormat finds the format with that name.
func ParseFormat(name string) (Format, error) {
	for _, f := range Formats() {
		if string(f) == name {
			return f, nil
		}
	}
	return "", fmt.Errorf("%q is not a known test format; known are go-json, go-verbose, ginkgo-json and junit", name)
}

// Streams is true of a format that is printed while the suite runs, so that
// no report file is needed.
func (f Format) Streams() bool { return f == GoJSON || f == GoVerbose }

// Read reads all of r. It hands each line that a person would want to see to
// print as it comes. The results read before an error are returned with it.
func (f Format) Read(r io.Reader, print func(line string)) ([]trial.TestResult, error) {
	switch f {
	case GoJSON:
		return readGoJSON(r, print)
	case GoVerbose:
		return readGoVerbose(r, print)
	case GinkgoJSON:
		return readGinkgo(r)
	case JUnit:
		return readJUnit(r)
	}
	return nil, fmt.Errorf("reading test results: %q is not a known format", f)
}

// keptOutput bounds what is kept of a failed test's output: its end.
const keptOutput = 16 << 10

// suite gathers tests in the order in which they started.
type suite struct {
	tests []*test
	byKey map[string]*test
}

type test struct {
	pkg, name string
	status    trial.TestStatus
	length    trial.Seconds
	output    []byte
}

// at returns the test, which it adds when it is new.
func (s *suite) at(pkg, name string) *test {
	key := pkg + "\x00" + name
	if t, ok := s.byKey[key]; ok {
		return t
	}
	if s.byKey == nil {
		s.byKey = map[string]*test{}
	}
	t := &test{pkg: pkg, name: name}
	s.tests, s.byKey[key] = append(s.tests, t), t
	return t
}

func (t *test) print(text string) {
	t.output = append(t.output, text...)
	if over := len(t.output) - keptOutput; over > keptOutput {
		t.output = append(t.output[:0], t.output[over:]...)
	}
}

func (t *test) end(status trial.TestStatus, length trial.Seconds) {
	t.status, t.length = status, length
	if status == trial.TestPass {
		t.output = nil
	}
}

// results names the tests: with their package where there are several. A test
// that never ended has failed: the suite died in it.
func (s *suite) results() []trial.TestResult {
	several := false
	for _, t := range s.tests {
		several = several || t.pkg != s.tests[0].pkg
	}
	results := make([]trial.TestResult, 0, len(s.tests))
	for _, t := range s.tests {
		r := trial.TestResult{Name: t.name, Status: t.status, Length: t.length, Output: ending(string(t.output))}
		if several && t.pkg != "" {
			r.Name = t.pkg + "." + t.name
		}
		if r.Status == "" {
			r.Status = trial.TestFail
			r.Output = strings.TrimLeft(r.Output+"\nthe test never ended: the suite stopped in it", "\n")
		}
		results = append(results, r)
	}
	return results
}

// ending is the last part of text that is kept in a record.
func ending(text string) string {
	text = strings.TrimRight(strings.ToValidUTF8(text, "\uFFFD"), "\n")
	if len(text) > keptOutput {
		text = strings.ToValidUTF8(text[len(text)-keptOutput:], "")
	}
	return text
}
