package testreport

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
)

// goSuite gathers what Go's test framework says, by whichever way it comes.
type goSuite struct {
	runs []*goRun
	// last is the newest run of each package.
	last map[string]*goRun
	// builds are what the compiler printed, by what it was building.
	builds map[string]*build
	// kept is how much output is kept of tests that have ended.
	kept int
}

// goRun is one run of a package's test binary.
type goRun struct {
	suite *goSuite
	pkg   string
	// number counts the package's runs.
	number int32
	tests  []*goTest
	latest map[string]*goTest
	result string // "", "pass", "fail" or "skip"
	// output is what no test printed.
	output tail
	// failedBuild names the build that failed, if that is why.
	failedBuild string
	crash       crash
	// told is set when the framework itself says that tests failed.
	told bool
}

// crash is the death of a test binary.
type crash struct {
	// text is "panic: …", "fatal error: …" or what killed it, and at the test
	// that was speaking.
	text  string
	cause trial.Cause
	at    *goTest
	// begun is a line that begins like a panic; a stack has to follow.
	begun   string
	begunAt *goTest
	// running are the tests that the framework lists when its time is up.
	running []string
	listing bool
}

type goTest struct {
	name   string
	status trial.TestStatus
	length trial.Seconds
	paused bool
	output tail
	// message is set where the output is not kept.
	message string
}

type build struct {
	output []string
	failed bool
}

// run returns the package's run that is under way, or begins one.
func (s *goSuite) run(pkg string) *goRun {
	r := s.last[pkg]
	if r == nil || r.result != "" {
		if s.last == nil {
			s.last = map[string]*goRun{}
		}
		next := &goRun{suite: s, pkg: pkg, latest: map[string]*goTest{}}
		if r != nil {
			next.number = r.number + 1
		}
		s.last[pkg], r = next, next
		s.runs = append(s.runs, r)
	}
	return r
}

func (s *goSuite) build(of string) *build {
	if s.builds == nil {
		s.builds = map[string]*build{}
	}
	if s.builds[of] == nil {
		s.builds[of] = &build{}
	}
	return s.builds[of]
}

// mostBuildLines are kept of what a compiler prints: the first.
const mostBuildLines = 20

func (b *build) print(line string) {
	if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "# ") && len(b.output) < mostBuildLines {
		b.output = append(b.output, oneLine(line))
	}
}

// at returns the test, which it adds when it is new.
func (r *goRun) at(name string) *goTest {
	if t := r.latest[name]; t != nil {
		return t
	}
	return r.begin(name)
}

// begin adds the test, or another run of it (-count).
func (r *goRun) begin(name string) *goTest {
	if t := r.latest[name]; t != nil && t.status == "" {
		t.paused = false
		return t
	}
	t := &goTest{name: name}
	r.latest[name] = t
	r.tests = append(r.tests, t)
	return t
}

// end notes how a test ended. A great many that failed with much to say keep
// their message alone.
func (r *goRun) end(t *goTest, status trial.TestStatus, length trial.Seconds) {
	t.status, t.length = status, length
	if status == trial.TestPass {
		t.output = tail{}
		return
	}
	if r.suite.kept += len(t.output.text); r.suite.kept > keptOfAll {
		t.message, t.output = goMessage(t.output.String()), tail{}
	}
}

// print takes what a test printed, or the package where t is nil.
func (r *goRun) print(t *goTest, text string) {
	if t != nil {
		t.output.print(text)
	} else {
		r.output.print(text)
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		r.look(t, strings.TrimRight(strings.TrimPrefix(line, mark), "\r"))
	}
}

var (
	exitStatus  = regexp.MustCompile(`^(exit status \d+|signal: .+)$`)
	runningTest = regexp.MustCompile(`^\s+(\S+) \(.+\)$`)
)

