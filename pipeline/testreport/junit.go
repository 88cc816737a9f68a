package testreport

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
)

// junitReader reads JUnit XML. There is no standard: what is taken is the union
// of what ginkgo, gotestsum, go-junit-report, pytest, Surefire, Gradle, CTest,
// GoogleTest, nextest and Jenkins' own reader agree on.
type junitReader struct {
	report Report
	doc    *markup
	suites []*junitSuite
	test   *junitTest
	// in are the elements that are open inside the test or the suite.
	in []string
	// of is the failure of a suite that is being read.
	of  *failure
	any bool
}

type junitSuite struct {
	name string
	// root is set for testsuites.
	root bool
	// declared are the failures and errors that it says it has, and tests its
	// tests; -1 where it says nothing. The others are what was found.
	declared, tests int
	failed, own     int
	shown           int // own, and those of the suites in it
	first           int // place of its first test
	// ginkgo's own words about the suite.
	unsuccessful bool
	special      string
}

type junitTest struct {
	name, class, status string
	length              trial.Seconds
	failures            []failure
	skipped             bool
	why                 string // of a skip
	// reruns were followed by the result, flakes by a success.
	reruns, flakes int
	retried        bool
	out            tail
}

type failure struct {
	kind, message, of string
	text              tail
	start             string
}

func readJUnit(r io.Reader) (Report, error) {
	j := &junitReader{doc: newMarkup(r)}
	for {
		t, err := j.doc.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return j.report, fmt.Errorf("reading the JUnit report: %w", err)
		}
		switch t.kind {
		case tokenText:
			j.text(t.text)
		case tokenOpen:
			j.open(t)
			if t.empty {
				j.close(t.name)
			}
		case tokenClose:
			j.close(t.name)
		}
	}
	j.end()
	return j.report, nil
}

// end takes stock where the input ended.
func (j *junitReader) end() {
	if cut := j.doc.cut || j.test != nil || len(j.suites) > 0; cut {
		where := j.report.lastTest()
		if j.test != nil {
			where = ", in " + j.test.fullName()
			// Of a test that is not complete, only that it failed is known.
			if len(j.test.failures) > 0 {
				j.endTest()
			}
			j.test = nil
		}
		for len(j.suites) > 0 {
			j.suites[len(j.suites)-1].declared, j.suites[len(j.suites)-1].tests = -1, -1
			j.endSuite()
		}
		j.report.reason(trial.CauseTruncated, "the report is truncated"+where)
	}
	if !j.any {
		j.report.reason(trial.CauseNoResults, "there is no JUnit report in it")
	}
	// Nothing tells attempts at a test from tests that share a name.
	byName(j.report.Tests, func(all []int32) {
		for n, i := range all {
			j.report.Runs[i] = int32(n)
		}
	})
}

func (j *junitReader) open(t token) {
	switch t.name {
	case "testsuites", "testsuite":
		j.endTest()
		j.in, j.any = nil, true
		j.suites = append(j.suites, &junitSuite{name: t.attrs["name"], root: t.name == "testsuites", first: len(j.report.Tests),
			declared: declared(t.attrs, "failures", "errors"), tests: declared(t.attrs, "tests")})
		return
	case "testcase", "test-case":
		j.endTest()
		j.in, j.any = nil, true
		j.test = &junitTest{name: t.attrs["name"], class: t.attrs["classname"], length: junitTime(t.attrs["time"]), status: junitStatus(t.attrs)}
		return
	}
	if len(j.in) == 0 { // what lies inside a text is a part of it
		j.child(t)
	} else if t.name == "property" {
		j.property(t.attrs["name"], t.attrs["value"])
	}
	if len(j.in) < deepest {
		j.in = append(j.in, t.name)
	}
}

