package run

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/connect"
	"github.com/stratbench/stratbench/runtimes/machine"
	"github.com/stratbench/stratbench/strategies"
)

// WorkerCommand is the hidden command that makes the program a worker.
const WorkerCommand = "worker"

// job is what a worker process reads first from its standard input.
type job struct {
	Config pipeline.Config `json:"config"`
	// Origin is the trial's origin on the monotonic clock, a pipeline.Now.
	Origin int64 `json:"origin_ns"`
	// Debt is what taskSettle takes away.
	Debt debt `json:"debt"`
}

// What a worker does besides the pipeline's own tasks.
const (
	// taskCleanup runs the command that undoes a set-up command.
	taskCleanup pipeline.Task = "cleanup"
	// taskSettle takes away what a trial made on a user's engine.
	taskSettle pipeline.Task = "settle"
)

// preparations are the tasks that make what trials start from. Their IDs begin with id.
var preparations = map[pipeline.Task]struct {
	kind     results.Kind
	id, what string
}{
	pipeline.Preboot: {results.KindCluster, "c", "making the cluster that trials start from"},
	pipeline.Fill:    {results.KindBuildCache, "b", "filling the build cache that trials find"},
	pipeline.Publish: {results.KindPreparation, "p", "publishing the images for strategies that pull"},
}

// Work is the worker process. It reads one job from in, followed by the runner's
// readings of the machine's memory, runs the job, and writes each event as a line
// of JSON to out as it happens. The error means that the job could not be done; a
// trial that fails is not an error.
func Work(ctx context.Context, in io.Reader, out io.Writer) error {
	var j job
	sent, told := json.NewDecoder(in), json.NewEncoder(out)
	if err := sent.Decode(&j); err != nil {
		return fmt.Errorf("reading the worker's job: %w", err)
	}
	if err := checkTask(j.Config.Task); err != nil {
		return err
	}
	var engine runtimes.Engine
	var err error
	// What undoes a set-up needs no connection, and one to an engine that does not answer
	// would hold it up without a limit.
	if j.Config.Task != taskCleanup {
		if engine, err = connect.Engine(ctx, j.Config.Endpoint); err != nil {
			return err
		}
		defer engine.Close()
	}
	memory := &readings{}
	if j.Config.Task != taskSettle {
		var stop context.CancelCauseFunc
		ctx, stop = context.WithCancelCause(ctx)
		go func() { stop(memory.follow(sent)) }()
	}
	var lost error
	report := func(e pipeline.Event) {
		if err := told.Encode(e); err != nil && lost == nil {
			lost = fmt.Errorf("reporting to the runner: %w", err)
		}
	}
	switch clock := pipeline.NewClock(j.Origin); j.Config.Task {
	case taskCleanup:
		err = pipeline.Cleanup(ctx, j.Config, clock, report)
	case taskSettle:
		var s settlement
		s, err = j.Debt.settle(ctx, j.Config, engine)
		err = errors.Join(err, told.Encode(s))
	default:
		pipeline.Run(ctx, j.Config, engine, clock, memory.latest, report)
	}
	return errors.Join(err, lost)
}

// checkTask refuses what this program does not know. A runner of another version may ask
// for it, if the program was replaced while the run went on.
func checkTask(t pipeline.Task) error {
	if _, prepares := preparations[t]; prepares || slices.Contains([]pipeline.Task{pipeline.Trial, taskCleanup, taskSettle}, t) {
		return nil
	}
	return fmt.Errorf("a worker of stratbench %s knows no task %q: the run is of another version; continue it with the program that began it, or start a new run", results.Version(), t)
}

// stopGrace is how long a worker may take after SIGTERM to stop and report.
const stopGrace = 4 * time.Second

