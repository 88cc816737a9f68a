package run

import (
	"bufio"
	"fmt"
	"os"
	"sync"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline"
)

// trialLog is a trial's whole log: each line with its time and its place.
type trialLog struct {
	mu      sync.Mutex
	file    *os.File
	buf     *bufio.Writer
	secrets secrets
}

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
	// A killed runner must not take the last lines with it.
	l.buf.Flush()
}

// event writes what an event tells a reader of the log.
func (l *trialLog) event(e pipeline.Event) {
	switch e.Kind {
	case pipeline.Log, pipeline.Progress:
		place := where(e.Phase, e.Image)
		if e.Source != pipeline.Said {
			place = string(e.Source) + "/" + place
		}
		l.line(e.At, place, e.Text)
	case pipeline.SpanStart:
		l.line(e.At, where(e.Span.Phase, e.Span.Image), "> "+spanTitle(*e.Span))
	case pipeline.SpanEnd:
		text := "< " + spanTitle(*e.Span)
		if e.Span.Error != "" {
			text += ": " + e.Span.Error
		}
		l.line(e.At, where(e.Span.Phase, e.Span.Image), text)
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
