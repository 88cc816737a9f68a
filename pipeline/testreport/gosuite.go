package testreport

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
)

// goSuite gathers what Go's test framework prints, in either form.
type goSuite struct {
	runs []*goRun
	// last is the newest run of each package.
	last map[string]*goRun
	// builds are what the compiler printed, by what it was building; building is
	// what it builds now, where its words are no events.
	builds   map[string]*build
	building string
	// kept is how much output is kept of tests that have ended.
	kept int
}

func newGoSuite() *goSuite {
	return &goSuite{last: map[string]*goRun{}, builds: map[string]*build{}}
}

// goRun is one run of a package's test binary.
type goRun struct {
	pkg string
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
	// ended is set when the framework itself prints that tests failed.
	ended bool
}

// crash is the unexpected end of a test binary.
type crash struct {
	// text is "panic: …", "fatal error: …" or what killed it, and at the test that
	// was printing.
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

// goTest is small, because a suite may have very many.
type goTest struct {
	name   string
	status trial.TestStatus // empty while it runs
	length trial.Seconds
	paused bool
	output tail
	// message stands for an output that is not kept.
	message string
}

type build struct {
	said   string
	failed bool
}

// goStatus are the words for how a test ended.
var goStatus = map[string]trial.TestStatus{
	"pass": trial.TestPass, "bench": trial.TestPass, "fail": trial.TestFail, "skip": trial.TestSkip,
}

// run returns the package's run that is under way, or begins one.
func (s *goSuite) run(pkg string) *goRun {
	if r := s.last[pkg]; r != nil && r.result == "" {
		return r
	}
	r := &goRun{latest: map[string]*goTest{}}
	s.runs = append(s.runs, r)
	s.assign(r, pkg)
	return r
}

// assign makes a run the last one of a package.
func (s *goSuite) assign(r *goRun, pkg string) {
	if before := s.last[pkg]; before != nil {
		r.number = before.number + 1
	}
	r.pkg, s.last[pkg] = pkg, r
}

func (s *goSuite) build(of string) *build {
	if s.builds[of] == nil {
		s.builds[of] = &build{}
	}
	return s.builds[of]
}

// compiler takes a line of a build's output as it was before go 1.24, outside
// of the events.
func (s *goSuite) compiler(line string) {
	if of, ok := strings.CutPrefix(line, "# "); ok {
		s.building = importPath(of)
	} else if s.building != "" {
		s.build(s.building).print(line)
	}
}

// print keeps the first line that a compiler prints.
func (b *build) print(line string) {
	if line = strings.TrimSpace(line); b.said == "" && !strings.HasPrefix(line, "# ") {
		b.said = oneLine(line)
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

// end notes how a test ended. When the output of all that failed is too long, only
// its message is kept.
func (s *goSuite) end(t *goTest, status trial.TestStatus, length trial.Seconds) {
	t.status, t.length = status, length
	if status == trial.TestPass {
		t.output = tail{}
		return
	}
	if s.kept += len(t.output.text); s.kept > keptOfAll {
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

// look reads the lines with which a test binary ends unexpectedly.
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
		r.ended = line == "FAIL"
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

const neverEnded = "the test never ended: "

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
		status, why := trial.TestFail, r.crash.text
		switch {
		case blamed[t.name]:
		case r.failed(t.name + "/"):
			why = "the suite stopped in a subtest"
		case t.paused:
			status, why = trial.TestSkip, neverEnded+"it was paused when the suite stopped"
		case len(blamed) > 0:
			status, why = trial.TestSkip, neverEnded+"the suite stopped in another one"
		default:
			why = neverEnded + "the suite stopped in it"
		}
		t.status = status
		t.output.print("\n" + why)
	}
}

// failed reports whether a test failed whose name begins like that.
func (r *goRun) failed(prefix string) bool {
	return slices.ContainsFunc(r.tests, func(t *goTest) bool {
		return t.status == trial.TestFail && strings.HasPrefix(t.name, prefix)
	})
}

// report adds the tests to the report, with their package where there are
// several.
func (s *goSuite) report(all *Report) {
	for _, r := range s.runs {
		r.settle()
		for _, t := range r.tests {
			one := trial.TestResult{Name: t.name, Status: t.status, Length: t.length, Message: t.message, Output: strings.TrimLeft(ending(t.output.String()), "\n")}
			if len(s.last) > 1 && r.pkg != "" {
				one.Name = r.pkg + "." + t.name
			}
			if one.Message == "" && one.Status != trial.TestPass {
				one.Message = goMessage(one.Output)
			}
			all.add(one, r.number, false)
		}
	}
	s.reasons(all)
}

// reasons are those of each package's last run: what went before was repeated.
func (s *goSuite) reasons(all *Report) {
	known := map[string]bool{}
	broken := func(of string) {
		path := importPath(of)
		if known[path] {
			return
		}
		known[path] = true
		text := fmt.Sprintf("package %s does not build", path)
		if b := s.builds[of]; b != nil && b.said != "" {
			text += ": " + b.said
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
			all.reason(r.crash.cause, r.named()+": "+r.crash.text)
		case r.result == "fail" && !r.failed(""):
			all.reason(trial.CauseSetup, r.named()+": it failed, and none of its tests did"+r.lastWords())
		}
	}
	for _, of := range slices.Sorted(maps.Keys(s.builds)) {
		if s.builds[of].failed {
			broken(of)
		}
	}
	if ended && (all.Succeeded == nil || !succeeded) {
		all.Succeeded = &succeeded
	}
}

func (r *goRun) named() string {
	if r.pkg == "" {
		return "the suite"
	}
	return "package " + r.pkg
}

// lastWords is the last line that a package printed, apart from those that report
// its failure.
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
	goLine   = regexp.MustCompile(`^\s*\S+\.go:\d+: ?(.*)$`)
	asserted = regexp.MustCompile(`^\s*Error:\s+(\S.*)$`)
)

// goMessage finds the line of a test's output that shows why it failed: a panic, an
// assertion's error, or the first line that it logged.
func goMessage(output string) string {
	logged, said := "", ""
	for line := range strings.SplitSeq(output, "\n") {
		line = strings.TrimRight(line, "\r")
		switch m := asserted.FindStringSubmatch(line); {
		case strings.HasPrefix(line, "panic: "), strings.HasPrefix(line, "fatal error: "):
			return oneLine(line)
		case m != nil && said == "":
			said = m[1]
		case strings.HasPrefix(line, neverEnded):
			logged = line
		}
		if m := goLine.FindStringSubmatch(line); m != nil && logged == "" {
			logged = m[1]
		}
	}
	return oneLine(cmp.Or(said, logged))
}
