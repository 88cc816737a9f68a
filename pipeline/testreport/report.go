// Package testreport reads what a test suite did from what it printed or
// wrote, and judges it: pass, fail or skip per test, subtests included, and
// every other reason for which the suite failed.
package testreport

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"regexp"
	"slices"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
)

// Format is the form of a suite's results.
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
	// ExitCode is a command whose exit code is its only result.
	ExitCode Format = "exit-code"
)

// Formats lists every Format.
func Formats() []Format { return []Format{GoJSON, GoVerbose, GinkgoJSON, JUnit, ExitCode} }

// ParseFormat finds the format with that name.
func ParseFormat(name string) (Format, error) {
	if !slices.Contains(Formats(), Format(name)) {
		return "", fmt.Errorf("%q is not a known test format; known are go-json, go-verbose, ginkgo-json, junit and exit-code", name)
	}
	return Format(name), nil
}

// Streams reports whether the format needs no report file.
func (f Format) Streams() bool { return f == GoJSON || f == GoVerbose || f == ExitCode }

// Read reads all of r, in whatever encoding. It hands each line that a person
// would want to see to print as it comes. What was read before an error, which
// is one of reading, is returned with it.
func (f Format) Read(r io.Reader, print func(line string)) (Report, error) {
	r = asUTF8(r)
	switch f {
	case GoJSON:
		return readGoJSON(r, print)
	case GoVerbose:
		return readGoVerbose(r, print)
	case GinkgoJSON:
		return readGinkgo(r)
	case JUnit:
		return readJUnit(r)
	case ExitCode:
		return Report{}, eachLine(r, print)
	}
	return Report{}, fmt.Errorf("reading test results: %q is not a known format", f)
}

var (
	ginkgoStart  = regexp.MustCompile(`"(SuitePath|SuiteDescription|SpecReports|SuiteSucceeded)"\s*:`)
	verboseStart = regexp.MustCompile(`(?m)^[^\n]*(=== RUN |--- (PASS|FAIL|SKIP): |` + mark + ` *(===|---|PASS|FAIL|ok))|^(ok  |FAIL|\?   )\t|^(PASS|FAIL)\r?$`)
	junitStart   = regexp.MustCompile(`(?i)<([a-z]+:)?testsuites?[\s/>]|<testcase\s`)
)

// Recognise finds the format of a report. What it has read of r is read again
// from the reader that it returns.
func Recognise(r io.Reader) (Format, io.Reader, error) {
	const looked = 256 << 10
	in := bufio.NewReaderSize(r, looked)
	raw, err := in.Peek(looked)
	if err != nil && err != io.EOF {
		return "", in, fmt.Errorf("reading the report: %w", err)
	}
	// Read decodes it once more from its first byte, so that only a copy is
	// decoded here.
	start, err := io.ReadAll(asUTF8(bytes.NewReader(raw)))
	if err != nil {
		return "", in, fmt.Errorf("decoding the report: %w", err)
	}
	switch {
	case len(bytes.TrimSpace(start)) == 0:
		return JUnit, in, nil // an empty report says nothing in any format
	case eventStart.Match(start) && bytes.Contains(start, []byte(`"Action"`)):
		return GoJSON, in, nil
	case ginkgoStart.Match(start):
		return GinkgoJSON, in, nil
	case junitStart.Match(start):
		return JUnit, in, nil
	case verboseStart.Match(start):
		return GoVerbose, in, nil
	}
	return "", in, fmt.Errorf("its format is not recognised; say which it is with --format go-json, go-verbose, ginkgo-json or junit")
}

// Whole is the report of a command whose exit code is its only result: one test,
// which has its name.
func Whole(name string, exit Exit, length trial.Seconds) Report {
	t := trial.TestResult{Name: name, Status: trial.TestPass, Length: length}
	if !exit.succeeded() {
		t.Status, t.Message = trial.TestFail, exit.String()
	}
	return Report{Tests: []trial.TestResult{t}, Runs: []int32{0}}
}

// Report is what a suite reported.
type Report struct {
	// Tests are in the order in which they started, and Runs says in which run
	// each was: results of one name in several runs are attempts at one test,
	// and in one run each is a result of its own.
	Tests []trial.TestResult
	Runs  []int32
	// Reasons are why the suite failed, apart from its tests.
	Reasons []Reason
	// Doubts are what does not fit together in the report: reasons, unless the
	// command said that the suite succeeded.
	Doubts []Reason
	// Remarks are counts in the report that its results do not bear out, and
	// that fail no suite: dialects count differently.
	Remarks []string
	// Succeeded is what the report says of the suite as a whole, where it does.
	Succeeded *bool

	kept int
}

// Reason is one reason for which a suite failed: a cause, in a word, and a
// sentence.
type Reason struct {
	Cause trial.Cause `json:"cause"`
	Text  string      `json:"text"`
}

func (r *Report) reason(cause trial.Cause, text string) {
	r.Reasons = append(r.Reasons, Reason{cause, text})
}

// keptOfAll bounds the output that is kept of all tests together. What failed
// after that has its message alone.
const keptOfAll = 8 << 20

func (r *Report) add(t trial.TestResult, run int32) {
	if t.Status == trial.TestPass {
		t.Output = ""
	}
	if r.kept += len(t.Output); r.kept > keptOfAll {
		t.Output = ""
	}
	r.Tests, r.Runs = append(r.Tests, t), append(r.Runs, run)
}

// lastTest names the last test that was read: ", after TestX".
func (r *Report) lastTest() string {
	if len(r.Tests) == 0 {
		return ""
	}
	return ", after " + r.Tests[len(r.Tests)-1].Name
}

// Join puts reports of one suite together: tests that several name are
// attempts at one.
func Join(reports []Report) Report {
	if len(reports) == 1 {
		return reports[0]
	}
	var all Report
	runs := int32(0)
	for _, r := range reports {
		most := int32(0)
		for _, run := range r.Runs {
			most = max(most, run)
			all.Runs = append(all.Runs, runs+run)
		}
		all.Tests = append(all.Tests, r.Tests...)
		runs += most + 1
		all.Reasons, all.Doubts = append(all.Reasons, r.Reasons...), append(all.Doubts, r.Doubts...)
		all.Remarks = append(all.Remarks, r.Remarks...)
		if all.Succeeded == nil || r.Succeeded != nil && !*r.Succeeded {
			all.Succeeded = r.Succeeded
		}
	}
	return all
}

// seconds turns a number of seconds from a report into a length; nonsense
// (negative, NaN, centuries) is 0.
func seconds(f float64) trial.Seconds {
	const longest = float64(1000 * time.Hour / time.Second)
	if !(f > 0 && f < longest) {
		return 0
	}
	return trial.Seconds(f * float64(time.Second))
}