// work has a worker process do the job on the machine. The error means that the
// worker could not be started. How and when it ended is in x.trace, x.workerError
// and x.workerEnded.
func (x *execution) work(ctx context.Context, m machine.Machine, j job) error {
	events, eventsIn, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("listening to the worker: %w", err)
	}
	defer events.Close()
	errs, errsIn, err := os.Pipe()
	if err != nil {
		eventsIn.Close()
		return fmt.Errorf("listening to the worker: %w", err)
	}
	defer errs.Close()
	cmd := exec.Command(m.Self(), WorkerCommand)
	cmd.Stdout, cmd.Stderr = eventsIn, errsIn
	words, err := cmd.StdinPipe()
	if err == nil {
		if err = m.Start(cmd); err != nil {
			words.Close()
		}
	}
	eventsIn.Close()
	errsIn.Close()
	if err != nil {
		return fmt.Errorf("starting the worker: %w", err)
	}
	var reading sync.WaitGroup
	reading.Go(func() { x.readEvents(events) })
	reading.Go(func() {
		for lines := bufio.NewScanner(errs); lines.Scan(); {
			x.log.line(x.clock.Elapsed(), "worker", lines.Text())
		}
		io.Copy(io.Discard, errs)
	})
	defer reading.Wait()
	if x.fault != nil {
		x.fault.WorkerStarted(cmd.Process.Pid)
	}
	ended := make(chan struct{})
	stopped := context.AfterFunc(ctx, func() { stopWorker(cmd, ended) })
	if j.Config.Task != taskCleanup { // what ended the trial does not end what undoes it
		reading.Go(func() { x.endWhenDead(cmd, ended) })
	}
	// A worker that has ended already needs neither its job nor readings.
	sent := json.NewEncoder(words)
	if err := sent.Encode(j); err != nil {
		x.log.line(x.clock.Elapsed(), "runner", "sending the worker its job: "+err.Error())
	}
	if j.Config.Schedule.Admission != nil {
		x.memory.sendTo(sent)
	}
	x.workerError = cmd.Wait()
	x.workerEnded = x.clock.Elapsed()
	// Children of a worker that was ended may live on until the machine is closed,
	// and hold the pipes open.
	for _, pipe := range []*os.File{events, errs} {
		pipe.SetReadDeadline(time.Now().Add(stopGrace / 2))
	}
	x.memory.sendTo(nil)
	close(ended)
	stopped()
	return nil
}

// stopWorker asks a worker to stop, and kills it if it does not.
func stopWorker(cmd *exec.Cmd, ended <-chan struct{}) {
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return
	}
	select {
	case <-ended:
	case <-time.After(stopGrace):
		cmd.Process.Kill()
	}
}

// readEvents reads the worker's events until the worker's end of the pipe closes.
func (x *execution) readEvents(r io.Reader) {
	decoder := json.NewDecoder(r)
	for {
		var e pipeline.Event
		if err := decoder.Decode(&e); err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrDeadlineExceeded) {
				x.log.line(x.clock.Elapsed(), "runner", "the worker's report broke off: "+err.Error())
			}
			io.Copy(io.Discard, r)
			return
		}
		if e.Kind == pipeline.Made {
			if err := x.ledger.add(debt{Made: []runtimes.ImageID{runtimes.ImageID(e.Text)}}); err != nil {
				x.log.line(x.clock.Elapsed(), "runner", err.Error())
			}
			continue
		}
		x.trace.Add(e)
		x.log.event(e)
		x.notify(e)
		if e.Kind == pipeline.SpanStart && e.Span.Image == "" {
			x.r.report(Update{Now: e.Span.Phase})
		}
	}
}

// memoryFeed sends the runner's readings of a machine's memory to the worker that
// starts builds by them. The worker may not see them itself: control groups of
// version 1 show a machine no pressure.
type memoryFeed struct {
	mu   sync.Mutex
	to   *json.Encoder
	last *strategies.Reading
}

// take sends a sample of the machine. Errors are ignored, because a worker that has
// ended needs no readings.
func (f *memoryFeed) take(s trial.Sample) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = &strategies.Reading{Used: int64(s.MemoryAnon), Pressure: s.Pressure.Known,
		Some: s.Pressure.MemorySomeTotal.Duration(), Full: s.Pressure.MemoryFullTotal.Duration()}
	if f.to != nil {
		_ = f.to.Encode(f.last)
	}
}

// sendTo begins to send, with the last reading; nil ends it.
func (f *memoryFeed) sendTo(to *json.Encoder) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.to = to
	if to != nil && f.last != nil {
		_ = to.Encode(f.last)
	}
}

// readings are the worker's end of a memoryFeed.
type readings struct {
	last atomic.Pointer[strategies.Reading]
}

// follow receives readings until the runner's end of the pipe closes, which it returns
// as an error.
func (r *readings) follow(sent *json.Decoder) error {
	for {
		var next strategies.Reading
		if err := sent.Decode(&next); err != nil {
			return fmt.Errorf("the runner has ended: %w", err)
		}
		next.At = time.Now()
		r.last.Store(&next)
	}
}

// latest is the last reading, and false before there is one.
func (r *readings) latest() (strategies.Reading, bool) {
	if last := r.last.Load(); last != nil {
		return *last, true
	}
	return strategies.Reading{}, false
}
