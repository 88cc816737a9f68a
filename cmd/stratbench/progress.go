package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/stratbench/stratbench/experiments/run"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/report"
)

// progress tells how far a run is: on a terminal with one line that is kept
// current, elsewhere with plain lines.
type progress struct {
	w        io.Writer
	terminal bool
	current  *trial.Trial
	done     int
	total    int
	left     time.Duration
	width    int
}

func newProgress(w io.Writer) *progress {
	return &progress{w: w, terminal: isTerminal(w)}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}

func (p *progress) update(u run.Update) {
	switch {
	case u.Note != "":
		p.line(u.Note)
	case u.Started != nil:
		p.current, p.done, p.total, p.left = u.Started, u.Done, u.Total, u.Left
		if !p.terminal {
			p.line(p.position() + " " + u.Started.String() + p.estimate())
		}
		p.status("")
	case u.Ended != nil:
		p.done, p.left = u.Done, u.Left
		p.line(p.position() + " " + ended(u))
	case u.Now != "":
		p.status(": " + string(u.Now))
	}
}

// ended has three lines for a failure: what it was, the line that says it best,
// and where the log is.
func ended(u run.Update) string {
	r := u.Ended
	text := fmt.Sprintf("%s: %s", r.Trial, report.Verdict(r.Verdict))
	if r.Verdict.Cause != "" {
		text += ", cause " + r.Verdict.Cause
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

func (p *progress) note(text string) { p.update(run.Update{Note: text}) }

func (p *progress) position() string { return fmt.Sprintf("[%d/%d]", p.done, p.total) }

func (p *progress) estimate() string {
	if p.left <= 0 {
		return ""
	}
	return ", about " + report.Seconds(trial.Seconds(p.left.Round(time.Second))) + " left"
}

// line prints a line that stays.
func (p *progress) line(text string) {
	p.clear()
	fmt.Fprintln(p.w, text)
}

// status redraws the line that is kept current.
func (p *progress) status(now string) {
	if !p.terminal || p.current == nil {
		return
	}
	p.clear()
	text := p.position() + " " + p.current.String() + now + p.estimate()
	p.width = len([]rune(text))
	fmt.Fprint(p.w, text)
}

func (p *progress) clear() {
	if p.width > 0 {
		fmt.Fprint(p.w, "\r"+strings.Repeat(" ", p.width)+"\r")
		p.width = 0
	}
}
