package triage

import (
	"bufio"
	"io"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
)

// logLine is a line of a trial's log: "  12.345s build/api  text".
type logLine struct {
	at    trial.Seconds
	place string
	text  string
}

// phase is where the line was said; empty for the runner's own.
func (l logLine) phase() trial.Phase {
	at, _, _ := strings.Cut(l.place, "/")
	for _, p := range trial.Phases() {
		if at == string(p) {
			return p
		}
	}
	return ""
}

// readLog reads what can be read. A line that is none, such as the second of a
// text with several, belongs to the moment of the one before it.
func readLog(r io.Reader) (lines []logLine) {
	in := bufio.NewScanner(r)
	in.Buffer(nil, 1<<20)
	var last trial.Seconds
	for in.Scan() {
		l, ok := parseLine(in.Text())
		if !ok {
			l = logLine{at: last, text: in.Text()}
		}
		last = l.at
		lines = append(lines, l)
	}
	return lines
}

func parseLine(line string) (logLine, bool) {
	clock, rest, found := strings.Cut(strings.TrimLeft(line, " "), " ")
	if !found || !strings.HasSuffix(clock, "s") {
		return logLine{}, false
	}
	at, err := time.ParseDuration(clock)
	if err != nil {
		return logLine{}, false
	}
	place, text, _ := strings.Cut(rest, " ")
	return logLine{at: trial.Seconds(at), place: place, text: strings.TrimLeft(text, " ")}, true
}
