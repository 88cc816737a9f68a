package testreport

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stratbench/stratbench/internal/trial"
)

// events writes go test -json: "action package test" and, after a bar, output.
func events(lines ...string) string {
	var b strings.Builder
	for _, l := range lines {
		head, output, printed := strings.Cut(l, "|")
		f := strings.Fields(head)
		fmt.Fprintf(&b, `{"Action":%q`, f[0])
		if len(f) > 1 {
			fmt.Fprintf(&b, `,"Package":%q`, f[1])
		}
		if len(f) > 2 {
			fmt.Fprintf(&b, `,"Test":%q`, f[2])
		}
		if printed {
			fmt.Fprintf(&b, `,"Output":%q`, output+"\n")
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// oneKnown is a package in which only TestKnown fails.
var oneKnown = events("start a", "run a TestKnown", "fail a TestKnown", "run a TestFine", "pass a TestFine", "output a|FAIL", "fail a")

type judgeCase struct {
	name   string
	format Format
	text   string
	exit   Exit
	known  []string
	cause  trial.Cause // "" is a suite that succeeded
	counts Counts
	says   string
}

var (
	exit0, exit1 = Exit{Known: true}, Exit{Known: true, Code: 1}
	unknown      = Exit{}
)

// readText adds a text to a report.
func readText(t *testing.T, to Report, format Format, text string) Report {
	t.Helper()
	if err := to.Read(format, strings.NewReader(text), func(string) {}); err != nil {
		t.Fatal(err)
	}
	return to
}

func (c judgeCase) run(t *testing.T) {
	j := Judge(readText(t, Report{}, c.format, c.text), c.exit, c.known)
	said := ""
	if err := j.Err(); err != nil {
		said = err.Error()
	}
	if j.Cause != c.cause || j.Counts != c.counts || !strings.Contains(said, c.says) {
		t.Errorf("cause %q, %+v, says %q; want cause %q, %+v, and %q", j.Cause, j.Counts, said, c.cause, c.counts, c.says)
	}
	sameJudgement(t, Judge(readText(t, Brief(c.known), c.format, c.text), c.exit, c.known), j)
	if f, _, err := Recognise(strings.NewReader(c.text)); err != nil || f != c.format {
		t.Errorf("taken for %q (%v)", f, err)
	}
}

// sameJudgement checks that a brief report is judged as the whole one is.
func sameJudgement(t *testing.T, brief, whole Judgement) {
	t.Helper()
	// A brief report keeps no output, and not always the length of the attempt that counts.
	answers := func(j Judgement) string {
		flaky := slices.DeleteFunc(slices.Clone(j.Tests), func(r trial.TestResult) bool { return !r.Flaky && r.Status != trial.TestFail })
		for i := range flaky {
			flaky[i].Length, flaky[i].Output = 0, ""
		}
		return fmt.Sprintf("%+v, failed %q, fixed %q, absent %q, reasons %q, remarks %q, failed or flaky %+v", j.Counts, j.Failed, j.Fixed, j.Absent, j.Reasons, j.Remarks, flaky)
	}
	if answers(brief) != answers(whole) {
		t.Errorf("in brief: %s; whole: %s", answers(brief), answers(whole))
	}
}

// TestAKnownFailureExcusesNothingElse has a known failure beside another reason to fail.
func TestAKnownFailureExcusesNothingElse(t *testing.T) {
	known := []string{"TestKnown"}
	one := Counts{Passed: 1, Known: 1}
	broken := `{"ImportPath":"b [b.test]","Action":"build-output","Output":"# b [b.test]\n"}` + "\n" +
		`{"ImportPath":"b [b.test]","Action":"build-output","Output":"b_test.go:3:28: undefined: x\n"}` + "\n" +
		`{"ImportPath":"b [b.test]","Action":"build-fail"}` + "\n"
	ginkgo := func(succeeded bool, reasons, spec string) string {
		return fmt.Sprintf(`{"SuitePath":"/src/e2e","SuiteDescription":"e2e","SuiteSucceeded":%v,"SpecialSuiteFailureReasons":[%s],"SuiteConfig":{"FlakeAttempts":0},"SpecReports":[%s]}`, succeeded, reasons, spec)
	}
	it := func(name, state string) string {
		return fmt.Sprintf(`{"ContainerHierarchyTexts":null,"LeafNodeType":"It","LeafNodeText":%q,"State":%q}`, name, state)
	}
	specs := it("TestKnown", "failed") + "," + it("TestFine", "passed")
	suite := `<testsuite name="e2e" tests="2" failures="1"><testcase name="TestKnown"><failure message="f"/></testcase><testcase name="TestFine"/></testsuite>`
	for _, c := range []judgeCase{
		{"nothing else, go", GoJSON, oneKnown, exit1, known, "", one, ""},
		{"nothing else, verbose", GoVerbose, "=== RUN   TestKnown\n--- FAIL: TestKnown (0.1s)\n=== RUN   TestFine\n--- PASS: TestFine (0s)\nFAIL\n", exit1, known, "", one, ""},
		{"nothing else, ginkgo", GinkgoJSON, "[" + ginkgo(false, "", specs) + "]", exit1, known, "", one, ""},
		{"nothing else, junit", JUnit, suite, exit1, known, "", one, ""},
		{"under make", JUnit, suite, Exit{Known: true, Code: 2}, known, "", one, ""},
		{"a package does not build", GoJSON, oneKnown + broken + events("start b", "output b|FAIL\tb [build failed]") + `{"Action":"fail","Package":"b","FailedBuild":"b [b.test]"}`, exit1, known, trial.CauseBuild, one, "package b does not build: b_test.go:3:28: undefined: x"},
		{"a package does not build, before go 1.24", GoJSON, "# b\nb_test.go:3:28: undefined: x\n" + oneKnown + events("output b|FAIL\tb [build failed]", "fail b"), exit1, known, trial.CauseBuild, one, "package b does not build: b_test.go:3:28: undefined: x"},
		{"a package does not build, verbose", GoVerbose, "# b\nb_test.go:3:28: undefined: x\nFAIL\tb [build failed]\n=== RUN   TestKnown\n--- FAIL: TestKnown (0.1s)\n=== RUN   TestFine\n--- PASS: TestFine (0s)\nFAIL\nFAIL\ta\t0.1s\nFAIL\n", exit1, []string{"TestKnown"}, trial.CauseBuild, one, "package b does not build: b_test.go:3:28"},
		{"TestMain dies", GoJSON, oneKnown + events("start b", "output b|no cluster to test", "output b|FAIL\tb\t0.1s", "fail b"), exit1, known, trial.CauseSetup, one, "package b: it failed, and none of its tests did: no cluster to test"},
		{"a package panics", GoJSON, oneKnown + events("start b", "run b TestKnown", "output b TestKnown|--- FAIL: TestKnown (0s)", "output b TestKnown|panic: boom [recovered]", "output b TestKnown|goroutine 7 [running]:", "fail b TestKnown", "output b|FAIL\tb\t0.1s", "fail b"), exit1, known, trial.CausePanic, Counts{Passed: 1, Known: 2}, "package b: panic: boom"},
		{"another program's panic in a log", GoJSON, events("start a", "run a TestKnown", "output a TestKnown|panic: of a pod", "output a TestKnown|goroutine 7 [running]:", "fail a TestKnown", "run a TestFine", "pass a TestFine", "output a|FAIL", "fail a"), exit1, known, "", one, ""},
		{"TestMain panics after its tests", GoJSON, events("start a", "run a TestKnown", "fail a TestKnown", "run a TestFine", "pass a TestFine", "output a|FAIL", "output a|panic: teardown", "output a|goroutine 1 [running]:", "output a|FAIL\ta\t0.1s", "fail a"), exit1, known, trial.CausePanic, one, "package a: panic: teardown"},
		{"a package is killed", GoJSON, oneKnown + events("start b", "output b|signal: killed", "output b|FAIL\tb\t0.1s", "fail b"), exit1, known, trial.CauseSignal, one, "package b: signal: killed"},
		{"the command is killed", GoJSON, oneKnown, Exit{Known: true, Code: 137}, known, trial.CauseSignal, one, "ended by a signal"},
		{"the command times out", JUnit, suite, Exit{Known: true, Code: 124}, known, trial.CauseSuiteTimeout, one, "time-out"},
		{"the command is not there", JUnit, suite, Exit{Known: true, Code: 127}, known, trial.CauseExitCode, one, "could not be run"},
		{"the report ends before a package does", GoJSON, oneKnown + events("start b", "run b TestB"), exit1, known, trial.CauseTests, Counts{Passed: 1, Known: 1, Failed: 1}, "the report ends before package b does"},
		{"a suite does not compile", GinkgoJSON, "[" + ginkgo(false, "", specs) + "," + ginkgo(false, `"Failed to compile f:\n\nf_test.go:7: undefined: y"`, "") + "]", exit1, known, trial.CauseBuild, one, "suite e2e: Failed to compile f: f_test.go:7: undefined: y"},
		{"a suite was interrupted", GinkgoJSON, "[" + ginkgo(false, `"Interrupted by User"`, specs) + "]", exit1, known, trial.CauseInterrupted, one, "Interrupted by User"},
		{"a suite is out of time", GinkgoJSON, "[" + ginkgo(false, `"Suite Timeout Elapsed"`, specs) + "]", exit1, known, trial.CauseSuiteTimeout, one, "Suite Timeout Elapsed"},
		{"a suite fails and no spec does", GinkgoJSON, ginkgo(false, "", specs) + ginkgo(false, "", it("TestOther", "passed")), exit1, known, trial.CauseSetup, Counts{Passed: 2, Known: 1}, "did not succeed, and none of its specs failed"},
		{"a suite has an error", JUnit, "<testsuites><testsuite name='setup' errors='1'><error message='no cluster'>at x</error></testsuite>" + suite + "</testsuites>", exit1, known, trial.CauseSetup, one, "suite setup: no cluster"},
		{"a suite counts more failures", JUnit, strings.Replace(suite, `failures="1"`, `failures="1" errors="1"`, 1), exit1, known, trial.CauseSetup, one, "counts 2 failures and lists 1"},
		{"ginkgo's junit", JUnit, strings.Replace(suite, "<testcase", `<properties><property name="SuiteSucceeded" value="false"/><property name="SpecialSuiteFailureReason" value="Suite Timeout Elapsed"/></properties><testcase`, 1), exit1, known, trial.CauseSuiteTimeout, one, "suite e2e: Suite Timeout Elapsed"},
	} {
		t.Run(c.name, c.run)
	}
}

func TestAttemptsAtATest(t *testing.T) {
	count2 := events("start a", "run a TestFlaky", "output a TestFlaky|    a_test.go:7: late", "fail a TestFlaky", "run a TestFlaky", "pass a TestFlaky", "output a|FAIL", "fail a")
	first, again := events("start a", "run a TestFlaky", "fail a TestFlaky", "run a TestFine", "pass a TestFine", "output a|FAIL", "fail a"), events("start a", "run a TestFlaky", "pass a TestFlaky", "pass a")
	failed := events("start a", "run a TestFlaky", "fail a TestFlaky", "output a|FAIL", "fail a")
	gotestsum := `<testsuites><testsuite name="a" tests="3" failures="1"><testcase classname="a" name="TestFlaky"><failure message="Failed">=== RUN TestFlaky</failure></testcase><testcase classname="a" name="TestFine"/><testcase classname="a" name="TestFlaky"/></testsuite></testsuites>`
	spec := `[{"SuiteSucceeded":%v,"SpecReports":[{"LeafNodeType":"It","LeafNodeText":"x","State":%q,"NumAttempts":3,"MaxFlakeAttempts":%d,"MaxMustPassRepeatedly":%d}]}]`
	pytest := `<testsuites name="pytest tests"><testsuite name="pytest" errors="0" failures="0" skipped="0" tests="2"><testcase classname="t" name="flaky"/><testcase classname="t" name="flaky"/><testcase classname="t" name="fine"/></testsuite></testsuites>`
	for _, c := range []judgeCase{
		{"-count=2 has a result each run", GoJSON, count2, exit1, nil, trial.CauseTests, Counts{Passed: 1, Failed: 1}, "TestFlaky: late"},
		{"run again and passed", GoJSON, first + again, exit0, nil, "", Counts{Passed: 2, Flaky: 1}, ""},
		{"run again and passed, exit code not known", GoJSON, first + again, unknown, nil, "", Counts{Passed: 2, Flaky: 1}, ""},
		{"run again and passed, and the command failed", GoJSON, first + again, exit1, nil, trial.CauseTests, Counts{Passed: 1, Failed: 1}, "TestFlaky"},
		{"run again without success", GoJSON, first + failed + failed, exit1, nil, trial.CauseTests, Counts{Passed: 1, Failed: 1}, "1 of 2 tests failed: TestFlaky"},
		{"run again without success, known", GoJSON, first + failed, exit1, []string{"TestFlaky"}, "", Counts{Passed: 1, Known: 1}, ""},
		{"gotestsum", JUnit, gotestsum, exit0, nil, "", Counts{Passed: 2, Flaky: 1}, ""},
		{"gotestsum that failed", JUnit, gotestsum, exit1, nil, trial.CauseTests, Counts{Passed: 1, Failed: 1}, "a.TestFlaky"},
		{"tests that share a name", JUnit, `<testsuite><testcase name="a"/><testcase name="a"/></testsuite>`, exit0, nil, "", Counts{Passed: 2}, ""},
		{"Surefire, flaky", JUnit, `<testsuite><testcase name="a"><flakyFailure message="late" type="E"><stackTrace>at x</stackTrace></flakyFailure></testcase></testsuite>`, unknown, nil, "", Counts{Passed: 1, Flaky: 1}, ""},
		{"Surefire, never passed", JUnit, `<testsuite><testcase name="a"><failure message="late"/><rerunFailure message="late"/></testcase></testsuite>`, exit1, nil, trial.CauseTests, Counts{Failed: 1}, "a: late"},
		{"ginkgo, flaky", GinkgoJSON, fmt.Sprintf(spec, true, "passed", 3, 0), exit0, nil, "", Counts{Passed: 1, Flaky: 1}, ""},
		{"ginkgo, must pass repeatedly", GinkgoJSON, fmt.Sprintf(spec, true, "passed", 0, 3), exit0, nil, "", Counts{Passed: 1}, ""},
		{"ginkgo, never passed", GinkgoJSON, fmt.Sprintf(spec, false, "failed", 3, 0), exit1, nil, trial.CauseTests, Counts{Failed: 1}, ""},
		{"ginkgo's junit, flaky", JUnit, `<testsuite><testcase name="x" status="passed"><system-err>Attempt #1 Failed.  Retrying ↺ @ 1</system-err></testcase></testsuite>`, exit0, nil, "", Counts{Passed: 1, Flaky: 1}, ""},
		{"pytest-rerunfailures", JUnit, pytest, exit0, nil, "", Counts{Passed: 2, Flaky: 1}, ""},
	} {
		t.Run(c.name, c.run)
	}
}

// TestSeveralFiles: what several files of a suite name are attempts at one test.
func TestSeveralFiles(t *testing.T) {
	for _, c := range []struct {
		format Format
		files  []string
		counts Counts
	}{
		{JUnit, []string{`<testsuite><testcase name="a"><failure/></testcase><testcase name="b"/></testsuite>`, `<testsuite><testcase name="a"/></testsuite>`}, Counts{Passed: 2, Flaky: 1}},
		{GoJSON, []string{oneKnown, events("run a TestKnown", "pass a TestKnown", "pass a")}, Counts{Passed: 2, Flaky: 1}},
		{GoVerbose, []string{"--- FAIL: TestA (0s)\nFAIL\n", "--- PASS: TestA (0s)\nPASS\n"}, Counts{Passed: 1, Flaky: 1}},
	} {
		whole, brief := Report{}, Brief(nil)
		for _, text := range c.files {
			whole, brief = readText(t, whole, c.format, text), readText(t, brief, c.format, text)
		}
		j := Judge(whole, exit0, nil)
		if j.Counts != c.counts || len(j.Reasons) > 0 {
			t.Errorf("%s: %+v, reasons %q", c.format, j.Counts, j.Reasons)
		}
		sameJudgement(t, Judge(brief, exit0, nil), j)
	}
}

// TestWhoDidNotFail: of tests that never ended, only those that may have
// brought the suite down have failed.
func TestWhoDidNotFail(t *testing.T) {
	parallel := []string{"start a", "run a TestA", "pause a TestA", "run a TestB", "pause a TestB", "run a TestP", "output a TestP|--- FAIL: TestP (0s)", "output a TestP|panic: boom", "output a TestP|", "output a TestP|goroutine 7 [running]:", "fail a TestP", "fail a"}
	timeout := []string{"start a", "run a TestA", "pause a TestA", "run a TestB", "run a TestB/sub", "cont a TestA", "output a TestA|panic: test timed out after 1s", "output a TestA|running tests:", "output a TestA|\tTestB/sub (1.0s)", "output a TestA|", "output a TestA|goroutine 9 [running]:", "output a|FAIL\ta\t1s", "fail a"}
	for _, c := range []judgeCase{
		{"paused when another panicked", GoJSON, events(parallel...), exit1, nil, trial.CausePanic, Counts{Failed: 1, Skipped: 2}, "1 of 3 tests failed: TestP: panic: boom"},
		{"beside the one that hung", GoJSON, events(timeout...), exit1, nil, trial.CauseSuiteTimeout, Counts{Failed: 2, Skipped: 1}, "TestB/sub"},
		{"all that ran when it ended without a word", GoJSON, events("start a", "run a TestA", "pause a TestA", "run a TestB", "output a|exit status 3", "fail a"), exit1, nil, trial.CauseSetup, Counts{Failed: 1, Skipped: 1}, "TestB: the test never ended"},
		{"paused, verbose", GoVerbose, "=== RUN   TestA\n=== PAUSE TestA\n=== RUN   TestP\n--- FAIL: TestP (0.00s)\npanic: boom\n\ngoroutine 7 [running]:\nexit status 2\nFAIL\ta\t0.1s\n", exit1, nil, trial.CausePanic, Counts{Failed: 1, Skipped: 1}, "TestP: panic: boom"},
		{"skips of every dialect", JUnit, `<testsuite><testcase name="a" status="notrun"/><testcase name="b"><disabled/></testcase><testcase name="c" result="suppressed"/><testcase name="d"><skipped/></testcase><testcase name="e" executed="False"/><testcase name="f" status="Inconclusive"/><testcase name="g" status="run"/><testcase name="h" status="disabled"/></testsuite>`, exit0, nil, "", Counts{Passed: 1, Skipped: 7}, ""},
		{"failures by attribute", JUnit, `<testsuite><testcase name="a" status="timedout"/><testcase name="b" result="Failed"/><testcase name="c" success="False"/></testsuite>`, exit1, nil, trial.CauseTests, Counts{Failed: 3}, ""},
		{"ginkgo's states", GinkgoJSON, `[{"SpecReports":[{"LeafNodeType":"It","LeafNodeText":"a","State":"interrupted","Failure":{"Message":"Interrupted by User"}},{"LeafNodeType":"It","LeafNodeText":"b","State":"pending"},{"LeafNodeType":"It","LeafNodeText":"c","State":"aborted"}]}]`, exit1, nil, trial.CauseTests, Counts{Failed: 2, Skipped: 1}, "interrupted: Interrupted by User"},
	} {
		t.Run(c.name, c.run)
	}
}

func TestNothingRan(t *testing.T) {
	for _, c := range []judgeCase{
		{"an empty report", JUnit, "", exit0, nil, trial.CauseNoResults, Counts{}, "no JUnit report"},
		{"no tests", JUnit, "<testsuites/>", exit0, nil, trial.CauseNoResults, Counts{}, "no test results"},
		{"no packages with tests", GoJSON, events("start a", "output a|?   \ta\t[no test files]", "skip a"), exit0, nil, trial.CauseNoResults, Counts{}, "no test results"},
		{"and the command failed", JUnit, "<testsuites/>", exit1, nil, trial.CauseNoResults, Counts{}, "exit status 1"},
		{"cached", GoJSON, events("start a", "run a TestA", "pass a TestA", "output a|ok  \ta\t(cached)", "pass a"), exit0, nil, "", Counts{Passed: 1}, ""},
	} {
		t.Run(c.name, c.run)
	}
}

// TestOneBadByte: whatever is damaged, what lies around it is read.
func TestOneBadByte(t *testing.T) {
	junit := func(damage string) string {
		return `<?xml version="1.0"?><testsuites><testsuite name="e2e"><testcase name="a"/><testcase name="b"><failure message="boom">` + damage + `</failure></testcase><testcase name="c"/></testsuite></testsuites>`
	}
	three := Counts{Passed: 2, Failed: 1}
	for name, damage := range map[string]string{
		"escape": "\x1b[31m", "reference": "&#x1B;[31m", "zero": "\x00", "Latin-1": "pr\xfcfen", "a cut rune": "\xe2\x82", "entity": "&nbsp;&; &unknown;",
		"brackets": "want <nil> got a < b ]]>", "cdata": "<![CDATA[a\x1b]]]>", "unclosed": "<b>bold", "a wrong end": "</system-out>", "a comment": "<!-- <testcase name='z'/> -->",
	} {
		t.Run(name, judgeCase{name, JUnit, junit(damage), exit1, nil, trial.CauseTests, three, "b: boom"}.run)
	}
	t.Run("a quote is missing", judgeCase{"", JUnit, `<testsuite><testcase name="a"/><testcase name="b><failure message="boom"/></testcase><testcase name="c"/></testsuite>`, exit1, nil, trial.CauseTests, three, ""}.run)
	t.Run("an end is missing", judgeCase{"", JUnit, `<testsuite><testcase name="a"/><testcase name="b"><failure message="boom"><testcase name="c"/></testsuite>`, exit1, nil, trial.CauseTests, three, ""}.run)

	specs := `[{"SuiteSucceeded":false,"SpecReports":[{"LeafNodeType":"It","LeafNodeText":"a","State":"passed"},{"LeafNodeType":"It","LeafNodeText":"b","State":"failed","Failure":{"Message":"bo` + "%s" + `om"}},{"LeafNodeType":"It","LeafNodeText":"c","State":"passed"}]}]`
	for name, damage := range map[string]string{"escape": "\x1b", "bad escape": `\x`, "a line's end": "\n", "Latin-1": "\xfc", "half a pair": `\ud83d`} {
		t.Run("ginkgo, "+name, judgeCase{name, GinkgoJSON, strings.Replace(specs, "%s", damage, 1), exit1, nil, trial.CauseTests, three, "bo"}.run)
	}
	line := `{"Action":"output","Package":"a","Test":"TestB","Output":"bo` + "\x1b\x00\xfc" + `om\x"}` + "\n"
	good := events("start a", "run a TestA", "pass a TestA", "run a TestB") + "go: downloading x v1.0.0\r\n" + line + "2026-01-02T03:04:05.678Z " + events("fail a TestB") +
		strings.TrimSpace(events("run a TestC")) + events("pass a TestC", "output a|FAIL", "fail a")
	t.Run("go", judgeCase{"", GoJSON, strings.ReplaceAll(good, "\n", "\r\n"), exit1, nil, trial.CauseTests, three, "TestB"}.run)
	t.Run("go, cut", judgeCase{"", GoJSON, good[:len(good)-60] + `{"Action":"ou`, exit1, nil, trial.CauseTests, three, "the report ends before"}.run)
}

func TestTruncated(t *testing.T) {
	junit := `<testsuites><testsuite name="e2e" tests="3"><testcase name="a"/><testcase name="b"><failure message="boom"/></testcase><testcase name="c"><system-out>x</system-out></testcase></testsuite></testsuites>`
	ginkgo := `[{"SuiteSucceeded":false,"SpecReports":[{"LeafNodeType":"It","LeafNodeText":"a","State":"passed"},{"LeafNodeType":"It","LeafNodeText":"b","State":"failed","Failure":{"Message":"boom"}},{"LeafNodeType":"It","LeafNodeText":"c","State":"passed"}]}]`
	for format, text := range map[Format]string{JUnit: junit, GinkgoJSON: ginkgo} {
		for n := range len(text) {
			j := Judge(readText(t, Report{}, format, text[:n]), exit0, nil)
			if len(j.Reasons) == 0 {
				t.Fatalf("%s cut at %d is good", format, n)
			}
			// A test that is there whole is read.
			for name, whole := range map[string]int{"a": strings.Index(text, "b"+`"`), "b": strings.Index(text, `"c"`)} {
				at := slices.IndexFunc(j.Tests, func(r trial.TestResult) bool { return r.Name == name })
				if n >= whole && at < 0 {
					t.Fatalf("%s cut at %d lost %s: %+v", format, n, name, j)
				}
			}
		}
	}
}

func TestEncodings(t *testing.T) {
	text := `<testsuite><testcase name="prüfen €"><failure message="größer"/></testcase></testsuite>`
	wide := func(order func([]byte, uint16) []byte, mark bool) []byte {
		var out []byte
		if mark {
			out = order(out, 0xFEFF)
		}
		for _, u := range utf16.Encode([]rune(text)) {
			out = order(out, u)
		}
		return out
	}
	little := func(b []byte, u uint16) []byte { return append(b, byte(u), byte(u>>8)) }
	big := func(b []byte, u uint16) []byte { return append(b, byte(u>>8), byte(u)) }
	windows := bytes.ReplaceAll(bytes.ReplaceAll(bytes.ReplaceAll([]byte(text), []byte("ü"), []byte{0xFC}), []byte("€"), []byte{0x80}), []byte("ö"), []byte{0xF6})
	windows = append([]byte(`<?xml version="1.0" encoding="windows-1252"?>`), bytes.ReplaceAll(windows, []byte("ß"), []byte{0xDF})...)
	for name, in := range map[string][]byte{"UTF-8": []byte(text), "UTF-8 with a mark": []byte("\uFEFF" + text), "UTF-16, little": wide(little, true),
		"UTF-16, big": wide(big, true), "UTF-16 without a mark": wide(little, false), "Windows": windows} {
		report := readText(t, Report{}, JUnit, string(in))
		if len(report.Tests) != 1 || report.Tests[0].Name != "prüfen €" || report.Tests[0].Message != "größer" {
			t.Errorf("%s: %+v", name, report)
		}
	}
}

func TestJUnitTimes(t *testing.T) {
	for text, want := range map[string]float64{"1.5": 1.5, "1,234.5": 1234.5, "0,5": 0.5, "1,234": 1234, "0,123": 0.123, "12,5": 12.5, "1.5s": 1.5, "00:01:02.5": 62.5, "": 0, "-1": 0, "NaN": 0, "x": 0} {
		if got := junitTime(text).Duration().Seconds(); got != want {
			t.Errorf("%q is %v s, want %v", text, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	report := readText(t, Report{}, JUnit, `<testsuite><testcase classname="a.b" name="x &lt;y&gt; &amp; &quot;z&quot; &#252;"/></testsuite>`)
	if len(report.Tests) != 1 || report.Tests[0].Name != `a.b.x <y> & "z" ü` {
		t.Errorf("got %+v", report.Tests)
	}
}

// A report that says more than it shows is remarked on, also where the command
// ended well.
func TestCountsThatContradict(t *testing.T) {
	for _, c := range []struct {
		name, text string
		exit       Exit
		outcome    trial.Cause
		remarks    []string
	}{
		{"more failures, and the command ended well", `<testsuite name="x" tests="1" failures="3"><testcase name="a"/></testsuite>`, exit0, "", []string{"suite x counts 3 failures and lists 0; this is ignored, because the command succeeded"}},
		{"more tests, too", `<testsuite name="x" tests="5" failures="3"><testcase name="a"/></testsuite>`, exit0, "", []string{"suite x counts 5 tests and lists 1", "counts 3 failures"}},
		{"more failures, and the command failed", `<testsuites failures="3"><testsuite><testcase name="a"/></testsuite></testsuites>`, exit1, trial.CauseSetup, nil},
		{"more tests, in suites", `<testsuites tests="4"><testsuite name="x" tests="1"><testcase name="a"/></testsuite><testsuite name="y" tests="2"><testcase name="b"/><testcase name="c"/></testsuite></testsuites>`, exit0, "", []string{"the report counts 4 tests and lists 3"}},
		{"as they should be", `<testsuites tests="3" failures="0"><testsuite tests="1"><testcase name="a"/></testsuite><testsuite tests="2"><testcase name="b"/><testcase name="c"/></testsuite></testsuites>`, exit0, "", nil},
	} {
		j := Judge(readText(t, Report{}, JUnit, c.text), c.exit, nil)
		if j.Cause != c.outcome || len(j.Remarks) != len(c.remarks) {
			t.Errorf("%s: cause %q, remarks %q", c.name, j.Cause, j.Remarks)
			continue
		}
		for i, want := range c.remarks {
			if !strings.Contains(j.Remarks[i], want) {
				t.Errorf("%s: says %q, want %q", c.name, j.Remarks[i], want)
			}
		}
	}
}

// What is recognised is read in its own encoding once: a report that declares
// one is decoded neither twice nor not at all.
func TestRecognisedReportsAreDecodedOnce(t *testing.T) {
	for encoding, name := range map[string]string{"ISO-8859-1": "gr\xf6\xdfe", "windows-1252": "gr\xf6\xdfe", "ISO-8859-15": "gr\xf6\xdfe", "windows-1251": "\xf6\xdf"} {
		text := `<?xml version="1.0" encoding="` + encoding + `"?><testsuite><testcase name="` + name + `"/></testsuite>`
		format, again, err := Recognise(strings.NewReader(text))
		if err != nil || format != JUnit {
			t.Fatalf("%s: taken for %q, %v", encoding, format, err)
		}
		var report Report
		err = report.Read(format, again, nil)
		want := "größe"
		if encoding == "windows-1251" {
			want = "цЯ"
		}
		if err != nil || len(report.Tests) != 1 || report.Tests[0].Name != want {
			t.Errorf("%s: %+v, %v; want %s", encoding, report.Tests, err, want)
		}
	}
}

// What is no report is not taken for one, whatever bytes are in it.
func TestNoReport(t *testing.T) {
	noise := make([]byte, 4000)
	for i := range noise {
		noise[i] = byte(i * i >> 3) // every control character, the mark of go test's output too
	}
	for name, text := range map[string]string{"noise": string(noise), "TAP": "1..2\nok 1 a\nnot ok 2 b\n", "a page": "<html><body>502</body></html>"} {
		if format, _, err := Recognise(strings.NewReader(text)); err == nil {
			t.Errorf("%s is taken for %s", name, format)
		}
	}
}
