package testreport

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
)

// junitReader reads JUnit XML. There is no standard: what is taken is the union
// of what ginkgo, gotestsum, go-junit-report, pytest, Surefire, Gradle, CTest,
// GoogleTest, nextest and Jenkins' own reader agree on.
type junitReader struct {
	report *Report
	// latest is the place of the latest result of each test, by a hash of its name.
	latest map[uint64]int32
	suites []*junitSuite // the innermost last
	test   *junitTest
	// in are the elements that are open inside the test or the suite, and to is what
	// takes their text, if anything does: a failure, or the test for its output.
	in  []string
	to  interface{ print(text string) }
	any bool
}

type junitSuite struct {
	name string
	// root is set for testsuites.
	root bool
	// declared is its own count of failures and errors, and tests that of its tests;
	// -1 where it has none. The others are what was found.
	declared, tests int
	failed, own     int
	shown           int // own, and those of the suites in it
	first           int // place of its first test
	// What ginkgo reports of the suite.
	unsuccessful bool
	special      string
}

type junitTest struct {
	trial.TestResult // as far as it is known
	failures         []*failure
	why              string // of a skip, or of an attempt before a success
	tries            int    // beside the one that counts
	retried          bool
	out              tail
}

type failure struct {
	kind, message string
	start         string
	text          tail
}

func readJUnit(r io.Reader, report *Report) error {
	j := &junitReader{report: report, latest: map[uint64]int32{}}
	doc := &markup{input: newInput(r)}
	for {
		t, err := doc.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("reading the JUnit report: %w", err)
		}
		if t.name == "" && j.to != nil {
			j.to.print(t.text)
		}
		if t.opens {
			j.open(t)
		}
		if t.closes {
			j.close(t.name)
		}
	}
	if doc.cut || j.test != nil || len(j.suites) > 0 { // what is open where the input ended is closed
		where := report.lastTest()
		if j.test != nil {
			where = ", in " + j.test.Name
			// Of a test that is not complete, only that it failed is known.
			if len(j.test.failures) > 0 {
				j.endTest()
			}
			j.test = nil
		}
		for s := j.suite(); s != nil; s = j.suite() {
			s.declared, s.tests = -1, -1
			j.endSuite()
		}
		report.reason(trial.CauseTruncated, "the report is truncated"+where)
	}
	if !j.any {
		report.reason(trial.CauseNoResults, "the file has no JUnit report")
	}
	return nil
}

// suite is the innermost that is open, or nil.
func (j *junitReader) suite() *junitSuite {
	if len(j.suites) == 0 {
		return nil
	}
	return j.suites[len(j.suites)-1]
}

func (j *junitReader) open(t token) {
	test, suite, message := j.test, j.suite(), t.attrs["message"]
	is := func(names ...string) bool { return slices.Contains(names, t.name) }
	switch {
	case is("testsuites", "testsuite"):
		j.endTest()
		j.any = true
		j.suites = append(j.suites, &junitSuite{name: t.attrs["name"], root: t.name == "testsuites", first: len(j.report.results),
			declared: declared(t.attrs, "failures", "errors"), tests: declared(t.attrs, "tests")})
		return
	case is("testcase", "test-case"):
		j.endTest()
		j.any = true
		name, class := t.attrs["name"], t.attrs["classname"]
		switch {
		case name == "":
			name = class
		case !strings.HasPrefix(name, class):
			name = class + "." + name
		}
		j.test = &junitTest{TestResult: trial.TestResult{Name: name, Length: junitTime(t.attrs["time"]), Status: junitStatus(t.attrs)}}
		return
	case len(j.in) > 0: // what lies inside a text is a part of it
		if is("property") && test == nil && suite != nil { // by which ginkgo reports on a suite
			switch value := t.attrs["value"]; t.attrs["name"] {
			case "SuiteSucceeded":
				suite.unsuccessful = value == "false"
			case "SpecialSuiteFailureReason":
				suite.special = value
			}
		}
	case is("failure", "error"):
		f := &failure{kind: t.attrs["type"], message: message}
		if j.to = f; test != nil {
			test.Status, test.failures = trial.TestFail, append(test.failures, f)
		}
	case test == nil:
	case is("system-out", "system-err"):
		j.to = test
	case is("skipped", "disabled", "ignored", "notrun", "pending"):
		test.why = message
		if test.Status != trial.TestFail {
			test.Status = trial.TestSkip
		}
	case is("rerunfailure", "rerunerror"): // followed by the result
		test.tries++
	case is("flakyfailure", "flakyerror"): // followed by a success
		test.tries++
		test.why = message
	}
	if len(j.in) < deepest {
		j.in = append(j.in, t.name)
	}
}