// child takes an element of a test or a suite.
func (j *junitReader) child(t token) {
	said := failure{kind: t.attrs["type"], message: t.attrs["message"], of: t.name}
	switch t.name {
	case "failure", "error":
		if j.test != nil {
			j.test.failures = append(j.test.failures, said)
		} else if len(j.suites) > 0 {
			j.of = &said
		}
	case "skipped", "disabled", "ignored", "notrun", "pending":
		if j.test != nil {
			j.test.skipped, j.test.why = true, said.message
		}
	case "rerunfailure", "rerunerror":
		if j.test != nil {
			j.test.reruns++
		}
	case "flakyfailure", "flakyerror":
		if j.test != nil {
			j.test.flakes++
			j.test.why = said.message
		}
	}
}

// property reads what ginkgo says of a suite as a whole.
func (j *junitReader) property(name, value string) {
	if j.test != nil || len(j.suites) == 0 {
		return
	}
	s := j.suites[len(j.suites)-1]
	switch name {
	case "SuiteSucceeded":
		s.unsuccessful = value == "false"
	case "SpecialSuiteFailureReason":
		s.special = value
	}
}

// ginkgoRetried is what ginkgo prints into a spec's output before it tries
// again; its JUnit report has no other sign of that.
const ginkgoRetried = "Failed.  Retrying"

