package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
)

// MarksVariable is the environment variable that names, for a set-up command, the
// file to which marks are appended.
const MarksVariable = "STRATBENCH_MARKS"

// The two ends of a phase in a mark.
const (
	markStart = "start"
	markEnd   = "end"
)

// WriteMark appends a mark with the present time to the file: "build start 12345".
// Processes of the set-up command call it. What is no mark is reported when the file is
// read.
func WriteMark(file string, phase trial.Phase, end string) error {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = fmt.Fprintf(f, "%s %s %d\n", phase, end, Now())
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return fmt.Errorf("marking the %s of %s: %w", end, phase, err)
	}
	return nil
}

// marker turns marks into phases: lines of output that match a pattern, and lines of
// the file of marks.
type marker struct {
	t        *run
	patterns []pattern
	// stop ends the set-up command at a limit.
	stop context.CancelCauseFunc
	ctx  context.Context

	mu     sync.Mutex
	phases []*marked
	issues []string
	// tests is when the phase test began, 0 if it did not.
	tests trial.Seconds
}

type pattern struct {
	phase      trial.Phase
	start, end *regexp.Regexp
}

// marked is a phase whose start was seen.
type marked struct {
	*phase
	span *openSpan
	over context.CancelFunc
	// open is true until the phase ends. With implied, its end is not marked: the
	// phase ends when the next one begins.
	open, implied bool
}

func newMarker(ctx context.Context, stop context.CancelCauseFunc, t *run, marks spec.Marks) *marker {
	m := &marker{t: t, stop: stop, ctx: ctx}
	for _, phase := range slices.Sorted(maps.Keys(marks)) {
		p := pattern{phase: phase, start: regexp.MustCompile(marks[phase].Start)} // the spec's loader has checked both
		if marks[phase].End != "" {
			p.end = regexp.MustCompile(marks[phase].End)
		}
		m.patterns = append(m.patterns, p)
	}
	return m
}

// line takes a line that the command printed, and logs it in the phase that is open.
func (m *marker) line(text string) {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.patterns {
		if p.start.MatchString(text) {
			m.begin(p.phase, now, p.end == nil)
		}
	}
	var at trial.Phase
	for _, p := range m.phases {
		if p.open {
			p.touch()
			at = p.name
		}
	}
	m.t.rec.emit(Event{Kind: Log, Phase: at, Text: text})
	for _, p := range m.patterns {
		if p.end != nil && p.end.MatchString(text) {
			m.end(p.phase, now)
		}
	}
}

// called takes a line of the file of marks.
func (m *marker) called(text string) {
	fields := strings.Fields(text)
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(fields) == 3 {
		if at, err := strconv.ParseInt(fields[2], 10, 64); err == nil {
			now = now.Add(time.Duration(at - Now()))
		}
	}
	if len(fields) < 2 || len(fields) > 3 || !slices.Contains(trial.Phases(), trial.Phase(fields[0])) || fields[1] != markStart && fields[1] != markEnd {
		m.issues = append(m.issues, fmt.Sprintf("%q is no mark; call stratbench mark PHASE start and stratbench mark PHASE end", text))
		return
	}
	if fields[1] == markStart {
		m.begin(trial.Phase(fields[0]), now, false)
	} else {
		m.end(trial.Phase(fields[0]), now)
	}
}

// begin begins a phase. A second start of an open phase is ignored. A phase that has
// ended cannot begin again.
func (m *marker) begin(p trial.Phase, at time.Time, implied bool) {
	if known := m.find(p); known != nil {
		if !known.open {
			m.issues = append(m.issues, fmt.Sprintf("the phase %s began again after its end; mark its first start and its last end", p))
		}
		return
	}
	for _, other := range m.phases {
		if other.open && other.implied {
			m.close(other, at, nil)
		}
	}
	ctx, over := context.WithCancel(m.ctx)
	began := &marked{phase: &phase{name: p, rec: m.t.rec, started: at}, over: over, open: true, implied: implied}
	began.span = m.t.rec.startAt(trial.Span{Name: string(p), Phase: p}, at)
	if p == trial.PhaseTest {
		m.tests = m.t.rec.clock.At(at)
	}
	m.phases = append(m.phases, began)
	go began.watch(ctx, m.stop, m.t.cfg.Limits[p], m.t.cfg.Silence[p])
}

// end ends a phase. A second end is ignored.
func (m *marker) end(p trial.Phase, at time.Time) {
	known := m.find(p)
	switch {
	case known == nil:
		m.issues = append(m.issues, fmt.Sprintf("the phase %s ended without a start; mark its start, too", p))
	case known.open:
		m.close(known, at, nil)
	}
}

func (m *marker) close(p *marked, at time.Time, err error) {
	p.over()
	p.open = false
	p.span.endAt(at, err)
}

func (m *marker) find(p trial.Phase) *marked {
	if i := slices.IndexFunc(m.phases, func(known *marked) bool { return known.name == p }); i >= 0 {
		return m.phases[i]
	}
	return nil
}

// finish ends the open phases when the command has ended. It returns the one of them
// that began last, and what is wrong with the marks: phases cannot be derived from them,
// so the trial could not be measured.
func (m *marker) finish(at time.Time, failed error) (in trial.Phase, wrong error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.phases {
		if !p.open {
			continue
		}
		in = p.name
		if !p.implied && failed == nil {
			m.issues = append(m.issues, fmt.Sprintf("the end of the phase %s was not seen; correct its mark, or leave the end out, so that the phase ends with the next one or with the command", p.name))
		}
		m.close(p, at, failed)
	}
	if len(m.issues) == 0 {
		return in, nil
	}
	slices.Sort(m.issues)
	return in, errors.New("the marks of the set-up command do not pair: " + strings.Join(slices.Compact(m.issues), "; "))
}

// lookForMarks is how often the file of marks is read. The marks have exact times of
// their own.
const lookForMarks = 25 * time.Millisecond

// follow reads the file of marks until done is closed, then the rest of it.
func (m *marker) follow(file *os.File, done <-chan struct{}) {
	whole := &lines{emit: m.called}
	for last := false; ; {
		if _, err := io.Copy(whole, file); last || err != nil {
			return
		}
		select {
		case <-done:
			last = true
		case <-time.After(lookForMarks):
		}
	}
}