// ginkgoRetried is what ginkgo prints into a spec's output before it tries again:
// the only sign of that in its JUnit report.
const ginkgoRetried = "Failed.  Retrying"

// print keeps a test's output.
func (test *junitTest) print(text string) {
	test.retried = test.retried || strings.Contains(text, ginkgoRetried)
	test.out.print(text)
}

// print keeps the beginning, for the message, and the end.
func (f *failure) print(text string) {
	if len(f.start) < 2*mostWords {
		f.start += text[:min(len(text), 2*mostWords)]
	}
	f.text.print(text)
}

// close ends the element and those left open in it; one that is not open is
// passed over.
func (j *junitReader) close(name string) {
	switch name {
	case "testsuites", "testsuite":
		j.endTest()
		for name == "testsuites" && len(j.suites) > 1 && !j.suite().root {
			j.endSuite()
		}
		j.endSuite()
		return
	case "testcase", "test-case":
		j.endTest()
		return
	}
	for i := len(j.in) - 1; i >= 0; i-- {
		if j.in[i] == name {
			j.in = j.in[:i]
			break
		}
	}
	if len(j.in) == 0 {
		j.endText()
	}
}

// endText ends what is open inside the test or the suite. A failure of a suite is
// complete then.
func (j *junitReader) endText() {
	f, failed := j.to.(*failure)
	j.in, j.to = nil, nil
	if s := j.suite(); failed && j.test == nil && s != nil {
		s.failed++
		j.report.reason(trial.CauseSetup, fmt.Sprintf("suite %s: %s", s.name, f.why()))
	}
}

// why is the failure in one line.
func (f *failure) why() string {
	message := strings.TrimSpace(f.message)
	// The attribute of gotestsum and JUnit has no more than that.
	if message == "" || strings.EqualFold(message, "failed") {
		message = cmp.Or(goMessage(f.start), strings.TrimSpace(f.start))
	}
	if kind := f.kind; kind != "" && kind != "failed" && !strings.Contains(message, kind) {
		message = kind + ": " + message
	}
	return cmp.Or(oneLine(message), "failed without a message")
}

func (j *junitReader) endTest() {
	j.endText()
	t := j.test
	if j.test = nil; t == nil {
		return
	}
	if t.Status == trial.TestFail {
		parts := []string{t.out.String()}
		for _, f := range t.failures {
			parts = append(parts, f.message, f.text.String())
		}
		t.Output = ending(strings.Join(parts, "\n"))
		if len(t.failures) > 0 {
			t.Message = t.failures[0].why()
		}
	}
	t.Flaky = t.Status == trial.TestPass && (t.tries > 0 || t.retried)
	if t.Flaky || t.Status == trial.TestSkip {
		t.Message = oneLine(t.why)
	}
	if t.tries > 0 {
		t.Attempts = t.tries + 1
	}
	if s := j.suite(); s != nil {
		s.own++
		if t.Status == trial.TestFail {
			s.failed++
		}
	}
	// Attempts at a test look like tests that share a name.
	name, run := hash(t.Name), int32(0)
	before, again := j.latest[name]
	if again {
		run = j.report.results[before].run - j.report.first + 1
	}
	j.latest[name] = int32(len(j.report.results))
	j.report.add(t.TestResult, run, again)
}

