package strategies

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Runner runs schedules. The zero value runs each of them; an adaptive one then
// goes by its prediction alone.
type Runner struct {
	// Gauge reads the memory of the machine in which images are built, and
	// returns false where it cannot. It may return one reading several times.
	Gauge func() (Reading, bool)
	// Notify is told what an adaptive schedule decides, from one goroutine.
	Notify func(Notice)
}

// Notice is a decision of an adaptive schedule.
type Notice struct {
	Kind  NoticeKind
	Image string
	// Text says what it rests on.
	Text string
}

// NoticeKind is a kind of Notice.
type NoticeKind string

// The kinds of Notice.
const (
	// Admitted: the image's build starts.
	Admitted NoticeKind = "admitted"
	// BackedOff: the image's build was cancelled for the others' sake, and is
	// done again; builds go on one by one.
	BackedOff NoticeKind = "backed off"
	// Blind: pressure cannot be read, so that builds are admitted by prediction
	// alone and none ever gives way.
	Blind NoticeKind = "by prediction alone"
)

// Run obtains every image of the schedule, as the function Run does.
func (r Runner) Run(ctx context.Context, s Schedule, obtain func(ctx context.Context, image string) error) error {
	if s.Admission == nil {
		return Run(ctx, s, obtain)
	}
	for _, stage := range s.Stages {
		if err := r.admit(ctx, stage, &policy{admission: *s.Admission}, obtain); err != nil {
			return err
		}
	}
	return nil
}

// ErrBackedOff is the cause of the end of a build's context when the build gives
// way to those that began before it. It is done again.
var ErrBackedOff = errors.New("backed off: the build gives way to those that began before it, and is done again")

// build is one build under way.
type build struct {
	image  string
	cancel context.CancelCauseFunc
	// gaveWay is set when it was told to stop for the others' sake.
	gaveWay bool
	err     error
}

// admit runs the images of a stage as the policy admits them.
func (r Runner) admit(parent context.Context, stage Stage, p *policy, obtain func(context.Context, string) error) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	failures := failures{cancel: cancel}
	queue := slices.Clone(stage.Images)
	var running []*build // the youngest last
	ended := make(chan *build)
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	blind := false
	for len(queue)+len(running) > 0 {
		r.read(p)
		if stops, why := p.givesWay(len(running)); stops && ctx.Err() == nil {
			youngest := running[len(running)-1]
			youngest.gaveWay = true
			p.stopped(time.Now())
			r.notify(BackedOff, youngest.image, why)
			youngest.cancel(ErrBackedOff)
		}
		for ctx.Err() == nil && len(queue) > 0 {
			ok, why := p.admits(queue[0], imagesOf(running), time.Now())
			if !ok {
				break
			}
			if len(running) > 0 && p.blind() && !blind {
				blind = true
				r.notify(Blind, "", "the machine's memory pressure cannot be read")
			}
			b := &build{image: queue[0]}
			running, queue = append(running, b), queue[1:]
			r.notify(Admitted, b.image, why)
			p.started(time.Now())
			var own context.Context
			own, b.cancel = context.WithCancelCause(ctx)
			go func() {
				b.err = obtain(own, b.image)
				b.cancel(nil)
				ended <- b
			}()
		}
		select {
		case b := <-ended:
			running = slices.DeleteFunc(running, func(o *build) bool { return o == b })
			if b.gaveWay && b.err != nil && ctx.Err() == nil {
				queue = slices.Insert(queue, 0, b.image)
			} else {
				failures.add(b.image, b.err)
			}
		case <-look.C:
		}
		if ctx.Err() != nil {
			queue = nil
		}
	}
	return failures.join(parent)
}

func (r Runner) read(p *policy) {
	if r.Gauge == nil {
		return
	}
	if reading, ok := r.Gauge(); ok {
		p.take(reading)
	}
}

func (r Runner) notify(kind NoticeKind, image, text string) {
	if r.Notify != nil {
		r.Notify(Notice{Kind: kind, Image: image, Text: text})
	}
}

func imagesOf(running []*build) (names []string) {
	for _, b := range running {
		names = append(names, b.image)
	}
	return names
}
