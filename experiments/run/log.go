package run

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline"
)

// trialLog is a trial's log. Its file has every line, with the time and the place of each,
// for people; programs read the trial's record.
type trialLog struct {
	mu      sync.Mutex
	file    *os.File
	buf     *bufio.Writer
	secrets secrets

	// lines are the last lines, of most to twice as many bytes, which explain a failure;
	// dropped is how many came before them.
	lines               []logLine
	dropped, size, most int
	// silences are those that have ended, and heard is the one that may still last.
	silences []trial.Silence
	heard    trial.Silence
	// said is the last line that a phase's own work printed; Line is 0 before it.
	said trial.Evidence
}

// silentFrom is the shortest silence that is recorded.
const silentFrom = trial.Seconds(15 * time.Second)

// mostInMemory is how many bytes of a log are kept in memory at least.
const mostInMemory = 32 << 20

func openTrialLog(name string, hide secrets) (*trialLog, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("creating the trial's log: %w", err)
	}
	return &trialLog{file: f, buf: bufio.NewWriter(f), secrets: hide, most: mostInMemory}, nil
}

type logLine struct {
	at trial.Seconds
	// source is who wrote the line: runner, watch, worker, fault or evidence; empty
	// for a phase's own work. phase and image are where it was written.
	source string
	phase  trial.Phase
	image  string
	text   string
}

// size is about how much memory the line takes.
func (l logLine) size() int { return 100 + len(l.text) }

// place is where the line comes from: "build/datastore".
func (l logLine) place() string {
	if l.source != "" && l.source != string(pipeline.Evidence) {
		return l.source
	}
	place := string(l.phase)
	if l.image != "" {
		place += "/" + l.image
	}
	if l.source != "" {
		place = l.source + "/" + place
	}
	return place
}

// line writes a text that belongs to no phase.
func (l *trialLog) line(at trial.Seconds, source, text string) {
	l.write(logLine{at: at, source: source, text: text})
}

// write writes a text: "   12.345s build/datastore  text". Further lines of the text
// have no place. It returns the number of the last one.
func (l *trialLog) write(w logLine) (number int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w.text = l.secrets.hide(w.text)
	if w.source == "" && w.phase != "" {
		l.endSilence(w.at)
		l.heard = trial.Silence{Phase: w.phase, Start: max(l.heard.Start, w.at)}
	}
	fmt.Fprintf(l.buf, "%10.3fs %-18s %s\n", w.at.Duration().Seconds(), w.place(), w.text)
	for i, text := range strings.Split(w.text, "\n") {
		if i > 0 {
			w = logLine{at: w.at}
		} else {
			text = strings.TrimLeft(text, " ")
		}
		w.text = strings.TrimSuffix(text, "\r")
		l.lines = append(l.lines, w)
		l.size += w.size()
	}
	if l.size > 2*l.most {
		drop := 0
		for ; l.size > l.most; drop++ {
			l.size -= l.lines[drop].size()
		}
		l.lines, l.dropped = slices.Clone(l.lines[drop:]), l.dropped+drop
	}
	// The last lines must survive a killed runner.
	l.buf.Flush()
	return l.dropped + len(l.lines)
}

// written are the last lines of the log, and how many were before them.
func (l *trialLog) written() (lines []logLine, dropped int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines, l.dropped
}

// endSilence ends the silence that may last.
func (l *trialLog) endSilence(at trial.Seconds) {
	if l.heard.Phase != "" && at-l.heard.Start >= silentFrom {
		l.silences = append(l.silences, trial.Silence{Phase: l.heard.Phase, Start: l.heard.Start, End: at})
	}
}

// silent lists the silences of a trial with these spans, including the one at its
// end: stretches of a phase in which its own work printed nothing.
func (l *trialLog) silent(spans []trial.Span) []trial.Silence {
	l.mu.Lock()
	defer l.mu.Unlock()
	var end trial.Seconds
	for _, s := range spans {
		if s.Phase != "" {
			end = max(end, s.End)
		}
	}
	l.endSilence(end)
	return l.silences
}

// last is the last line of a phase's own work, if there is one.
func (l *trialLog) last() []trial.Evidence {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.said.Line == 0 {
		return nil
	}
	return []trial.Evidence{l.said}
}

func (l *trialLog) event(e pipeline.Event) {
	switch e.Kind {
	case pipeline.Log:
		number := l.write(logLine{e.At, string(e.Source), e.Phase, e.Image, e.Text})
		if e.Source == pipeline.Said && e.Phase != "" && e.Text != "" {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.said = trial.Evidence{Source: trial.SourceLog, State: trial.StateLastSaid, At: e.At, Line: number, Text: e.Text}
		}
	case pipeline.SpanStart:
		l.span(e.At, "", ">", *e.Span)
	case pipeline.SpanEnd:
		l.span(e.At, "", "<", *e.Span)
	}
}

// span writes that a span began (>) or ended (<).
func (l *trialLog) span(at trial.Seconds, source, mark string, s trial.Span) {
	text := mark + " " + cmp.Or(s.Step, s.Name)
	if s.Error != "" {
		text += ": " + s.Error
	}
	l.write(logLine{at, source, s.Phase, s.Image, text})
}

func (l *trialLog) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.buf.Flush(); err != nil {
		l.file.Close()
		return fmt.Errorf("writing the trial's log %s: %w; free or repair the disk, then continue with --resume", l.file.Name(), err)
	}
	return l.file.Close()
}