func (j *junitReader) endSuite() {
	s := j.suite()
	if s == nil {
		return
	}
	j.endText()
	j.suites = j.suites[:len(j.suites)-1]
	s.shown += s.own
	whose := "suite " + s.name
	if around := j.suite(); around != nil {
		around.failed += s.failed
		around.shown += s.shown
	} else if s.name == "" {
		whose = "the report"
	}
	j.markReruns(s)
	switch {
	case s.unsuccessful && s.special != "":
		j.report.reason(ginkgoCause(s.special), fmt.Sprintf("suite %s: %s", s.name, oneLine(s.special)))
	case s.unsuccessful && s.failed == 0:
		j.report.reason(trial.CauseSetup, fmt.Sprintf("suite %s did not succeed, and none of its specs failed", s.name))
	case s.declared > s.failed:
		j.report.Doubts = append(j.report.Doubts, Reason{trial.CauseSetup, fmt.Sprintf("%s counts %d failures and lists %d", whose, s.declared, s.failed)})
	}
	if s.tests > s.shown {
		j.report.Remarks = append(j.report.Remarks, fmt.Sprintf("%s counts %d tests and lists %d", whose, s.tests, s.shown))
	}
}

// markReruns finds attempts that pytest-rerunfailures repeated: results with
// nothing in them, which the suite does not count as tests.
func (j *junitReader) markReruns(s *junitSuite) {
	r := j.report
	own := r.results[s.first:]
	extra := s.own - s.tests
	if s.root || s.tests < 0 || extra <= 0 || len(own) != s.own {
		return
	}
	var earlier []int
	for i, one := range own {
		if int(j.latest[one.test]) != s.first+i && r.result(one).Status == trial.TestPass {
			earlier = append(earlier, i)
		}
	}
	if len(earlier) != extra {
		return
	}
	for _, i := range earlier {
		final := &r.Tests[r.results[j.latest[own[i].test]].place] // an attempt, so it is kept
		final.Attempts = max(final.Attempts, 1) + 1
		final.Flaky = final.Status == trial.TestPass
		if own[i].place < 0 {
			own[i].place, r.Tests = int32(len(r.Tests)), append(r.Tests, trial.TestResult{Name: final.Name})
		}
		repeated := &r.Tests[own[i].place]
		repeated.Status, repeated.Message = trial.TestFail, "was run again"
	}
}

// declared sums the numbers of the attributes; -1 where there are none.
func declared(attrs map[string]string, names ...string) int {
	sum := -1
	for _, name := range names {
		if n, err := strconv.Atoi(strings.TrimSpace(attrs[name])); err == nil && n >= 0 {
			sum = max(sum, 0) + n
		}
	}
	return sum
}

var unjoined = strings.NewReplacer("-", "", "_", "", " ", "")

// junitStatus reads what a test's attributes say; without a word it passed.
func junitStatus(attrs map[string]string) trial.TestStatus {
	if yes(attrs["disabled"]) || yes(attrs["skipped"]) || yes(attrs["ignored"]) || no(attrs["executed"]) {
		return trial.TestSkip
	}
	for _, name := range []string{"status", "result", "outcome"} {
		switch strings.ToLower(unjoined.Replace(attrs[name])) {
		case "failed", "fail", "failure", "error", "errored", "broken", "panicked", "interrupted", "aborted", "timedout", "timeout", "crashed", "ko":
			return trial.TestFail
		case "skipped", "skip", "pending", "notrun", "notrunnable", "notexecuted", "disabled", "suppressed", "ignored", "inconclusive", "todo", "deselected", "untested", "undefined":
			return trial.TestSkip
		}
	}
	if no(attrs["success"]) {
		return trial.TestFail
	}
	return trial.TestPass
}

func yes(text string) bool { return strings.EqualFold(text, "true") || text == "1" }

func no(text string) bool { return strings.EqualFold(text, "false") }

// junitTime reads seconds as the dialects write them: "1.5", "1,234.5",
// "0,5", "1.5s", "00:01:02.5".
func junitTime(text string) trial.Seconds {
	text = strings.TrimSpace(text)
	if d, err := time.ParseDuration(text); err == nil {
		return seconds(d.Seconds())
	}
	switch comma := strings.LastIndexByte(text, ','); {
	case comma < 0:
	case !strings.Contains(text, ".") && strings.Count(text, ",") == 1 && (len(text)-comma-1 != 3 || text[:comma] == "0"):
		text = strings.Replace(text, ",", ".", 1) // of decimals
	default:
		text = strings.ReplaceAll(text, ",", "")
	}
	total := 0.0
	for part := range strings.SplitSeq(text, ":") {
		n, err := strconv.ParseFloat(part, 64)
		if err != nil {
			return 0
		}
		total = 60*total + n
	}
	return seconds(total)
}
