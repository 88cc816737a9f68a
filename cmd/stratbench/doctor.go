package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/lab"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/connect"
	"github.com/stratbench/stratbench/runtimes/machine"
	"github.com/stratbench/stratbench/runtimes/machine/host"
	"github.com/stratbench/stratbench/runtimes/machine/isolated"
)

func doctorCommand() *cobra.Command {
	var output outputFlag
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what this machine can run, and what to do about what it cannot",
		Long: `Look for engines that run here, for what isolated machines need, and for what
their lab needs that is not built yet. Nothing is changed. The first lines say
what works and what to do; the table says what was looked at.

Exit codes:
  0    an experiment can run here, on engines that are there or that stratbench starts
  2    none can as things are: the first line says what to do; or bad usage
  130  cancelled with Ctrl-C or SIGTERM
`,
		Example: "  stratbench doctor",
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, args []string) error {
			e := examine(cmd.Context())
			if err := e.document().Write(cmd.OutOrStdout(), output.format); err != nil {
				return err
			}
			if !e.Possible {
				return usageError{errors.New("no experiment can run here as things are; the lines above say what to do")}
			}
			return nil
		},
	}
	output.add(cmd)
	return cmd
}

// examination is what doctor found.
type examination struct {
	// Possible is whether an experiment on some kind of machine can run.
	Possible bool `json:"possible"`
	// Advice is what works here and what to do, the most important first.
	Advice []string `json:"advice"`
	Checks []check  `json:"checks"`
}

// check is one thing that was looked at, for one purpose.
type check struct {
	For string `json:"for"`
	isolated.Check
}

const (
	forHost     = "your engines"
	forIsolated = "isolated machines"
	forLab      = "their lab"
	forDefects  = "known defects"
)

func examine(ctx context.Context) (e examination) {
	found := machine.Look(ctx, trial.Runtimes()...)
	for _, rt := range trial.Runtimes() {
		c, defects := engineChecks(ctx, found, rt)
		if _, answers := found.Engines[rt]; answers && !c.OK {
			delete(found.Engines, rt) // no trial can run on it
			found.Missing[rt] = &unfitError{c.Detail, c.Cure}
		}
		e.add(forHost, c)
		e.add(forDefects, defects...)
	}
	own := isolated.Checks()
	e.add(forIsolated, own...)
	canIsolate := len(isolated.Missing(own)) == 0
	var work lab.Work
	labReady := false
	if canIsolate {
		var checks []isolated.Check
		checks, work, labReady = labChecks(ctx)
		e.add(forLab, checks...)
	}
	e.advise(found, canIsolate, labReady, work)
	return e
}

func (e *examination) add(purpose string, checks ...isolated.Check) {
	for _, c := range checks {
		e.Checks = append(e.Checks, check{purpose, c})
	}
}

// engineChecks look at a user's engine: that it answers, and what is known of
// its version.
func engineChecks(ctx context.Context, found machine.Found, rt trial.Runtime) (c isolated.Check, defects []isolated.Check) {
	c = isolated.Check{Name: string(rt), Optional: true}
	engine, ok := found.Engines[rt]
	if !ok {
		c.Detail, c.Cure = whyNot(found.Missing[rt])
		return c, nil
	}
	info, err := describe(ctx, engine)
	if err != nil {
		c.Detail, c.Cure = fmt.Sprintf("%s answers and cannot be asked for its version: %v", engine, err), fmt.Sprintf("see what %s info says", rt)
		return c, nil
	}
	c.OK, c.Detail = true, fmt.Sprintf("%s at %s, %d processors, %s of memory", info.Version, engine, info.CPUs, info.Memory)
	if why, cure := info.Unfit(); why != "" {
		c.OK, c.Detail, c.Cure = false, c.Detail+"; "+why, cure
	} else if info.Rootless {
		c.Detail += ", rootless, with the controllers that Kind needs"
	}
	for _, d := range runtimes.Defects(rt, info.Version) {
		defects = append(defects, isolated.Check{
			Name: string(rt) + " " + info.Version, Optional: true, Detail: d.Consequence, Cure: fmt.Sprintf("%s (%s)", d.Cure, d.Source),
		})
	}
	return c, defects
}

// unfitError is about an engine that answers, and on which no trial can run.
type unfitError struct{ detail, cure string }

func (e *unfitError) Error() string { return e.detail }

// whyNot splits a reason why no engine was found into what was seen and what
// to do.
func whyNot(err error) (detail, cure string) {
	var missing *host.NotFoundError
	var unfit *unfitError
	switch {
	case errors.As(err, &unfit):
		return unfit.detail, unfit.cure
	case !errors.As(err, &missing):
		return err.Error(), "correct the setting, or unset it"
	}
	return missing.Seen(), missing.Cure()
}

