package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline/deploy"
)

// ownSetup runs the user's command that does the set-up. Processes that the command
// leaves running may be needed by the tests. They run until end is called.
func (t *run) ownSetup(parent context.Context) (end func(), err error) {
	end = func() {}
	s := t.cfg.Setup
	if err := t.pointCommands(); err != nil {
		return end, &PhaseError{Err: err}
	}
	if err := t.beside(parent, "prepare", s.Prepare); err != nil {
		return end, &PhaseError{Err: err}
	}
	ctx, stop := context.WithCancelCause(parent)
	defer stop(nil)
	marks := newMarker(ctx, stop, t, s.Marks)
	file, err := os.Create(t.cfg.marksFile())
	if err != nil {
		return end, &PhaseError{Err: fmt.Errorf("making a file for marks: %w", err)}
	}
	defer file.Close()
	whole := &phase{rec: t.rec, started: time.Now()}
	span := t.rec.start(trial.Span{Name: trial.SetupSpan})
	started := t.rec.clock.Elapsed()
	go whole.watch(ctx, stop, time.Duration(s.Timeout), time.Duration(s.Silence))
	end, ended, err := t.runSetup(ctx, whole, marks, file)
	in, wrong := marks.finish(ended, err)
	span.endAt(ended, err)
	switch {
	case err != nil && wrong != nil:
		whole.note("%v", wrong)
	case wrong != nil:
		return end, &PhaseError{Err: wrong}
	}
	if err != nil {
		err = becauseOf(context.Cause(ctx), err)
		if limit, is := errors.AsType[*LimitError](err); is && limit.Phase != "" {
			in = limit.Phase // another one's, which counts
		}
		if in == "" {
			return end, fmt.Errorf("%w: %w", errSetup, err)
		}
		return end, inPhase(in, err)
	}
	for _, p := range marks.patterns {
		if marks.find(p.phase) == nil {
			whole.note("no line matched the start mark of the phase %s", p.phase)
		}
	}
	ready := t.rec.clock.At(ended)
	if marks.tests > 0 {
		ready = marks.tests
	}
	t.set(func(r *Result) { r.Setup = new(ready - started) })
	return end, nil
}

// linger is how long the output is still read after the command has ended: processes
// that it left running may hold it open for ever.
const linger = 200 * time.Millisecond

// runSetup runs the command and reads its marks. Processes that it started run until
// end is called.
func (t *run) runSetup(ctx context.Context, whole *phase, marks *marker, file *os.File) (end func(), ended time.Time, err error) {
	end, ended = func() {}, time.Now()
	out, in, err := os.Pipe()
	if err != nil {
		return end, ended, fmt.Errorf("opening a pipe for the set-up command: %w", err)
	}
	defer out.Close()
	command := t.ofSetup(t.cfg.Setup.Command)
	cmd := t.process(ctx, command)
	cmd.Stdout, cmd.Stderr = in, in
	if err = cmd.Start(); err != nil {
		in.Close()
		return end, ended, fmt.Errorf("starting %s: %w", command.Args[0], err)
	}
	in.Close()
	end = func() { _ = cmd.Cancel() } // kills what is left of its process group
	done, read, followed := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(read)
		log := &lines{emit: func(text string) { whole.touch(); marks.line(text) }}
		_, _ = io.Copy(log, out) // until the last process closes it, or linger ends
		log.flush()
	}()
	go func() { defer close(followed); marks.follow(file, done) }()
	err = cmd.Wait()
	ended = time.Now()
	close(done)
	<-followed
	select {
	case <-read:
	case <-time.After(linger):
		_ = out.SetReadDeadline(time.Now())
		<-read
		if err == nil {
			whole.note("the set-up command succeeded, and left processes running that hold its output open")
		}
	}
	if exit, is := errors.AsType[*exec.ExitError](err); is && exit.ExitCode() < 0 {
		err = fmt.Errorf("%s was ended by a signal (%w), from itself or from outside: a command that ends its own process group also ends its shell", command.Args[0], err)
	} else if err != nil {
		err = fmt.Errorf("%s: %w", command.Args[0], err)
	}
	return end, ended, err
}

