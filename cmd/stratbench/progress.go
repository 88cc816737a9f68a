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

// How often progress gives a sign of life: on a terminal, where the line is
// kept current, and elsewhere, where each is a line of its own. Trials are
// short next to what may be prepared for them, and many.
const (
	beatTerminal    = time.Second
	beatPreparation = 10 * time.Second
	beatTrial       = time.Minute
)

// progress tells how far a run is: on a terminal with one line that is kept
// current, elsewhere with plain lines.
type progress struct {
	w        io.Writer
	terminal bool
	stop     chan struct{}

	// mu guards what follows against the clock.
	mu sync.Mutex
	// current is what is under way, empty for nothing; phase is of it.
	current, phase string
	preparing      bool
	// since is when current began, beaten when its last sign of life was given.
	since, beaten time.Time
	done, total   int
	// left is how long all that remains takes, as estimated at estimated.
	left      time.Duration
	estimated time.Time
	width     int
}

// newProgress starts a display of progress. close ends it.
func newProgress(w io.Writer) *progress {
	p := &progress{w: w, terminal: isTerminal(w), stop: make(chan struct{})}
	go p.keepTime()
	return p
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}

// keepTime gives signs of life while nothing else happens.
func (p *progress) keepTime() {
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
}

func (p *progress) beat(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	every := beatTrial
	if p.preparing {
		every = beatPreparation
	}
	switch {
	case p.current == "":
	case p.terminal:
		p.redraw(now)
	case now.Sub(p.beaten) >= every:
		p.beaten = now
		fmt.Fprintln(p.w, p.status(now))
	}
}

// close ends the display, and removes the line that is kept current.
func (p *progress) close() {
	close(p.stop)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begin("", false)
	p.clear()
}

func (p *progress) update(u run.Update) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case u.Note != "":
		p.line(u.Note)
	case u.Preparing != nil:
		p.prepare(*u.Preparing)
	case u.Started != nil:
		p.counts(u)
		p.begin(u.Started.String(), false)
		if !p.terminal {
			p.line(p.position() + " " + p.current + p.estimate(time.Now()))
		}
	case u.Ended != nil:
		p.counts(u)
		p.begin("", false)
		p.line(p.position() + " " + ended(u))
	case u.Now != "":
		p.phase = string(u.Now)
	}
	if p.terminal {
		p.redraw(time.Now())
	}
}

func (p *progress) counts(u run.Update) {
	p.done, p.left, p.estimated = u.Done, u.Left, time.Now()
	if u.Started != nil {
		p.total = u.Total
	}
}

// begin makes something what is under way, with a clock of its own.
func (p *progress) begin(what string, preparing bool) {
	p.current, p.phase, p.preparing = what, "", preparing
	p.since = time.Now()
	p.beaten = p.since
}

func (p *progress) prepare(of run.Preparation) {
	if of.What != p.current || !p.preparing {
		p.begin(of.What, of.What != "")
		p.left, p.estimated = of.Takes, p.since
		if of.What != "" && !p.terminal {
			p.line(of.What + p.estimate(p.since))
		}
	}
	p.phase = of.Detail
}

// ended has three lines for a failure: what it was, the line that says it best,
// and where the log is.
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

func (p *progress) position() string { return fmt.Sprintf("[%d/%d]", p.done, p.total) }

// status is what is under way, with its clock.
func (p *progress) status(now time.Time) string {
	text := p.current
	if !p.preparing {
		text = p.position() + " " + text
	}
	if p.phase != "" {
		text += ": " + p.phase
	}
	return text + ", " + clock(now.Sub(p.since)) + p.estimate(now)
}

// estimate says how long it still takes, while that is known and not over.
func (p *progress) estimate(now time.Time) string {
	left := p.left - now.Sub(p.estimated)
	if left <= 0 {
		return ""
	}
	return ", about " + roughly(left) + " left"
}

// roughly prints a forecast: whole seconds, or from two minutes on whole minutes.
func roughly(d time.Duration) string {
	if d < 2*time.Minute {
		return d.Round(time.Second).String()
	}
	return fmt.Sprintf("%d min", int(d.Round(time.Minute).Minutes()))
}

// clock prints 3:07.
func clock(d time.Duration) string {
	s := int(d.Seconds())
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// line prints a line that stays.
func (p *progress) line(text string) {
	p.clear()
	fmt.Fprintln(p.w, text)
}

// redraw writes the line that is kept current, cut to the terminal: one that
// wraps could not be removed again.
func (p *progress) redraw(now time.Time) {
	p.clear()
	if p.current == "" {
		return
	}
	text := []rune(p.status(now))
	if columns, _, err := term.GetSize(int(p.w.(*os.File).Fd())); err == nil && columns > 1 && len(text) >= columns {
		text = append(text[:columns-2], '…')
	}
	p.width = len(text)
	fmt.Fprint(p.w, string(text))
}

func (p *progress) clear() {
	if p.width > 0 {
		fmt.Fprint(p.w, "\r"+strings.Repeat(" ", p.width)+"\r")
		p.width = 0
	}
}
