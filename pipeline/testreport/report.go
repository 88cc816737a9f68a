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

// Read reads all of r, in whatever encoding. It hands each line that a person
// would want to see to print as it comes. What was read before an error, which
// is one of reading, is returned with it.
func (f Format) Read(r io.Reader, print func(line string)) (Report, error) {
	var report Report
	err := f.read(r, print, &report)
	return report, err
}

// ReadBrief reads what Read does, and keeps only what it takes to judge the suite:
// no output, and of tests that passed or were skipped no name, unless they are listed
// as known failures or were repeated.
func (f Format) ReadBrief(r io.Reader, known []string) (Report, error) {
	report := Report{whole: func(name string) bool { return listed(known, name) }}
	err := f.read(r, func(string) {}, &report)
	return report, err
}

func (f Format) read(r io.Reader, print func(line string), report *Report) error {
	r = asUTF8(r)
	switch f {
	case GoJSON:
		return readGoJSON(r, print, report)
	case GoVerbose:
		return readGoVerbose(r, print, report)
	case GinkgoJSON:
		return readGinkgo(r, report)
	case JUnit:
		return readJUnit(r, report)
	case ExitCode:
		return eachLine(r, print)
	}
	return fmt.Errorf("reading test results: %q is not a known format", f)
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

// Whole is the report of a command whose exit code is its only result: one test,
// which has its name.
func Whole(name string, exit Exit, length trial.Seconds) Report {
	t := trial.TestResult{Name: name, Status: trial.TestPass, Length: length}
	if !exit.succeeded() {
		t.Status, t.Message = trial.TestFail, exit.String()
	}
	var report Report
	report.add(t, 0, false)
	return report
}

// Report is what a suite reported.
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

	// results are all of them, and last is the name of the last one.
	results []result
	last    string
	// whole reports whether a brief report keeps the results of a test whole that
	// did not fail; it is nil if all are kept. There may be hundreds of thousands.
	whole func(name string) bool
	// kept is how much output is kept.
	kept int
}

// result is a test's result, as small as it can be.
type result struct {
	// test is a hash of the test's name.
	test uint64
	// run is the run that it belongs to: results of one test in several runs are
	// attempts, and in one run each is a result of its own.
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

// add takes the next result. A brief report keeps it whole only if it failed, is an
// attempt at a test or is known by its name.
func (r *Report) add(t trial.TestResult, run int32, attempt bool) {
	if t.Status == trial.TestPass || r.whole != nil {
		t.Output = ""
	}
	if r.kept += len(t.Output); r.kept > keptOfAll {
		t.Output = ""
	}
	r.last = t.Name
	one := result{test: hash(t.Name), run: run, place: int32(len(r.Tests))}
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
		for _, one := range r.results {
			most = max(most, one.run)
			one.run += runs
			if one.place >= 0 {
				one.place += int32(len(all.Tests))
			}
			all.results = append(all.results, one)
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
