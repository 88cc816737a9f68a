package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline/deploy"
	"github.com/stratbench/stratbench/pipeline/kindcluster"
)

// deploy is the phase deploy: every step of the deployment, all objects ready,
// all URLs answering.
func (t *run) deploy(ctx context.Context, ph *phase) error {
	see := deploy.Observer{
		Log:      func(line string) { ph.log("", line) },
		Progress: func(ready, of int) { ph.progress("", fmt.Sprintf("%d of %d objects ready", ready, of)) },
		Span:     func(name string) func(error) { return ph.span(name, "", name).end },
		Pod: func(name string) func(error) {
			return t.rec.start(trial.Span{Name: name, Phase: ph.name, Step: name}).end
		},
	}
	ctx, over := context.WithCancel(ctx)
	defer over()
	client, err := deploy.Connect(ctx, t.cfg.Kubeconfig(), see)
	if err != nil {
		return err
	}
	nodesReady := t.awaitNodes(ctx, ph)
	for _, step := range t.cfg.Deploy {
		err := ph.within(step.Name, "", step.Name, func() error { return t.step(ctx, ph, client, step) })
		if err != nil {
			return err
		}
	}
	if err := nodesReady(); err != nil {
		return err
	}
	objects := deploy.Objects(t.cfg.Deploy)
	if err := ph.within("objects ready", "", "objects ready", func() error { return client.Wait(ctx, objects) }); err != nil {
		return err
	}
	return ph.within("urls answer", "", "urls answer", func() error { return deploy.Answers(ctx, t.cfg.ReadyURLs, see) })
}

// awaitNodes waits for the nodes of a cluster whose network a step brings, from
// the beginning of the deployment and beside its steps. What it returns waits
// for the end of that.
func (t *run) awaitNodes(ctx context.Context, ph *phase) func() error {
	if t.cluster == nil || !t.cluster.BringsNetwork() {
		return func() error { return nil }
	}
	done := make(chan error, 1)
	go func() {
		done <- ph.within("nodes ready", "", "nodes ready", func() error {
			return t.cluster.WaitReady(ctx, kindcluster.Observer{Log: func(line string) { ph.log("", line) }})
		})
	}()
	return func() error { return <-done }
}

// step does one step of the deployment. Its own limit is one of the spec's: a
// trial that it ends is timed out.
func (t *run) step(parent context.Context, ph *phase, client *deploy.Client, step deploy.Step) error {
	ctx, limited := parent, func() {}
	if step.Timeout > 0 {
		ctx, limited = context.WithTimeoutCause(parent, step.Timeout, &LimitError{Phase: ph.name, Limit: step.Timeout})
	}
	defer limited()
	err := t.doStep(ctx, ph, client, step)
	if err != nil && ctx.Err() != nil && parent.Err() == nil {
		return becauseOf(context.Cause(ctx), err)
	}
	return err
}

func (t *run) doStep(ctx context.Context, ph *phase, client *deploy.Client, step deploy.Step) error {
	switch {
	case step.Command != nil:
		return t.command(ctx, ph, *step.Command)
	case step.Wait != nil:
		return client.Until(ctx, *step.Wait)
	}
	if err := client.Apply(ctx, step.Objects, cmp.Or(step.Timeout, deploy.Patience)); err != nil || !step.Settle {
		return err
	}
	return client.Wait(ctx, step.Objects)
}

// command runs a command of the workload's, and logs what it prints.
func (t *run) command(ctx context.Context, ph *phase, c deploy.Command) error {
	log := &lines{emit: func(line string) { ph.log("", line) }}
	cmd := t.process(ctx, c)
	cmd.Stdout, cmd.Stderr = log, log
	err := cmd.Run()
	log.flush()
	if errors.Is(err, exec.ErrWaitDelay) {
		t.note(ph, "the command %s ended well, and left processes behind that hold its output", c.Args[0])
		return nil
	}
	if err != nil {
		return fmt.Errorf("running %s: %w", c.Args[0], err)
	}
	return nil
}

// process prepares a command, all of whose processes end with ctx. What the
// trial calls its own is in its environment.
func (t *run) process(ctx context.Context, c deploy.Command) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
	cmd.Dir = c.Dir
	cmd.Env = os.Environ()
	for name, value := range c.Env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Env = append(cmd.Env, t.cfg.names()...)
	cmd.WaitDelay = 2 * time.Second
	endWhole(cmd)
	return cmd
}