// look reads the lines with which a test binary dies.
func (r *goRun) look(t *goTest, line string) {
	c := &r.crash
	if c.listing {
		if m := runningTest.FindStringSubmatch(line); m != nil {
			c.running = append(c.running, m[1])
			return
		}
		c.listing = false
	}
	switch {
	case t == nil && (line == "FAIL" || line == "PASS"):
		// The framework came to its end: a panic before was another program's,
		// whose log a test printed.
		r.told = line == "FAIL"
		*c = crash{}
	case c.text == "" && (strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ")):
		c.begun, c.begunAt = line, t
	case line == "running tests:" && c.begun != "":
		c.listing = true
	case strings.HasPrefix(line, "goroutine ") && strings.Contains(line, " [") && c.begun != "" && c.text == "":
		c.text, c.at, c.cause = oneLine(c.begun), c.begunAt, trial.CausePanic
		if strings.HasPrefix(c.begun, "panic: test timed out") {
			c.cause, c.at = trial.CauseSuiteTimeout, nil
		}
	case strings.HasPrefix(line, "*** Test killed"):
		c.text, c.cause = oneLine(line), trial.CauseSuiteTimeout
	case t == nil && c.text == "" && line != "exit status 1" && exitStatus.MatchString(line):
		c.text, c.cause = line, trial.CauseSetup
		if strings.HasPrefix(line, "signal") {
			c.cause = trial.CauseSignal
		}
	}
}

// settle decides on the tests that never ended. One that was paused, or that
// ran beside the one that is known to have brought the suite down, has not
// failed; all others may have.
func (r *goRun) settle() {
	blamed := map[string]bool{}
	for _, name := range r.crash.running {
		blamed[name] = true
	}
	if at := r.crash.at; at != nil && (at.status == trial.TestFail || strings.HasPrefix(r.crash.text, "panic: ")) {
		blamed[at.name] = true
	}
	for _, t := range slices.Backward(r.tests) { // subtests before their parents
		if t.status != "" {
			continue
		}
		switch {
		case blamed[t.name]:
			t.status = trial.TestFail
			t.print("\n" + r.crash.text)
		case r.failedBelow(t.name):
			t.status = trial.TestFail
			t.print("\nthe suite stopped in a subtest")
		case t.paused:
			t.status = trial.TestSkip
			t.print("\nthe test never ended: it was paused when the suite stopped")
		case len(blamed) > 0:
			t.status = trial.TestSkip
			t.print("\nthe test never ended: the suite stopped in another one")
		default:
			t.status = trial.TestFail
			t.print("\nthe test never ended: the suite stopped in it")
		}
	}
}

func (t *goTest) print(text string) { t.output.print(text) }

func (r *goRun) failedBelow(parent string) bool {
	return slices.ContainsFunc(r.tests, func(t *goTest) bool {
		return t.status == trial.TestFail && strings.HasPrefix(t.name, parent+"/")
	})
}

// report names the tests: with their package where there are several.
func (s *goSuite) report() (all Report) {
	for _, r := range s.runs {
		r.settle()
		for _, t := range r.tests {
			result := trial.TestResult{Name: t.name, Status: t.status, Length: t.length, Output: strings.TrimLeft(ending(t.output.String()), "\n")}
			if len(s.last) > 1 && r.pkg != "" {
				result.Name = r.pkg + "." + t.name
			}
			if result.Message = t.message; result.Message == "" && t.status != trial.TestPass {
				result.Message = goMessage(result.Output)
			}
			all.add(result, r.number)
		}
	}
	s.reasons(&all)
	return all
}

// reasons are those of each package's last run: what went before was repeated.
func (s *goSuite) reasons(all *Report) {
	told := map[string]bool{}
	broken := func(of string) {
		path := importPath(of)
		if told[path] {
			return
		}
		told[path] = true
		text := fmt.Sprintf("package %s does not build", path)
		if b := s.builds[of]; b != nil && len(b.output) > 0 {
			text += ": " + b.output[0]
		}
		all.reason(trial.CauseBuild, text)
	}
	succeeded, ended := true, false
	for _, r := range s.runs {
		if s.last[r.pkg] != r {
			continue
		}
		succeeded = succeeded && (r.result == "pass" || r.result == "skip")
		ended = ended || r.result != ""
		switch {
		case r.failedBuild != "":
			broken(r.failedBuild)
		case r.crash.text != "" && r.result != "pass":
			all.reason(r.crash.cause, r.named()+r.crash.text)
		case r.result == "fail" && !r.anyFailed():
			all.reason(trial.CauseSetup, r.named()+"it failed, and none of its tests did"+r.lastWords())
		}
	}
	for _, of := range slices.Sorted(maps.Keys(s.builds)) {
		if s.builds[of].failed {
			broken(of)
		}
	}
	if ended {
		all.Succeeded = &succeeded
	}
}

func (r *goRun) anyFailed() bool {
	return slices.ContainsFunc(r.tests, func(t *goTest) bool { return t.status == trial.TestFail })
}

func (r *goRun) named() string {
	if r.pkg == "" {
		return "the suite: "
	}
	return "package " + r.pkg + ": "
}

// lastWords are the last lines that a package printed, without those that say
// only that it failed.
func (r *goRun) lastWords() string {
	lines := strings.Split(r.output.String(), "\n")
	for _, line := range slices.Backward(lines) {
		line = strings.TrimSpace(line)
		if line != "" && line != "FAIL" && line != "PASS" && !strings.HasPrefix(line, "FAIL\t") && !strings.HasPrefix(line, "coverage: ") {
			return ": " + oneLine(line)
		}
	}
	return ""
}

// importPath is the path of a package without the test binary it was built for:
// "example.test/b [example.test/b.test]".
func importPath(of string) string {
	path, _, _ := strings.Cut(of, " [")
	return path
}

var (
	goLine    = regexp.MustCompile(`^\s*\S+\.go:\d+: ?(.*)$`)
	asserted  = regexp.MustCompile(`^\s*Error:\s+(\S.*)$`)
	neverDone = regexp.MustCompile(`^the test never ended: .*$`)
)

// goMessage finds the line of a test's output that says why it failed: a
// panic, an assertion's error, or the first line that it logged.
func goMessage(output string) string {
	logged, said := "", ""
	for line := range strings.SplitSeq(output, "\n") {
		line = strings.TrimRight(line, "\r")
		switch m := asserted.FindStringSubmatch(line); {
		case strings.HasPrefix(line, "panic: "), strings.HasPrefix(line, "fatal error: "):
			return oneLine(line)
		case m != nil && said == "":
			said = m[1]
		case neverDone.MatchString(line):
			logged = line
		}
		if m := goLine.FindStringSubmatch(line); m != nil && logged == "" {
			logged = m[1]
		}
	}
	if said != "" {
		return oneLine(said)
	}
	return oneLine(logged)
}