func (j *junitReader) text(text string) {
	if len(j.in) == 0 {
		return
	}
	switch at := j.in[0]; {
	case j.of != nil:
		j.of.print(text)
	case j.test == nil:
	case at == "failure" || at == "error":
		j.test.failures[len(j.test.failures)-1].print(text)
	case at == "system-out" || at == "system-err":
		j.test.retried = j.test.retried || strings.Contains(text, ginkgoRetried)
		j.test.out.print(text)
	}
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
		if len(j.suites) > 0 && name == "testsuites" {
			for !j.suites[len(j.suites)-1].root && len(j.suites) > 1 {
				j.endSuite()
			}
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
	if len(j.in) == 0 && j.of != nil {
		s := j.suites[len(j.suites)-1]
		s.failed++
		j.report.reason(trial.CauseSetup, fmt.Sprintf("suite %s: %s", s.name, j.of.why()))
		j.of = nil
	}
}

// why is the failure in one line.
func (f *failure) why() string {
	message := strings.TrimSpace(f.message)
	// gotestsum and JUnit say no more than that in the attribute.
	if message == "" || strings.EqualFold(message, "failed") {
		message = strings.TrimSpace(f.start)
		if m := goMessage(f.start); m != "" {
			message = m
		}
	}
	if kind := f.kind; kind != "" && kind != "failed" && !strings.Contains(message, kind) {
		message = kind + ": " + message
	}
	if message = strings.TrimSpace(message); message == "" {
		return "failed without a message"
	}
	return oneLine(message)
}

func (t *junitTest) fullName() string {
	switch {
	case t.name == "":
		return t.class
	case t.class != "" && !strings.HasPrefix(t.name, t.class):
		return t.class + "." + t.name
	}
	return t.name
}

func (j *junitReader) endTest() {
	t := j.test
	if j.test, j.in = nil, nil; t == nil {
		return
	}
	r := trial.TestResult{Name: t.fullName(), Length: t.length}
	switch {
	case len(t.failures) > 0 || t.status == "fail":
		r.Status = trial.TestFail
		parts := []string{t.out.String()}
		for i := range t.failures {
			parts = append(parts, t.failures[i].message, t.failures[i].text.String())
		}
		r.Output = ending(strings.Join(parts, "\n"))
		if len(t.failures) > 0 {
			r.Message = t.failures[0].why()
		}
	case t.skipped || t.status == "skip":
		r.Status, r.Message = trial.TestSkip, oneLine(t.why)
	default:
		r.Status = trial.TestPass
		r.Flaky = t.flakes+t.reruns > 0 || t.retried
	}
	if r.Flaky {
		r.Message = oneLine(t.why)
	}
	if n := t.reruns + t.flakes; n > 0 {
		r.Attempts = n + 1
	}
	if len(j.suites) > 0 {
		s := j.suites[len(j.suites)-1]
		s.own++
		if r.Status == trial.TestFail {
			s.failed++
		}
	}
	j.report.add(r, 0)
}

func (j *junitReader) endSuite() {
	if len(j.suites) == 0 {
		return
	}
	s := j.suites[len(j.suites)-1]
	j.suites = j.suites[:len(j.suites)-1]
	j.in, j.of = nil, nil
	s.shown += s.own
	if len(j.suites) > 0 {
		j.suites[len(j.suites)-1].failed += s.failed
		j.suites[len(j.suites)-1].shown += s.shown
	}
	j.markReruns(s)
	switch {
	case s.unsuccessful && s.special != "":
		j.report.reason(ginkgoCause(s.special), fmt.Sprintf("suite %s: %s", s.name, oneLine(s.special)))
	case s.unsuccessful && s.failed == 0:
		j.report.reason(trial.CauseSetup, fmt.Sprintf("suite %s did not succeed, and none of its specs failed", s.name))
	case s.declared > s.failed:
		j.report.doubt(trial.CauseSetup, fmt.Sprintf("%s says that %d failed, and shows %d", j.whose(s), s.declared, s.failed))
	}
	if s.tests > s.shown {
		j.report.Remarks = append(j.report.Remarks, fmt.Sprintf("%s says that it has %d tests, and shows %d", j.whose(s), s.tests, s.shown))
	}
}

// whose names the suite, or the report where the outermost suite has no name.
func (j *junitReader) whose(s *junitSuite) string {
	if len(j.suites) == 0 && s.name == "" {
		return "the report"
	}
	return "suite " + s.name
}

// markReruns finds attempts that pytest-rerunfailures had repeated: they are
// results without anything in them, which the suite does not count as tests.
func (j *junitReader) markReruns(s *junitSuite) {
	extra := s.own - s.tests
	if s.root || s.tests < 0 || extra <= 0 || len(j.report.Tests)-s.first != s.own {
		return
	}
	last := map[string]int{}
	own := j.report.Tests[s.first:]
	for i, t := range own {
		last[t.Name] = i
	}
	var earlier []int
	for i, t := range own {
		if last[t.Name] != i && t.Status == trial.TestPass {
			earlier = append(earlier, i)
		}
	}
	if len(earlier) != extra {
		return
	}
	for _, i := range earlier {
		own[i].Status, own[i].Message = trial.TestFail, "was run again"
		final := &own[last[own[i].Name]]
		final.Attempts = max(final.Attempts, 1) + 1
		final.Flaky = final.Status == trial.TestPass
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

// junitStatus reads what a test's attributes say: "fail", "skip", or nothing.
func junitStatus(attrs map[string]string) string {
	if yes(attrs["disabled"]) || yes(attrs["skipped"]) || yes(attrs["ignored"]) || no(attrs["executed"]) {
		return "skip"
	}
	for _, name := range []string{"status", "result", "outcome"} {
		switch strings.ToLower(strings.NewReplacer("-", "", "_", "", " ", "").Replace(attrs[name])) {
		case "failed", "fail", "failure", "error", "errored", "broken", "panicked", "interrupted", "aborted", "timedout", "timeout", "crashed", "ko":
			return "fail"
		case "skipped", "skip", "pending", "notrun", "notrunnable", "notexecuted", "disabled", "suppressed", "ignored", "inconclusive", "todo", "deselected", "untested", "undefined":
			return "skip"
		}
	}
	if no(attrs["success"]) {
		return "fail"
	}
	return ""
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
	if comma := strings.LastIndexByte(text, ','); comma >= 0 {
		decimal := !strings.Contains(text, ".") && strings.Count(text, ",") == 1 && (len(text)-comma-1 != 3 || text[:comma] == "0")
		if decimal {
			text = strings.Replace(text, ",", ".", 1)
		} else {
			text = strings.ReplaceAll(text, ",", "")
		}
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
