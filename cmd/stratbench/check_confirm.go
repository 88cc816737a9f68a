package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/experiments/confirm"
	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/results/history"
	"github.com/stratbench/stratbench/results/history/detect"
	"github.com/stratbench/stratbench/runtimes/machine"
)

// confirmFlags let a check run trials of the last good and the present state.
type confirmFlags struct {
	spec, prepare string
	kind          machine.Kind
	asFound       bool
	budget        time.Duration
	present       *spec.Spec
	// run is confirm.Run.
	run func(context.Context, confirm.Options) (confirm.Result, error)
}

func (f *confirmFlags) add(cmd *cobra.Command) {
	f.run = confirm.Run
	flags := cmd.Flags()
	flags.StringVar(&f.spec, "confirm", "", "SPEC of the present state: run what is suspected or worse beside the last good state, and decide by that")
	flags.StringVar(&f.prepare, "prepare", "", "with --confirm: shell command that makes, in the copy of the last good revision, what git does not have")
	flags.DurationVar(&f.budget, "budget", 0, "with --confirm: run as many whole blocks as fit in this time, such as 1h")
	flags.BoolVar(&f.asFound, "as-found", false, "with --confirm: where engines of the user's run, only those, with the memory they have")
	flags.Var(machineFlag{&f.kind}, "machine", "with --confirm: auto, host, isolated or podman-machine, instead of the spec's")
}

// load reads the spec, so that a fault of it is found in a quiet night too.
func (f *confirmFlags) load() (err error) {
	if f.spec == "" {
		if f.prepare != "" || f.budget != 0 || f.asFound || f.kind != "" {
			return usageError{errors.New("--prepare, --budget, --as-found and --machine are for the trials of --confirm SPEC, which is missing")}
		}
		return nil
	}
	f.present, err = spec.Load(f.spec)
	return err
}

// confirm puts the alarms of a check to the test and judges again. Where that
// cannot be done the check stays as it was, and says why.
func (f *checkFlags) confirm(cmd *cobra.Command, h *history.History, c history.Check, o detect.Options) (history.Check, error) {
	alarms := c.Alarms()
	if f.confirming.spec == "" || len(alarms) == 0 || !c.Judged() {
		return c, nil
	}
	options, err := f.confirming.options(h, c, alarms)
	if err != nil {
		return c, err
	}
	show := newProgress(cmd.ErrOrStderr())
	options.Root, options.Report = f.results, show.update
	fmt.Fprintf(cmd.ErrOrStderr(), "running %s in the state of %s beside the present one, in %d blocks\n", strings.Join(options.Cells, "; "), options.Good.ID(), options.Blocks)
	_, err = f.confirming.run(cmd.Context(), options)
	show.close()
	var cells *confirm.CellError
	if errors.Is(err, confirm.ErrNotBuilt) && !errors.Is(err, context.Canceled) || errors.As(err, &cells) {
		c.NotConfirmed(err)
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("running the last good state beside the present one: %w", err)
	}
	if err := f.update(cmd, h); err != nil {
		return c, err
	}
	return h.Check(f.experiment, f.host, o)
}

// options are what to run for the alarms: their cells, in the last state that
// was good of all of them.
func (f *confirmFlags) options(h *history.History, c history.Check, alarms []history.Finding) (o confirm.Options, err error) {
	if o.Present = f.present; o.Present.Name != c.Experiment {
		return o, usageError{fmt.Errorf("--confirm %s is the experiment %s, and the check is of %s", f.spec, o.Present.Name, c.Experiment)}
	}
	first := slices.MinFunc(alarms, func(a, b history.Finding) int { return a.Since.Night - b.Since.Night })
	good, err := h.Find(c.Experiment, c.Host, first.LastGood)
	if err != nil {
		return o, err
	}
	if o.Good, err = good.Records(); err != nil {
		return o, err
	}
	o.Blocks = history.BlocksToConfirm(alarms)
	for _, a := range alarms {
		if key := a.Cell.Key(); !slices.Contains(o.Cells, key) {
			o.Cells = append(o.Cells, key)
		}
		if !slices.Contains(o.Metrics, a.Metric) {
			o.Metrics = append(o.Metrics, a.Metric)
		}
	}
	o.Prepare, o.Budget, o.AsFound, o.Machine = f.prepare, f.budget, f.asFound, f.kind
	return o, nil
}
