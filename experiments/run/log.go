package run

import (
	"bufio"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline"
)

// trialLog is a trial's whole log, for people: each line with its time and its
// place. What a program wants to know of it is in the trial's record.
type trialLog struct {
	mu      sync.Mutex
	file    *os.File
	buf     *bufio.Writer
	secrets secrets

	lines int
	// said is the last line that a phase's own work printed; none has Line 0.
	said trial.Evidence
	// heard is when the worker was last heard in a phase, and where.
	heard    trial.Silence
	silences []trial.Silence
}

// silentFrom is from how long on a silence is recorded.
const silentFrom = trial.Seconds(15 * time.Second)

func openTrialLog(name string, hide secrets) (*trialLog, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("creating the trial's log: %w", err)
	}
	return &trialLog{file: f, buf: bufio.NewWriter(f), secrets: hide}, nil
}

// line writes one line: "   12.345s build/datastore  text".
func (l *trialLog) line(at trial.Seconds, place, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.buf, "%10.3fs %-18s %s\n", at.Duration().Seconds(), place, l.secrets.hide(text))
	l.lines += 1 + strings.Count(text, "\n")
	// A killed runner must not take the last lines with it.
	l.buf.Flush()
}

// logLine is a line of a trial's log as it is read again.
type logLine struct {
	at trial.Seconds
	// source is whose line it is: runner, watch, worker, fault or evidence; a
	// phase's own has none. phase and image are where it was said.
	source string
	phase  trial.Phase
	image  string
	text   string
}

// logLines reads a trial's log, with the numbers of its lines. The second line
// of a text with several has the time of the first, and no place.
func logLines(r io.Reader) iter.Seq2[int, logLine] {
	return func(yield func(int, logLine) bool) {
		in := bufio.NewScanner(r)
		in.Buffer(nil, 1<<20)
		var last trial.Seconds
		for number := 1; in.Scan(); number++ {
			l := logLine{at: last, text: in.Text()}
			clock, rest, _ := strings.Cut(strings.TrimLeft(in.Text(), " "), " ")
			if d, err := time.ParseDuration(clock); err == nil {
				last = trial.Seconds(d)
				place, text, _ := strings.Cut(rest, " ")
				l.at, l.text = last, strings.TrimLeft(text, " ")
				l.place(place)
			}
			if !yield(number, l) {
				return
			}
		}
	}
}

// place reads what where wrote.
func (l *logLine) place(text string) {
	if rest, found := strings.CutPrefix(text, string(pipeline.Evidence)+"/"); found {
		l.source, text = string(pipeline.Evidence), rest
	}
	name, image, _ := strings.Cut(text, "/")
	if slices.Contains(trial.Phases(), trial.Phase(name)) {
		l.phase, l.image = trial.Phase(name), image
	} else if l.source == "" {
		l.source = name
	}
}

// note keeps what the record has of the log: how long the worker was silent, and
// what its phases said last.
func (l *trialLog) note(at trial.Seconds, p trial.Phase, said string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p == "" {
		return
	}
	l.hear(at)
	l.heard = trial.Silence{Phase: p, Start: max(l.heard.Start, at)}
	if said != "" {
		l.said = trial.Evidence{Source: trial.SourceLog, State: trial.StateLastSaid, At: at, Line: l.lines, Text: said}
	}
}

// hear ends a silence.
func (l *trialLog) hear(at trial.Seconds) {
	if l.heard.Phase != "" && at-l.heard.Start >= silentFrom {
		l.silences = append(l.silences, trial.Silence{Phase: l.heard.Phase, Start: l.heard.Start, End: at})
	}
}

// silent lists the silences of a trial with these spans, the one at its end
// included.
func (l *trialLog) silent(spans []trial.Span) []trial.Silence {
	l.mu.Lock()
	defer l.mu.Unlock()
	var end trial.Seconds
	for _, s := range spans {
		if s.Phase != "" {
			end = max(end, s.End)
		}
	}
	l.hear(end)
	return l.silences
}

// last is the last that the phases said, if they said anything.
func (l *trialLog) last() []trial.Evidence {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.said.Line == 0 {
		return nil
	}
	return []trial.Evidence{l.said}
}

// event writes what an event tells a reader of the log.
func (l *trialLog) event(e pipeline.Event) {
	switch e.Kind {
	case pipeline.Log, pipeline.Progress:
		place := where(e.Phase, e.Image)
		if e.Source != pipeline.Said {
			l.line(e.At, string(e.Source)+"/"+place, e.Text)
			return
		}
		l.line(e.At, place, e.Text)
		l.note(e.At, e.Phase, e.Text)
	case pipeline.SpanStart:
		l.line(e.At, where(e.Span.Phase, e.Span.Image), "> "+spanTitle(*e.Span))
		l.note(e.At, e.Span.Phase, "")
	case pipeline.SpanEnd:
		text := "< " + spanTitle(*e.Span)
		if e.Span.Error != "" {
			text += ": " + e.Span.Error
		}
		l.line(e.At, where(e.Span.Phase, e.Span.Image), text)
		l.note(e.At, e.Span.Phase, "")
	}
}

func where(p trial.Phase, image string) string {
	if image == "" {
		return string(p)
	}
	return string(p) + "/" + image
}

func spanTitle(s trial.Span) string {
	if s.Step != "" {
		return s.Step
	}
	return s.Name
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