// beside runs setup.prepare or setup.cleanup, which are not timed.
func (t *run) beside(ctx context.Context, name string, args []string) error {
	if len(args) == 0 {
		return nil
	}
	limit := time.Duration(t.cfg.Setup.Timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not done within %s", limit))
	defer cancel()
	span := t.rec.start(trial.Span{Name: name})
	err := bounded(ctx, func() error {
		return t.command(ctx, &phase{rec: t.rec, started: time.Now()}, "", t.ofSetup(args))
	})
	if err = becauseOf(context.Cause(ctx), err); err != nil {
		err = fmt.Errorf("the command setup.%s: %w", name, err)
	}
	span.end(err)
	return err
}

// Cleanup runs the command that undoes the user's own set-up, after the trial's
// evidence has been collected.
func Cleanup(ctx context.Context, cfg Config, clock Clock, report Reporter) error {
	t := &run{cfg: cfg, rec: &recorder{clock: clock, report: report}}
	// After the loss of an engine, the folder has been removed.
	if err := os.MkdirAll(cfg.WorkDir, 0o755); err != nil {
		return fmt.Errorf("making the trial's folder: %w", err)
	}
	if err := t.pointCommands(); err != nil {
		return err
	}
	defer t.endGroups()
	return t.beside(ctx, "cleanup", cfg.Setup.Cleanup)
}

// pointCommands makes kind and the engine's CLI, which the user's own set-up runs, use
// the trial's engine, and puts stratbench into the search path.
func (t *run) pointCommands() error {
	o := t.cfg.kind(nil)
	if err := errors.Join(o.PointCommands(), o.StandIn("stratbench")); err != nil {
		return err
	}
	if err := os.WriteFile(t.cfg.ownKindConfig(), []byte(t.cfg.kindPatch()), 0o644); err != nil {
		return fmt.Errorf("writing the Kind configuration that clusters need here: %w", err)
	}
	return nil
}

func (c Config) ownKindConfig() string { return filepath.Join(c.WorkDir, "kind.yaml") }
func (c Config) marksFile() string     { return filepath.Join(c.WorkDir, "marks") }

// kindPatch is a Kind configuration that clusters need on this machine, or "": the
// lab's or the tunnel's, which is a whole one.
func (c Config) kindPatch() string {
	if len(c.KindPatches) == 0 {
		return ""
	}
	return c.KindPatches[0]
}

// ofSetup is a command of the user's own set-up with the values of the trial filled in.
// Its environment has what the set-up needs to know; variables that the workload sets
// win.
func (t *run) ofSetup(args []string) deploy.Command {
	schedule, _ := json.Marshal(t.cfg.Schedule) // it was read from JSON
	values := map[string]string{
		"cluster": t.cfg.ClusterName, "concurrency": strconv.Itoa(t.cfg.Schedule.Concurrency()), "runtime": string(t.cfg.Endpoint.Runtime),
		"schedule": string(schedule), "strategy": t.cfg.Schedule.Strategy,
	}
	c := deploy.Command{Dir: t.cfg.Setup.Dir, Env: map[string]string{
		"STRATBENCH_SCHEDULE": values["schedule"], "STRATBENCH_CONCURRENCY": values["concurrency"], "STRATBENCH_NODE_IMAGE": t.cfg.NodeImage,
		MarksVariable: t.cfg.marksFile(), "KIND_CLUSTER_NAME": t.cfg.ClusterName, "KIND_EXPERIMENTAL_PROVIDER": values["runtime"],
	}}
	if t.cfg.kindPatch() != "" {
		c.Env["STRATBENCH_KIND_CONFIG"] = t.cfg.ownKindConfig()
	}
	for name, value := range t.cfg.Setup.Env {
		c.Env[name] = spec.Fill(value, values)
	}
	for _, arg := range args {
		c.Args = append(c.Args, spec.Fill(arg, values))
	}
	return c
}
