package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
)

// Grace is how long a phase may take to stop once it is told to, including the time
// in which it collects reasons and evidence. A phase that takes longer is left
// running.
const Grace = 3 * time.Second

// phase is a phase that is running.
type phase struct {
	name    trial.Phase
	rec     *recorder
	started time.Time

	mu sync.Mutex
	// waited is how long the phase has waited for other phases, without the wait
	// that began at waits if that is set. No limit counts this time.
	waited time.Duration
	waits  time.Time
	// beat is when something last happened, in time spent working.
	beat time.Duration
}

// runPhase runs work as the phase p, within a span and the phase's limits.
func (t *run) runPhase(parent context.Context, p trial.Phase, work func(context.Context, *phase) error) error {
	if parent.Err() != nil {
		return inPhase(p, waited(parent))
	}
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	ph := &phase{name: p, rec: t.rec, started: time.Now()}
	span := t.rec.start(trial.Span{Name: string(p), Phase: p})
	go ph.watch(ctx, cancel, t.cfg.Limits[p], t.cfg.Silence[p])
	err := bounded(ctx, func() error { return work(ctx, ph) })
	err = inPhase(p, becauseOf(context.Cause(ctx), err))
	span.end(err)
	return err
}

// bounded waits for work, and no longer than Grace once ctx has ended.
func bounded(ctx context.Context, work func() error) error {
	done := make(chan error, 1)
	go func() { done <- work() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return err
	case <-time.After(Grace):
		return fmt.Errorf("did not stop within %s of being told to", Grace)
	}
}

// becauseOf adds the cause for which a phase was ended to the error that the phase
// returned. A phase that returned no error succeeded all the same.
func becauseOf(cause, err error) error {
	if err == nil || cause == nil {
		return err
	}
	if limit, is := errors.AsType[*LimitError](cause); is {
		ended := *limit
		if ended.Err = err; err == context.Canceled || err == context.DeadlineExceeded {
			ended.Err = nil // which adds nothing
		}
		return &ended
	}
	if errors.Is(err, cause) {
		return err
	}
	return fmt.Errorf("%w (%w)", cause, err)
}

// watch ends the phase at its limit, or once nothing has happened for too long.
func (p *phase) watch(ctx context.Context, cancel context.CancelCauseFunc, limit, silence time.Duration) {
	for {
		p.mu.Lock()
		worked := p.atWork()
		quiet := worked - p.beat // in time spent working
		p.mu.Unlock()
		wait, because := time.Duration(1<<62), error(nil)
		if limit > 0 {
			wait, because = limit-worked, &LimitError{Phase: p.name, Limit: limit}
		}
		if left := silence - quiet; silence > 0 && left < wait {
			wait, because = left, &LimitError{Phase: p.name, Limit: silence, Silence: true}
		}
		if wait <= 0 {
			cancel(because)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// atWork is how long the phase has worked, without the time in which it waited.
func (p *phase) atWork() time.Duration {
	worked := time.Since(p.started) - p.waited
	if !p.waits.IsZero() {
		worked -= time.Since(p.waits)
	}
	return worked
}

// touch notes that something happened.
func (p *phase) touch() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.beat = p.atWork()
}

// pause notes that the phase waits for another one, until resume is called.
func (p *phase) pause() (resume func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waits = time.Now()
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.waited += time.Since(p.waits)
		p.waits = time.Time{}
	}
}

// span opens a span in this phase. Image and step may be empty.
func (p *phase) span(name, image, step string) *openSpan {
	p.touch()
	return p.rec.start(trial.Span{Name: name, Phase: p.name, Image: image, Step: step})
}

// within runs work within a span.
func (p *phase) within(name, image, step string, work func() error) error {
	span := p.span(name, image, step)
	err := work()
	span.end(err)
	p.touch()
	return err
}

// log reports a line that something printed, or how far the phase has come.
func (p *phase) log(image, line string) {
	p.touch()
	p.rec.emit(Event{Kind: Log, Phase: p.name, Image: image, Text: line})
}

// note logs something that is worth knowing and no failure.
func (p *phase) note(format string, a ...any) { p.log("", fmt.Sprintf(format, a...)) }

// evidence reports a line that was read elsewhere after a failure.
func (p *phase) evidence(line string) {
	p.touch()
	p.rec.emit(Event{Kind: Log, Source: Evidence, Phase: p.name, Text: line})
}

// made reports an image that the trial put into the engine's store, if there is one.
func (p *phase) made(image runtimes.ImageID) {
	if image != "" {
		p.rec.emit(Event{Kind: Made, Phase: p.name, Text: string(image)})
	}
}
