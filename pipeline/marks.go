package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
)

// MarksVariable names, in the environment of a set-up command, the file to
// which marks are appended.
const MarksVariable = "STRATBENCH_MARKS"

// The two ends of a phase, as a mark has them.
const (
	markStart = "start"
	markEnd   = "end"
)

// WriteMark appends a mark with this moment to the file: "build start 12345".
// It is what a process that the set-up command runs does.
func WriteMark(file string, phase trial.Phase, end string) error {
	if end != markStart && end != markEnd {
		return fmt.Errorf("%q is no end of a phase; write start or end", end)
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("marking the %s of %s: %w", end, phase, err)
	}
	_, err = fmt.Fprintf(f, "%s %s %d\n", phase, end, Now())
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("marking the %s of %s: %w", end, phase, err)
	}
	return nil
}

// marker makes phases of marks: of lines that match a pattern, and of those in
// the file.
type marker struct {
	t        *run
	patterns []pattern
	// stop ends the set-up command, because of a limit.
	stop context.CancelCauseFunc
	ctx  context.Context

	mu     sync.Mutex
	phases []*marked
	faults []string
	// tests is when the phase test began, or 0.
	tests trial.Seconds
}

type pattern struct {
	phase      trial.Phase
	start, end *regexp.Regexp
}

// marked is a phase that was seen to begin.
type marked struct {
	*phase
	span *openSpan
	over context.CancelFunc
	// open is true until its end; implied says that the end is not marked, and is
	// the beginning of the next phase.
	open, implied bool
}

func newMarker(ctx context.Context, stop context.CancelCauseFunc, t *run, marks map[trial.Phase]Mark) (*marker, error) {
	m := &marker{t: t, stop: stop, ctx: ctx}
	for _, phase := range slices.Sorted(maps.Keys(marks)) {
		p, err := pattern{phase: phase}, error(nil)
		if p.start, err = regexp.Compile(marks[phase].Start); err == nil && marks[phase].End != "" {
			p.end, err = regexp.Compile(marks[phase].End)
		}
		if err != nil {
			return nil, fmt.Errorf("reading the marks of the phase %s: %w", phase, err)
		}
		m.patterns = append(m.patterns, p)
	}
	return m, nil
}

// line takes a line that the command printed, and logs it in the phase that it
// is of.
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
		m.faults = append(m.faults, fmt.Sprintf("%q is no mark; call stratbench mark PHASE start, and stratbench mark PHASE end", text))
		return
	}
	if fields[1] == markStart {
		m.begin(trial.Phase(fields[0]), now, false)
	} else {
		m.end(trial.Phase(fields[0]), now)
	}
}

// begin begins a phase. Lines that begin one that goes on already are part of
// it; one that is over does not begin again.
func (m *marker) begin(p trial.Phase, at time.Time, implied bool) {
	if known := m.find(p); known != nil {
		if !known.open {
			m.faults = append(m.faults, fmt.Sprintf("the phase %s began a second time after its end; mark its first beginning and its last end", p))
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

// end ends a phase. That its end is seen again says nothing.
func (m *marker) end(p trial.Phase, at time.Time) {
	known := m.find(p)
	switch {
	case known == nil:
		m.faults = append(m.faults, fmt.Sprintf("the end of the phase %s was seen, and no beginning before it; mark that, too", p))
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

// finish ends what is open when the command has ended. It returns the phase in
// which that was, the one that began last, and what is wrong with the marks.
func (m *marker) finish(at time.Time, failed error) (in trial.Phase, wrong error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.phases {
		if !p.open {
			continue
		}
		in = p.name
		if !p.implied && failed == nil {
			m.faults = append(m.faults, fmt.Sprintf("the phase %s began, and its end was not seen; correct its mark, or leave the end out: it then ends with the next phase, or with the command", p.name))
		}
		m.close(p, at, failed)
	}
	if len(m.faults) == 0 {
		return in, nil
	}
	slices.Sort(m.faults)
	return in, &MarksError{Faults: slices.Compact(m.faults)}
}

// unseen are the phases of whose beginning there is a pattern and was no line.
func (m *marker) unseen() (phases []trial.Phase) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.patterns {
		if m.find(p.phase) == nil {
			phases = append(phases, p.phase)
		}
	}
	return phases
}

// MarksError says that the phases of a set-up command cannot be told from its
// marks: the trial could not be measured.
type MarksError struct{ Faults []string }

func (e *MarksError) Error() string {
	return "the marks of the set-up command do not pair: " + strings.Join(e.Faults, "; ")
}

// lookForMarks is how often the file of marks is looked at. What it says of
// time is exact all the same.
const lookForMarks = 25 * time.Millisecond

// follow reads the file of marks until done is closed, and then to its end.
func (m *marker) follow(file *os.File, done <-chan struct{}) {
	var rest []byte
	for last := false; ; {
		text, err := io.ReadAll(file)
		rest = append(rest, text...)
		for {
			line, after, whole := bytes.Cut(rest, []byte("\n"))
			if !whole {
				break
			}
			m.called(string(line))
			rest = after
		}
		if last || err != nil {
			return
		}
		select {
		case <-done:
			last = true
		case <-time.After(lookForMarks):
		}
	}
}

// openMarks makes the file of marks, empty.
func (c Config) openMarks() (*os.File, error) {
	f, err := os.Create(filepath.Join(c.WorkDir, "marks"))
	if err != nil {
		return nil, fmt.Errorf("making a file for marks: %w", err)
	}
	return f, nil
}
