package pipeline

import (
	"cmp"
	"context"
	"slices"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline/deploy"
	"github.com/stratbench/stratbench/pipeline/kindcluster"
)

// deploy is the phase deploy: it does every step of the deployment and waits until
// all objects are ready and all URLs answer.
func (t *run) deploy(ctx context.Context, ph *phase) error {
	see := deploy.Observer{
		Log:  func(line string) { ph.log("", line) },
		Span: func(name string) func(error) { return ph.span(name, "", name).end },
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
	if t.cfg.asLoaded() {
		t.absent = t.cfg.loads()
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

// awaitNodes begins to wait, beside the steps of the deployment, for the nodes of a
// cluster whose network one of the steps brings. The returned function waits until
// they are ready.
func (t *run) awaitNodes(ctx context.Context, ph *phase) (ready func() error) {
	if t.cluster == nil || !t.cluster.LacksNetwork() {
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

// step does one step of the deployment. Its timeout is a limit of the spec: a trial
// that it ends is timed out.
func (t *run) step(parent context.Context, ph *phase, client *deploy.Client, step deploy.Step) error {
	ctx, cancel := parent, func() {}
	if step.Timeout > 0 {
		ctx, cancel = context.WithTimeoutCause(parent, step.Timeout, &LimitError{Phase: ph.name, Limit: step.Timeout})
	}
	defer cancel()
	err := t.doStep(ctx, ph, client, step)
	if err != nil && ctx.Err() != nil && parent.Err() == nil {
		return becauseOf(context.Cause(ctx), err)
	}
	return err
}

func (t *run) doStep(ctx context.Context, ph *phase, client *deploy.Client, step deploy.Step) error {
	switch {
	case step.Command != nil:
		for len(t.absent) > 0 { // it may need any of them
			if err := t.awaitImage(ctx, ph); err != nil {
				return err
			}
		}
		return t.command(ctx, ph, "", *step.Command)
	case step.Wait != nil:
		return client.Until(ctx, *step.Wait)
	}
	err := t.apply(ctx, ph, step.Objects, func(objects []deploy.Object) error {
		return client.Apply(ctx, objects, cmp.Or(step.Timeout, deploy.Patience))
	})
	if err != nil || !step.Settle {
		return err
	}
	return client.Wait(ctx, step.Objects)
}

// apply applies the objects of a step at once, but holds those that need an absent image
// until it is in the nodes: their pods would fail to start, and be tried again only after a
// back-off. From the first object on that must keep its place, it applies all in order.
func (t *run) apply(ctx context.Context, ph *phase, objects []deploy.Object, do func([]deploy.Object) error) error {
	namespaces := deploy.Namespaces(t.cfg.Deploy)
	inOrder := false
	for len(t.absent) > 0 && len(objects) > 0 {
		n := 0 // of these, all that can be applied are applied next
		for n < len(objects) && !inOrder && !objects[n].KeepsPlace(namespaces) {
			n++
		}
		if n == 0 {
			inOrder, n = true, 1
		}
		var now, held []deploy.Object
		for _, o := range objects[:n] {
			if o.Needs(t.absent) {
				held = append(held, o)
			} else {
				now = append(now, o)
			}
		}
		objects = slices.Concat(held, objects[n:])
		var err error
		if len(now) > 0 {
			err = do(now)
		} else {
			err = t.awaitImage(ctx, ph)
		}
		if err != nil {
			return err
		}
	}
	return do(objects)
}

// awaitImage waits until one more image is in the nodes. No limit of the phase counts
// this wait.
func (t *run) awaitImage(ctx context.Context, ph *phase) error {
	const name = "wait for an image"
	return ph.within(name, "", name, func() error {
		defer ph.pause()()
		select {
		case names, more := <-t.loaded:
			if !more {
				clear(t.absent)
			}
			for _, name := range names {
				delete(t.absent, spec.FullName(name))
			}
			return nil
		case <-ctx.Done():
			return waited(ctx)
		}
	})
}
