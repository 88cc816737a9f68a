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
	"sync"
	"syscall"
	"time"

	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/machine"
)

// stopGrace is how long a worker may take to stop and report after SIGTERM.
const stopGrace = 4 * time.Second

// work has a worker process do the job on the machine. The error is only of
// starting it; how and when it ended is in the trace, x.workerError and
// x.workerEnded.
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
	reading.Go(func() { x.readErrors(errs) })
	defer reading.Wait()
	if x.fault != nil {
		x.fault.WorkerStarted(cmd.Process.Pid)
	}
	ended := make(chan struct{})
	stopped := context.AfterFunc(ctx, func() { stopWorker(cmd, ended) })
	reading.Go(func() { x.endWhenDead(cmd, ended) })
	x.tell(words, j)
	x.workerError = cmd.Wait()
	x.workerEnded = x.clock.Elapsed()
	// What a worker that was ended has started may live on until the machine
	// goes, and holds its ends of the pipes.
	for _, pipe := range []*os.File{events, errs} {
		pipe.SetReadDeadline(time.Now().Add(stopGrace / 2))
	}
	x.memory.sendTo(nil)
	close(ended)
	stopped()
	return nil
}

// tell gives a worker its job and, where its builds go by the machine's memory,
// what is read of that from then on. What cannot be written to a worker that
// has ended already is missed by nobody.
func (x *execution) tell(words io.WriteCloser, j job) {
	to := json.NewEncoder(words)
	if err := to.Encode(j); err != nil {
		x.log.line(x.clock.Elapsed(), "runner", "telling the worker its job: "+err.Error())
	}
	if j.Config.Schedule.Admission == nil {
		words.Close()
		return
	}
	x.memory.sendTo(to)
}

// stopWorker asks a worker to stop, and ends it when it does not.
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

// readEvents takes the worker's events until its end of the pipe closes.
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
		x.hear(e)
		if e.Kind == pipeline.SpanStart && e.Span.Image == "" {
			x.r.report(Update{Now: e.Span.Phase})
		}
	}
}

// readErrors puts what a worker prints on its standard error into the log.
func (x *execution) readErrors(r io.Reader) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		x.log.line(x.clock.Elapsed(), "worker", lines.Text())
	}
	io.Copy(io.Discard, r)
}
