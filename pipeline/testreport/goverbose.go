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
	v := verbose{goSuite: newGoSuite()}
	err := eachLine(r, func(line string) {
		print(strings.ReplaceAll(line, mark, ""))
		v.line(line)
	})
	if r := v.last[""]; r != nil {
		if rest := len(v.runs) - 1; rest > 0 && len(r.tests) == 0 && r.crash.text == "" {
			v.runs = v.runs[:rest] // what comes after the last package
			delete(v.last, "")
		} else if r.ended {
			r.result = "fail" // a binary that go test did not start does not name its package
		}
	}
	v.report(report)
	return err
}

// verbose turns lines into events. The run that is under way has no package: its name
// comes at its end.
type verbose struct {
	*goSuite
	// test is the name of the test that is printing.
	test string
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
	if v.packageLine(line) || !v.marked && v.frame(strings.TrimLeft(line, " ")) {
		return
	}
	if v.test == "" {
		v.compiler(line)
	}
	v.output(line + "\n")
}

func (v *verbose) output(text string) {
	if text != "" {
		v.event(goEvent{Action: "output", Test: v.test, Output: text})
	}
}

// packageResults are the words with which go test ends a package.
var packageResults = map[string]string{"ok": "pass", "FAIL": "fail", "?": "skip"}

// packageLine reads the line with which go test ends a package.
func (v *verbose) packageLine(line string) bool {
	fields := strings.Split(strings.TrimPrefix(line, mark), "\t")
	result := packageResults[strings.TrimRight(fields[0], " ")]
	if len(fields) < 2 || result == "" {
		return false
	}
	pkg := importPath(fields[1]) // "b [build failed]"
	if pkg == "" || strings.Contains(pkg, " ") {
		return false
	}
	r := v.run("")
	delete(v.last, "")
	v.assign(r, pkg)
	r.buildFailed(line)
	r.result = result
	v.test, v.building = "", ""
	return true
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
		v.test = m[4]
		v.event(goEvent{Action: strings.ToLower(m[3]), Test: v.test, Elapsed: length.Seconds()})
	case m[6] != "":
		v.test = ""
		v.output(line + "\n")
	case verb == "RUN" || verb == "CONT" || verb == "NAME" || verb == "PAUSE":
		v.test = ""
		if name == "" {
			break
		}
		v.event(goEvent{Action: strings.ToLower(verb), Test: name})
		if verb != "PAUSE" {
			v.test = name
		}
	}
	return true
}