func describe(ctx context.Context, e runtimes.Endpoint) (runtimes.Info, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	engine, err := connect.Engine(ctx, e)
	if err != nil {
		return runtimes.Info{}, err
	}
	defer engine.Close()
	return engine.Info(ctx)
}

// labChecks look at the lab, or at what building it takes.
func labChecks(ctx context.Context) (checks []isolated.Check, work lab.Work, ready bool) {
	c := isolated.Check{Name: "lab", Optional: true}
	work, err := lab.Remaining(ctx, lab.Options{})
	switch {
	case err != nil:
		c.Detail, c.Cure = "what it lacks cannot be told: "+err.Error(), "see below"
	case len(work.Names) == 0:
		c.OK, c.Detail = true, "built"
		return []isolated.Check{c}, work, true
	default:
		c.Detail, c.Cure = "not built: "+work.String(), "stratbench lab --install-missing"
	}
	checks = append(checks, c)
	for _, n := range lab.Needs(ctx, work) {
		checks = append(checks, isolated.Check{Name: n.Name, OK: n.OK, Detail: n.Found, Cure: n.Cure})
	}
	return checks, work, false
}

// advise says what works here and what to do.
func (e *examination) advise(found machine.Found, canIsolate, labReady bool, work lab.Work) {
	answering := found.Answering()
	if err := found.Mistaken(); err != nil {
		e.say("Correct this first: %v", err)
	}
	switch {
	case len(found.Missing) == 0:
		e.say("Experiments run here on your own engines, %s: stratbench run SPEC", found)
	case len(answering) > 0:
		e.say("Experiments run here on your own %s: stratbench run SPEC --as-found", found)
	}
	e.Possible = len(answering) > 0
	if !canIsolate {
		if !e.Possible {
			e.say("No experiment can run here yet. Start an engine. %s.", cures(found))
			for _, c := range e.blocked(forIsolated) {
				e.say("Or have stratbench start engines of its own (isolated machines): %s", c)
			}
		}
		return
	}
	blocked := e.blocked(forLab)
	switch {
	case labReady && found.Named() == nil && !e.Possible:
		e.say("Experiments run here on isolated machines, engines of stratbench's own: stratbench run SPEC")
	case labReady:
		e.say("Isolated machines, with engines of stratbench's own for every runtime: stratbench run SPEC --machine isolated")
	case len(blocked) > 0:
		e.say("Isolated machines, with engines of stratbench's own, need a lab, which cannot be built yet: %s", strings.Join(blocked, "; "))
	default:
		e.say("Isolated machines, with engines of stratbench's own for every runtime, need a lab first: stratbench lab --install-missing (%s)", work)
	}
	if !e.Possible && !labReady {
		e.say("Or start an engine. %s.", cures(found))
	}
	e.Possible = e.Possible || labReady || len(blocked) == 0
}

func (e *examination) say(format string, args ...any) {
	e.Advice = append(e.Advice, fmt.Sprintf(format, args...))
}

// blocked are the cures of what is missing and has to be there.
func (e *examination) blocked(purpose string) (cures []string) {
	for _, c := range e.Checks {
		if c.For == purpose && !c.OK && !c.Optional {
			cures = append(cures, c.Cure)
		}
	}
	return cures
}

// cures say how each engine that does not answer is brought to.
func cures(found machine.Found) string {
	var texts []string
	for _, rt := range trial.Runtimes() {
		if err := found.Missing[rt]; err != nil {
			_, cure := whyNot(err)
			texts = append(texts, fmt.Sprintf("%s: %s", rt, cure))
		}
	}
	return strings.Join(texts, ". ")
}

func (e examination) document() report.Document {
	d := report.Document{Notes: slices.Clone(e.Advice), Data: e}
	t := report.Table{Title: "What was looked at", Header: []string{"for", "check", "state", "found", "what to do"}}
	for _, c := range e.Checks {
		state, cure := "good", ""
		switch {
		case c.For == forDefects:
			state, cure = "beware", c.Cure
		case !c.OK && c.Optional:
			state, cure = "absent", c.Cure
		case !c.OK:
			state, cure = "MISSING", c.Cure
		}
		t.Rows = append(t.Rows, []string{c.For, c.Name, state, c.Detail, cure})
	}
	d.Sections = []report.Table{t}
	d.Tidy = append([][]string{t.Header}, t.Rows...)
	return d
}
