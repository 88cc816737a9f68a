package testreport

import (
	"cmp"
	"encoding/json"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
)

// goEvent is one line of go test -json.
type goEvent struct {
	Action      string
	Package     string
	Test        string
	Elapsed     float64
	Output      string
	ImportPath  string
	FailedBuild string
}

// readGoJSON reads go test -json. Lines that are not events, such as a compiler's
// errors and a program's own output, are printed and skipped.
func readGoJSON(r io.Reader, print func(string), report *Report) error {
	s := newGoSuite()
	cut := false
	err := eachLine(r, func(line string) {
		before, events, damaged := goEvents(line)
		if before = strings.TrimSpace(before); before != "" || len(events) == 0 && !damaged {
			print(before)
			s.compiler(before)
		}
		cut = damaged
		for _, e := range events {
			if e.Output != "" {
				print(strings.TrimRight(strings.ReplaceAll(e.Output, mark, ""), "\n"))
			}
			s.event(e)
		}
	})
	s.report(report)
	for _, r := range s.runs {
		if r.result == "" && s.last[r.pkg] == r && r.crash.text == "" {
			report.reason(trial.CauseTruncated, "the report ends before "+r.named()+" does")
			cut = false
		}
	}
	if cut {
		report.reason(trial.CauseTruncated, "the report is truncated"+report.lastTest())
	}
	return err
}

// eventStart is where an event begins in a line, after whatever a CI or a
// program put before it.
var eventStart = regexp.MustCompile(`\{\s*"(Time|Action|ImportPath|Package)"\s*:`)

// goEvents reads the events of a line: usually one, more where the ends of
// lines were lost. cut is set for one that does not end.
func goEvents(line string) (before string, events []goEvent, cut bool) {
	at := eventStart.FindStringIndex(line)
	if at == nil {
		return line, nil, false
	}
	before, line = line[:at[0]], line[at[0]:]
	var e goEvent
	if json.Unmarshal([]byte(line), &e) == nil {
		if e.Action != "" {
			events = []goEvent{e}
		}
		return before, events, false
	}
	// What a damaged byte keeps from being JSON is read as far as possible.
	of := fields{}
	doc := &jsonText{input: newInput(strings.NewReader(line))}
	doc.value = func(path []string, text string) {
		if len(path) == 1 {
			of[path[0]] = text
		}
	}
	doc.leave = func(path []string) {
		if len(path) > 0 || of["Action"] == "" {
			return
		}
		took, _ := strconv.ParseFloat(of["Elapsed"], 64) // 0 if there is none
		events = append(events, goEvent{of["Action"], of["Package"], of["Test"], took, of["Output"], of["ImportPath"], of["FailedBuild"]})
		of = fields{}
	}
	_ = doc.read() // of a string
	return before, events, doc.cut
}

func (s *goSuite) event(e goEvent) {
	switch e.Action {
	case "build-output":
		s.build(e.ImportPath).print(e.Output)
		return
	case "build-fail":
		s.build(e.ImportPath).failed = true
		return
	}
	r := s.last[e.Package]
	if late := r != nil && e.Test == "" && e.Action == "output"; !late {
		r = s.run(e.Package)
	}
	if e.Test == "" {
		switch e.Action {
		case "output":
			r.print(nil, e.Output)
			r.buildFailed(e.Output)
		case "pass", "fail", "skip":
			r.result = e.Action
			r.failedBuild = cmp.Or(e.FailedBuild, r.failedBuild)
		}
		return
	}
	switch e.Action {
	case "run":
		r.begin(e.Test)
	case "pause":
		r.at(e.Test).paused = true
	case "cont", "name":
		r.at(e.Test).paused = false
	case "output":
		r.print(r.at(e.Test), e.Output)
	case "pass", "bench", "fail", "skip":
		s.end(r.at(e.Test), goStatus[e.Action], seconds(e.Elapsed))
	}
}

// buildFailed reads the line that go test prints for a package that it could
// not build.
func (r *goRun) buildFailed(line string) {
	if strings.HasPrefix(strings.TrimPrefix(line, mark), "FAIL\t") && (strings.Contains(line, "[build failed]") || strings.Contains(line, "[setup failed]")) {
		r.failedBuild = r.pkg
	}
}
