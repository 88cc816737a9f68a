package strategies

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// ImageError is the failure of one image of a schedule.
type ImageError struct {
	Image string
	Err   error
}

func (e *ImageError) Error() string { return e.Image + ": " + e.Err.Error() }

// Unwrap returns what went wrong.
func (e *ImageError) Unwrap() error { return e.Err }

// Run obtains every image of the schedule, stage by stage, at most a stage's
// Concurrency at a time and in its order.
//
// On the first failure no further image is started, the context of those
// still running is cancelled, and Run waits for them: when it returns, nothing
// that it started runs any more. The error joins an *ImageError for each image
// that failed, in the order in which they did; images that merely ended
// because of an earlier failure are left out. When ctx itself ends, the error
// wraps its cause.
func Run(ctx context.Context, s Schedule, obtain func(ctx context.Context, image string) error) error {
	for i, stage := range s.Stages {
		if stage.Concurrency < 1 {
			return fmt.Errorf("strategy %q: stage %d has concurrency %d; it must be at least 1", s.Strategy, i+1, stage.Concurrency)
		}
		if err := runStage(ctx, stage, obtain); err != nil {
			return err
		}
	}
	return nil
}

func runStage(parent context.Context, stage Stage, obtain func(context.Context, string) error) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	failures := failures{cancel: cancel}

	// The queue is filled before any worker starts, so the order of starting
	// is the order of the stage.
	queue := make(chan string, len(stage.Images))
	for _, image := range stage.Images {
		queue <- image
	}
	close(queue)

	var workers sync.WaitGroup
	for range min(stage.Concurrency, len(stage.Images)) {
		workers.Go(func() {
			for image := range queue {
				if ctx.Err() != nil {
					return
				}
				failures.add(image, obtain(ctx, image))
			}
		})
	}
	workers.Wait()
	return failures.join(parent)
}

// failures collects what went wrong in a stage, first failure first.
type failures struct {
	cancel context.CancelCauseFunc
	mu     sync.Mutex
	list   []error
}

func (f *failures) add(image string, err error) {
	if err == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.list) > 0 && errors.Is(err, context.Canceled) {
		return
	}
	failure := &ImageError{Image: image, Err: err}
	f.list = append(f.list, failure)
	f.cancel(failure)
}

func (f *failures) join(parent context.Context) error {
	err := errors.Join(f.list...)
	if parent.Err() == nil || errors.Is(err, context.Cause(parent)) {
		return err
	}
	return errors.Join(err, context.Cause(parent))
}
