package testreport

import (
	"io"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
)

// mark starts a framing line in the output of -test.v=test2json, wherever in
// the line the test's own output had got to.
const mark = "\x16"

// readGoVerbose reads what a test binary prints, without the Go toolchain, or
// what go test -v prints of several.
func readGoVerbose(r io.Reader, print func(string)) (Report, error) {
	v := verbose{}
	v.run = &goRun{suite: &v.suite, latest: map[string]*goTest{}}
	err := eachLine(r, func(line string) {
		print(strings.ReplaceAll(line, mark, ""))
		v.line(line)
	})
	v.close("", "")
	return v.suite.report(), err
}

// verbose follows which test is speaking.
type verbose struct {
	suite goSuite
	// run is of a package whose name is known only at its end.
	run     *goRun
	current *goTest
	// marked is set by the first mark: from then on, a line without one is
	// output, whatever it looks like.
	marked   bool
	building string
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
		v.building = v.suite.compiler(v.building, line)
	}
	v.output(line + "\n")
}

func (v *verbose) output(text string) {
	if text != "" {
		v.run.print(v.current, text)
	}
}

// packageLine reads how go test says that a package has ended.
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
// go test did not start says FAIL or PASS, and not which package it is of.
func (v *verbose) close(pkg, result string) {
	r := v.run
	v.run, v.current, v.building = &goRun{suite: &v.suite, latest: map[string]*goTest{}}, nil, ""
	if result == "" && len(r.tests) == 0 && r.crash.text == "" && len(v.suite.runs) > 0 {
		return // what comes after the last package
	}
	if result == "" && r.told {
		result = "fail"
	}
	r.pkg, r.result = pkg, result
	if before := v.suite.last[pkg]; before != nil {
		r.number = before.number + 1
	}
	if v.suite.last == nil {
		v.suite.last = map[string]*goRun{}
	}
	v.suite.last[pkg] = r
	v.suite.runs = append(v.suite.runs, r)
}

// frame takes a framing line, and returns false when it is none.
func (v *verbose) frame(line string) bool {
	for _, prefix := range []string{"=== RUN ", "=== CONT ", "=== NAME "} {
		name, ok := strings.CutPrefix(line, prefix)
		if !ok {
			continue
		}
		v.current = nil
		if name = strings.TrimSpace(name); name != "" {
			if prefix == "=== RUN " {
				v.current = v.run.begin(name)
			} else {
				v.current = v.run.at(name)
				v.current.paused = false
			}
		}
		return true
	}
	if name, ok := strings.CutPrefix(line, "=== PAUSE "); ok {
		if name = strings.TrimSpace(name); name != "" {
			v.run.at(name).paused = true
		}
		v.current = nil
		return true
	}
	for prefix, status := range endings {
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			return v.ended(rest, status)
		}
	}
	if line == "FAIL" || line == "PASS" {
		v.current = nil
		v.run.look(nil, line)
		return true
	}
	if v.packageLine(line) {
		return true
	}
	return strings.HasPrefix(line, "=== ")
}

var endings = map[string]trial.TestStatus{
	"--- PASS: ":  trial.TestPass,
	"--- BENCH: ": trial.TestPass,
	"--- FAIL: ":  trial.TestFail,
	"--- SKIP: ":  trial.TestSkip,
}

// ended reads "TestName/sub (0.00s)". What follows an end belongs to the test
// until another one speaks: without -test.v=test2json, its log comes there.
func (v *verbose) ended(rest string, status trial.TestStatus) bool {
	name, took, found := strings.Cut(rest, " (")
	took, closed := strings.CutSuffix(took, ")")
	length, err := time.ParseDuration(took)
	if !found || !closed || err != nil || name == "" {
		return false
	}
	v.current = v.run.at(name)
	v.run.end(v.current, status, seconds(length.Seconds()))
	return true
}
