// Package testreport reads what a test suite did from what it printed or
// wrote, and judges it: pass, fail or skip per test, subtests included, and
// every other reason for which the suite failed.
package testreport

import (
	"bufio"
	"bytes"
	"fmt"
	"hash/maphash"
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
	// Only a copy is decoded here, because Read decodes it from its first byte.
	start, err := io.ReadAll(asUTF8(bytes.NewReader(raw)))
	if err != nil {
		return "", in, fmt.Errorf("decoding the report: %w", err)
	}
	switch {
	case len(bytes.TrimSpace(start)) == 0:
		return JUnit, in, nil // an empty report is the same in all formats
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

// Report is what a suite reported: in one file, or in several.
type Report struct {
	// Tests are the results in the order in which they started: all of them, or
	// those that a brief report keeps whole.
	Tests []trial.TestResult
	// Reasons are why the suite failed, apart from its tests.
	Reasons []Reason
	// Doubts are contradictions in the report: reasons, unless the command
	// reported that the suite succeeded.
	Doubts []Reason
	// Remarks are counts in the report that do not match its results. They fail
	// no suite, because dialects count differently.
	Remarks []string
	// Succeeded is what the report states about the suite as a whole, if it does.
	Succeeded *bool

	// results are all of them.
	results []result
	// whole reports whether a brief report keeps the results of a test whole that
	// did not fail; it is nil if all are kept. There may be hundreds of thousands.
	whole func(name string) bool
	// first is the first run of the file that is being read, next that of the next one.
	first, next int32
	// last is the name of the file's last result, and kept how much of its output is kept.
	last string
	kept int
}

// Brief is a report that keeps only what it takes to judge the suite: no output, and of
// tests that passed or were skipped no name, unless they are listed as known failures or
// were repeated.
func Brief(known []string) Report {
	return Report{whole: func(name string) bool { return listed(known, name) }}
}

// Whole is the report of a command whose exit code is its only result: one test,
// which has its name.
func Whole(name string, exit Exit, length trial.Seconds) (r Report) {
	t := trial.TestResult{Name: name, Status: trial.TestPass, Length: length}
	if !exit.succeeded() {
		t.Status, t.Message = trial.TestFail, exit.String()
	}
	r.add(t, 0, false)
	return r
}

// Read adds what a file of the suite says, or what its command prints, in whatever
// encoding. Tests that several files name are attempts at one. It hands each line that
// a person would want to see to print as it comes. The error is one of reading; what was
// read before it is in the report.
func (r *Report) Read(f Format, in io.Reader, print func(line string)) error {
	r.first, r.last, r.kept = r.next, "", 0
	in = asUTF8(in)
	switch f {
	case GoJSON:
		return readGoJSON(in, print, r)
	case GoVerbose:
		return readGoVerbose(in, print, r)
	case GinkgoJSON:
		return readGinkgo(in, r)
	case JUnit:
		return readJUnit(in, r)
	case ExitCode:
		return eachLine(in, print)
	}
	return fmt.Errorf("reading test results: %q is not a known format", f)
}

// result is a test's result, as small as it can be.
type result struct {
	// test is a hash of the test's name.
	test uint64
	// run is the run that it belongs to, of all files: results of one test in several
	// runs are attempts, and in one run each is a result of its own.
	run int32
	// place is its place in Tests, or how it ended if it is not kept there.
	place int32
}

const (
	passedNotKept  int32 = -1
	skippedNotKept int32 = -2
)

var seed = maphash.MakeSeed()

func hash(name string) uint64 { return maphash.String(seed, name) }

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

// add takes the next result, of one of its file's runs. A brief report keeps it whole
// only if it failed, is an attempt at a test or is known by its name.
func (r *Report) add(t trial.TestResult, run int32, attempt bool) {
	if t.Status == trial.TestPass || r.whole != nil {
		t.Output = ""
	}
	if r.kept += len(t.Output); r.kept > keptOfAll {
		t.Output = ""
	}
	r.last = t.Name
	one := result{test: hash(t.Name), run: r.first + run, place: int32(len(r.Tests))}
	r.next = max(r.next, one.run+1)
	switch {
	case r.whole == nil, attempt, t.Status == trial.TestFail, t.Flaky, r.whole(t.Name):
		r.Tests = append(r.Tests, t)
	case t.Status == trial.TestPass:
		one.place = passedNotKept
	default:
		one.place = skippedNotKept
	}
	r.results = append(r.results, one)
}

// result is the result as far as it is kept.
func (r *Report) result(one result) trial.TestResult {
	switch one.place {
	case passedNotKept:
		return trial.TestResult{Status: trial.TestPass}
	case skippedNotKept:
		return trial.TestResult{Status: trial.TestSkip}
	}
	return r.Tests[one.place]
}

// lastTest names the last test that was read: ", after TestX".
func (r *Report) lastTest() string {
	if r.last == "" {
		return ""
	}
	return ", after " + r.last
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
