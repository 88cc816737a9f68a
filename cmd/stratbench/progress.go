package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/stratbench/stratbench/experiments/run"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/report"
)

// How often progress gives a sign of life: on a terminal, where one line is kept
// current, and elsewhere, where each sign is a line of its own. Trials are many,
// and short compared with what may be prepared for them.
const (
	beatTerminal    = time.Second
	beatPreparation = 10 * time.Second
	beatTrial       = time.Minute
)

// progress shows how far a run is: on a terminal with one line that is kept
// current, elsewhere with plain lines.
type progress struct {
	w        io.Writer
	terminal bool
	stop     chan struct{}

	// mu guards what follows against the clock.
	mu sync.Mutex
	// current is what is under way, empty for nothing, and phase a part of it.
	current, phase string
	// every is how often it gives a sign of life without a terminal.
	every time.Duration
	// since is when current began, beaten the time of its last sign of life, and
	// until when all that remains ends, as estimated.
	since, beaten, until time.Time
}

// newProgress starts a display of progress. close ends it.
func newProgress(w io.Writer) *progress {
	p := &progress{w: w, stop: make(chan struct{})}
	if f, ok := w.(*os.File); ok {
		p.terminal = term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
	}
	go func() {
		clock := time.NewTicker(beatTerminal)
		defer clock.Stop()
		for {
			select {
			case <-p.stop:
				return
			case now := <-clock.C:
				p.beat(now)
			}
		}
	}()
	return p
}

func (p *progress) beat(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.current == "":
	case p.terminal:
		p.redraw(now)
	case now.Sub(p.beaten) >= p.every:
		p.beaten = now
		fmt.Fprintln(p.w, p.status(now))
	}
}

// close ends the display, and removes the line that is kept current.
func (p *progress) close() {
	close(p.stop)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begin("", 0, 0)
	p.clear()
}

func (p *progress) update(u run.Update) {
	p.mu.Lock()
	defer p.mu.Unlock()
	position := fmt.Sprintf("[%d/%d] ", u.Done, u.Total)
	switch {
	case u.Note != "":
		p.line(u.Note)
	case u.Preparing != nil:
		if u.Preparing.What != p.current {
			p.begin(u.Preparing.What, beatPreparation, u.Preparing.Takes)
		}
		p.phase = u.Preparing.Detail
	case u.Started != nil:
		p.begin(position+u.Started.String(), beatTrial, u.Left)
	case u.Ended != nil:
		p.begin("", 0, 0)
		p.line(position + ended(u))
	case u.Now != "":
		p.phase = string(u.Now)
	}
	if p.terminal {
		p.redraw(time.Now())
	}
}

// begin makes something what is under way, with a clock of its own.
func (p *progress) begin(what string, every, left time.Duration) {
	p.current, p.phase, p.every = what, "", every
	p.since = time.Now()
	p.beaten, p.until = p.since, p.since.Add(left)
	if what != "" && !p.terminal {
		p.line(what + p.estimate(p.since))
	}
}

// ended has three lines for a failure: what it was, the most telling line of its
// error, and the path of the log.
func ended(u run.Update) string {
	r := u.Ended
	text := fmt.Sprintf("%s: %s", r.Trial, report.Ending(r))
	if r.Verdict.Cause != "" {
		text += ", cause " + string(r.Verdict.Cause)
	}
	if r.Setup != nil {
		text += ", setup " + report.Seconds(*r.Setup)
	}
	text += ", took " + report.Seconds(r.Elapsed)
	if short := r.Verdict.InShort(); short != "" && r.Verdict.Outcome != trial.OK {
		text += "\n    " + short + "\n    log: " + u.Log
	}
	return text
}

// Write takes lines for notes.
func (p *progress) Write(b []byte) (int, error) {
	p.note(strings.TrimRight(string(b), "\n"))
	return len(b), nil
}

func (p *progress) note(text string) { p.update(run.Update{Note: text}) }

// status is what is under way, with its clock.
func (p *progress) status(now time.Time) string {
	text := p.current
	if p.phase != "" {
		text += ": " + p.phase
	}
	s := int(now.Sub(p.since).Seconds())
	return text + fmt.Sprintf(", %d:%02d", s/60, s%60) + p.estimate(now)
}

// estimate is how long all that remains takes, if that is known and not over:
// whole seconds, or from two minutes on whole minutes.
func (p *progress) estimate(now time.Time) string {
	switch left := p.until.Sub(now); {
	case left <= 0:
		return ""
	case left < 2*time.Minute:
		return fmt.Sprintf(", about %s left", left.Round(time.Second))
	default:
		return fmt.Sprintf(", about %d min left", int(left.Round(time.Minute).Minutes()))
	}
}

// line prints a line that stays.
func (p *progress) line(text string) {
	p.clear()
	fmt.Fprintln(p.w, text)
}

// redraw writes the line that is kept current, cut to the terminal, because a line
// that wraps could not be removed again.
func (p *progress) redraw(now time.Time) {
	p.clear()
	if p.current == "" {
		return
	}
	text := []rune(p.status(now))
	if columns, _, err := term.GetSize(int(p.w.(*os.File).Fd())); err == nil && columns > 1 && len(text) >= columns {
		text = append(text[:columns-2], '…')
	}
	fmt.Fprint(p.w, string(text))
}

// clear removes the line that is kept current.
func (p *progress) clear() {
	if p.terminal {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
