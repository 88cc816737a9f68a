package kindcluster

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"sigs.k8s.io/kind/pkg/log"
)

// Observer is notified of what Kind does while it does it. Its functions may be called
// from several goroutines.
type Observer struct {
	// Log takes a line that Kind printed, Evidence a line that was read from a node
	// after a failure.
	Log, Evidence func(line string)
	// Step is called when a step of Kind's starts, and end when it ends.
	Step func(name string) (end func(error))
}

// step runs work as a step.
func (see Observer) step(name string, work func() error) error {
	end := see.Step(name)
	err := work()
	end(err)
	return err
}

// logger passes Kind's messages on as lines, and turns its status messages into
// steps: " • Starting control-plane ..." and " ✓ Starting control-plane".
type logger struct {
	Observer
	mu  sync.Mutex
	end func(error)
}

// errStep stands for the error of a step, which Kind reports only at the end.
var errStep = errors.New("the step failed")

func (l *logger) message(text string) {
	text = strings.TrimRight(text, "\n")
	l.mu.Lock()
	defer l.mu.Unlock()
	switch mark, name, _ := strings.Cut(strings.TrimSpace(text), " "); mark {
	case "•":
		l.finish(nil)
		words := strings.FieldsFunc(name, func(r rune) bool { return r == ' ' || r > 0x7f }) // without decoration
		l.end = l.Step(strings.TrimSuffix(strings.Join(words, " "), " ..."))
	case "✓":
		l.finish(nil)
	case "✗":
		l.finish(errStep)
	}
	for line := range strings.Lines(text) {
		l.Log(strings.TrimRight(line, "\n"))
	}
}

func (l *logger) finish(err error) {
	if l.end != nil {
		l.end(err)
		l.end = nil
	}
}

// Warn drops Kind's two warnings about a network that is not its usual one.
func (l *logger) Warn(message string) {
	if !strings.Contains(message, "Overriding") && !strings.Contains(message, "Here be dragons") {
		l.message("warning: " + message)
	}
}

func (l *logger) Warnf(format string, a ...any)  { l.Warn(fmt.Sprintf(format, a...)) }
func (l *logger) Error(message string)           { l.message("error: " + message) }
func (l *logger) Errorf(format string, a ...any) { l.Error(fmt.Sprintf(format, a...)) }

// V keeps Kind's debugging output out of the log. If something fails, that output is
// part of the error.
func (l *logger) V(level log.Level) log.InfoLogger {
	if level > 0 {
		return log.NoopInfoLogger{}
	}
	return l
}

func (l *logger) Enabled() bool                 { return true }
func (l *logger) Info(message string)           { l.message(message) }
func (l *logger) Infof(format string, a ...any) { l.message(fmt.Sprintf(format, a...)) }
