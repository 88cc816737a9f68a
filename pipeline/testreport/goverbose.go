package testreport

import (
	"io"
	"regexp"
	"strings"
	"time"
)

// mark starts a framing line in the output of -test.v=test2json, wherever in
// the line the test's own output had got to.
const mark = "\x16"

// readGoVerbose reads what a test binary prints, without the Go toolchain, or
// what go test -v prints of several.
func readGoVerbose(r io.Reader, print func(string), report *Report) error {
	v := verbose{suite: newGoSuite()}
	v.run = v.suite.newRun("")
	err := eachLine(r, func(line string) {
		print(strings.ReplaceAll(line, mark, ""))
		v.line(line)
	})
	v.close("", "")
	v.suite.report(report)
	return err
}

// verbose follows which test is printing.
type verbose struct {
	suite *goSuite
	// run is of a package whose name is known only at its end.
	run     *goRun
	current *goTest
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
	if v.packageLine(line) {
		return
	}
	if !v.marked && v.frame(strings.TrimLeft(line, " ")) {
		return
	}
	if v.current == nil {
		v.suite.compiler(line)
	}
	v.output(line + "\n")
}

func (v *verbose) output(text string) {
	if text != "" {
		v.run.print(v.current, text)
	}
}

// packageLine reads the line with which go test ends a package.
func (v *verbose) packageLine(line string) bool {
	fields := strings.Split(strings.TrimPrefix(line, mark), "\t")
	if len(fields) < 2 {
		return false
	}
	pkg := importPath(fields[1]) // "b [build failed]"
	if pkg == "" || strings.Contains(pkg, " ") {
		return false
	}
	switch strings.TrimRight(fields[0], " ") {
	case "ok":
		v.close(pkg, "pass")
	case "FAIL":
		v.run.pkg = pkg
		v.suite.buildFailed(v.run, line)
		v.close(pkg, "fail")
	case "?":
		v.close(pkg, "skip")
	default:
		return false
	}
	return true
}

// close ends the run of a package, and begins that of the next. A binary that
// go test did not start prints FAIL or PASS without its package.
func (v *verbose) close(pkg, result string) {
	r := v.run
	v.run, v.current, v.suite.building = v.suite.newRun(""), nil, ""
	if result == "" && len(r.tests) == 0 && r.crash.text == "" && len(v.suite.runs) > 0 {
		return // what comes after the last package
	}
	if result == "" && r.ended {
		result = "fail"
	}
	r.pkg, r.result = pkg, result
	v.suite.add(r)
}

var frameLine = regexp.MustCompile(`^(?:=== (\S*) *(.*)|--- (PASS|BENCH|FAIL|SKIP): (.+?) \((.*)\)|(PASS|FAIL))$`)

// frame takes a framing line, and returns false for any other line. What follows the
// end of a test belongs to it until another test prints: without
// -test.v=test2json, its log comes there.
func (v *verbose) frame(line string) bool {
	m := frameLine.FindStringSubmatch(line)
	if m == nil {
		return v.packageLine(line)
	}
	switch verb, name := m[1], strings.TrimSpace(m[2]); {
	case m[3] != "":
		length, err := time.ParseDuration(m[5])
		if err != nil {
			return false
		}
		v.current = v.run.at(m[4])
		v.run.end(v.current, goStatus[strings.ToLower(m[3])], seconds(length.Seconds()))
	case m[6] != "":
		v.current = nil
		v.run.look(nil, line)
	case verb == "RUN" || verb == "CONT" || verb == "NAME" || verb == "PAUSE":
		v.current = nil
		if name == "" {
			break
		}
		t := v.run.at(name)
		if verb == "RUN" {
			t = v.run.begin(name)
		}
		if t.paused = verb == "PAUSE"; !t.paused {
			v.current = t
		}
	}
	return true
}
