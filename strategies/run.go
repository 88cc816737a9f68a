package strategies

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Runner runs schedules. The zero value runs each of them; an adaptive one then
// goes by its prediction alone.
type Runner struct {
	// Gauge reads the memory of the machine in which images are built, and
	// returns false where it cannot. It may return one reading several times.
	Gauge func() (Reading, bool)
	// Notify receives the decisions of an adaptive schedule, from one goroutine.
	Notify func(Notice)
}

// Notice is a decision of an adaptive schedule.
type Notice struct {
	Kind  NoticeKind
	Image string
	// Text is the reason.
	Text string
}

// NoticeKind is a type of Notice.
type NoticeKind string

// The types of Notice.
const (
	Admitted  NoticeKind = "admitted"            // the image's build starts
	BackedOff NoticeKind = "backed off"          // it made room for the others, and is done again; builds go on one by one
	Blind     NoticeKind = "by prediction alone" // pressure cannot be read, and no build ever gives way
)

// ErrBackedOff is the cause of the end of a build's context when the build gives
// way to those that began before it. It is done again.
var ErrBackedOff = errors.New("backed off: the build gives way to those that began before it, and is done again")

// ImageError is the failure of one image of a schedule.
type ImageError struct {
	Image string
	Err   error
}

func (e *ImageError) Error() string { return e.Image + ": " + e.Err.Error() }

// Unwrap returns what went wrong.
func (e *ImageError) Unwrap() error { return e.Err }

// Run obtains every image of the schedule, stage by stage, at most a stage's
// Concurrency at a time and in its order; those of an adaptive schedule as the
// machine's memory admits them.
//
// On the first failure no further image is started, the context of those
// still running is cancelled, and Run waits for them: when it returns, nothing
// that it started runs any more. The error joins an *ImageError for each image
// that failed, in the order in which they did; images that merely ended
// because of an earlier failure are left out. When ctx itself ends, the error
// wraps its cause.
func (r Runner) Run(ctx context.Context, s Schedule, obtain func(ctx context.Context, image string) error) error {
	for i, stage := range s.Stages {
		if stage.Concurrency < 1 {
			return fmt.Errorf("strategy %q: stage %d has concurrency %d; it must be at least 1", s.Strategy, i+1, stage.Concurrency)
		}
		var p *policy
		if s.Admission != nil {
			p = &policy{admission: *s.Admission}
		}
		if err := r.stage(ctx, stage, p, obtain); err != nil {
			return err
		}
	}
	return nil
}

// build is one build under way.
type build struct {
	image  string
	cancel context.CancelCauseFunc
	// gaveWay is set when the build was stopped to make room for the others.
	gaveWay bool
	err     error
}

// stage runs the images of a stage, as the policy admits them if there is one.
func (r Runner) stage(parent context.Context, stage Stage, p *policy, obtain func(context.Context, string) error) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	queue := slices.Clone(stage.Images)
	var running []*build // the youngest last
	var failures []error
	ended := make(chan *build)
	var look <-chan time.Time
	if p != nil {
		ticker := time.NewTicker(lookEvery)
		defer ticker.Stop()
		look = ticker.C
	}
	for len(running) > 0 || len(queue) > 0 && ctx.Err() == nil {
		if p != nil && ctx.Err() == nil {
			r.makeRoom(p, running)
		}
		for ctx.Err() == nil && len(queue) > 0 && len(running) < stage.Concurrency && (p == nil || r.admits(p, queue[0], running)) {
			b := &build{image: queue[0]}
			running, queue = append(running, b), queue[1:]
			var own context.Context
			own, b.cancel = context.WithCancelCause(ctx)
			go func() {
				b.err = obtain(own, b.image)
				b.cancel(nil)
				ended <- b
			}()
		}
		if len(running) == 0 { // the context has ended
			continue
		}
		select {
		case b := <-ended:
			running = slices.DeleteFunc(running, func(o *build) bool { return o == b })
			if p != nil {
				p.changed = time.Now()
			}
			switch {
			case b.err == nil || len(failures) > 0 && errors.Is(b.err, context.Canceled):
			case b.gaveWay && ctx.Err() == nil:
				queue = slices.Insert(queue, 0, b.image)
			default:
				failure := &ImageError{Image: b.image, Err: b.err}
				failures = append(failures, failure)
				cancel(failure)
			}
		case <-look:
		}
	}
	err := errors.Join(failures...)
	if parent.Err() == nil || errors.Is(err, context.Cause(parent)) {
		return err
	}
	return errors.Join(err, context.Cause(parent))
}

// makeRoom stops the youngest build where the others need its memory.
func (r Runner) makeRoom(p *policy, running []*build) {
	if r.Gauge != nil {
		if reading, ok := r.Gauge(); ok {
			p.take(reading)
		}
	}
	if len(running) < 2 || running[len(running)-1].gaveWay { // it takes its time to end
		return
	}
	if stops, why := p.givesWay(time.Now()); stops {
		youngest := running[len(running)-1]
		youngest.gaveWay = true
		p.backedOff, p.changed = true, time.Now()
		r.notify(BackedOff, youngest.image, why)
		youngest.cancel(ErrBackedOff)
	}
}

// admits reports whether the policy admits the image's build now.
func (r Runner) admits(p *policy, image string, running []*build) bool {
	ok, why := p.admits(image, running, time.Now())
	if !ok {
		return false
	}
	if len(running) > 0 && p.blind() && !p.saidBlind {
		p.saidBlind = true
		r.notify(Blind, "", "the machine's memory pressure cannot be read")
	}
	r.notify(Admitted, image, why)
	p.admitted, p.changed = time.Now(), time.Now()
	return true
}

func (r Runner) notify(kind NoticeKind, image, text string) {
	if r.Notify != nil {
		r.Notify(Notice{Kind: kind, Image: image, Text: text})
	}
}
