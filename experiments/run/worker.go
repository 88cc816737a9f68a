package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/runtimes/connect"
)

// job is what a worker process is told, on its standard input.
type job struct {
	Do     task            `json:"do"`
	Config pipeline.Config `json:"config"`
	// Origin is the trial's origin on the monotonic clock, a pipeline.Now.
	Origin int64 `json:"origin_ns"`
	// Debt is what is to be taken away.
	Debt debt `json:"debt"`
}

// task is a kind of job.
type task string

const (
	// jobTrial runs the pipeline.
	jobTrial task = "trial"
	// jobPublish builds the images and pushes them to the registry, as the
	// preparation of strategies that pull.
	jobPublish task = "publish"
	// jobPreboot makes the cluster that trials with cluster: prebooted start.
	jobPreboot task = "preboot"
	// jobCleanup runs the command with which a set-up of the user's own is undone.
	jobCleanup task = "cleanup"
	// jobSettle takes away what a trial made on a borrowed engine.
	jobSettle task = "settle"
)

// what says what a preparation does.
func (t task) what() string {
	if t == jobPreboot {
		return "making the cluster that trials start from"
	}
	return "publishing the images for strategies that pull"
}

// Work is a worker process: it reads one job from in, and then what the runner
// reads of the machine's memory, runs the job, and writes each event as a line
// of JSON to out as it happens. A trial that fails is no error
// of Work; an error means that it could not be started.
func Work(ctx context.Context, in io.Reader, out io.Writer) error {
	var j job
	sent := json.NewDecoder(in)
	if err := sent.Decode(&j); err != nil {
		return fmt.Errorf("reading the worker's job: %w", err)
	}
	memory := &readings{}
	go memory.follow(sent)
	engine, err := connect.Engine(ctx, j.Config.Endpoint)
	if err != nil {
		return err
	}
	defer engine.Close()
	events := &eventWriter{enc: json.NewEncoder(out)}
	clock := pipeline.NewClock(j.Origin)
	switch j.Do {
	case jobTrial:
		pipeline.Run(ctx, j.Config, engine, clock, memory.latest, events.write)
	case jobPublish:
		pipeline.Publish(ctx, j.Config, engine, clock, events.write)
	case jobPreboot:
		pipeline.Preboot(ctx, j.Config, engine, clock, events.write)
	case jobCleanup:
		return errors.Join(pipeline.Cleanup(ctx, j.Config, clock, events.write), events.err)
	case jobSettle:
		s, err := j.Debt.settle(ctx, j.Config, engine)
		return errors.Join(err, json.NewEncoder(out).Encode(s))
	default:
		return fmt.Errorf("%q is no job of a worker", j.Do)
	}
	return events.err
}

// eventWriter writes events as lines and keeps the first error.
type eventWriter struct {
	mu  sync.Mutex
	enc *json.Encoder
	err error
}

func (w *eventWriter) write(e pipeline.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.enc.Encode(e); err != nil && w.err == nil {
		w.err = fmt.Errorf("reporting to the runner: %w", err)
	}
}
