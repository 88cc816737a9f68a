package testreport

import (
	"encoding/json"
	"io"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
)

// goEvent is one line of go test -json.
type goEvent struct {
	Action  string
	Package string
	Test    string
	Elapsed float64
	Output  string
}

// readGoJSON reads go test -json. Lines that are no events (a build's
// complaints, a program's own output) are printed and passed over.
func readGoJSON(r io.Reader, print func(string)) ([]trial.TestResult, error) {
	var s suite
	err := eachLine(r, func(line string) {
		var e goEvent
		if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &e) != nil || e.Action == "" {
			print(line)
			return
		}
		if e.Output != "" {
			print(strings.TrimRight(e.Output, "\n"))
		}
		s.goEvent(e)
	})
	return s.results(), err
}

func (s *suite) goEvent(e goEvent) {
	if e.Test == "" {
		return
	}
	t := s.at(e.Package, e.Test)
	switch e.Action {
	case "output":
		t.print(e.Output)
	case "pass", "bench":
		t.end(trial.TestPass, seconds(e.Elapsed))
	case "fail":
		t.end(trial.TestFail, seconds(e.Elapsed))
	case "skip":
		t.end(trial.TestSkip, seconds(e.Elapsed))
	}
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
