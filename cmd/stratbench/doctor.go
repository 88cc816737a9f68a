package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stratbench/stratbench/internal/host"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/lab"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/answer"
	"github.com/stratbench/stratbench/results/compare"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/study"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/connect"
	"github.com/stratbench/stratbench/runtimes/machine"
	userhost "github.com/stratbench/stratbench/runtimes/machine/host"
	"github.com/stratbench/stratbench/runtimes/machine/isolated"
)

// What an experiment can run on: an engine of the user's, by its runtime, or
// isolated machines.
var platforms = []string{string(trial.Podman), string(trial.Docker), string(machine.Isolated)}

func doctorCommand() *cobra.Command {
	var f shared
	return f.add(&cobra.Command{
		Use: "doctor [podman|docker|isolated]...",
		// Other tools begin so.
		SuggestFor: []string{"init"},
		Short:      "Report what this host can run, and what to do about what it cannot",
		Long: `Look for engines that run here, for what isolated machines need, and for what
their lab needs that is not built yet. Nothing is changed. The first lines report
what works and what to do; the table lists what was looked at. Where runs have
compared the version of your engine with another, the faster one is named.

The exit code is 0 if an experiment can run here, on engines that are there or that
stratbench starts, and 12 if none can as things are. With names, it is 0 if each
of them can be used: your own podman or docker, or isolated machines.

` + exitCodeTable("doctor"),
		Example: `  stratbench doctor
  stratbench doctor isolated && stratbench run SPEC --machine isolated`,
		Args: func(_ *cobra.Command, args []string) error {
			for _, name := range args {
				if !slices.Contains(platforms, name) {
					return usage("experiments do not run on %q; name some of %s, or nothing", name, strings.Join(platforms, ", "))
				}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			e := examine(cmd.Context(), f.dir)
			if err := f.print(cmd, e.document()); err != nil {
				return err
			}
			if !e.Possible {
				return exitError{exitNoData, errors.New("no experiment can run here as things are; the lines above say what to do")}
			}
			lacking := slices.DeleteFunc(args, func(name string) bool { return e.Can[name] })
			if len(lacking) > 0 {
				return exitError{exitNoData, fmt.Errorf("no experiment can run here on %s as things are; the table says what to do", strings.Join(lacking, " or "))}
			}
			return nil
		},
	})
}

type examination struct {
	// Possible is whether an experiment can run on anything, and Can whether it
	// can on each of the platforms.
	Possible bool            `json:"possible"`
	Can      map[string]bool `json:"can"`
	// Advice is what works here and what to do, the most important first.
	Advice []string `json:"advice"`
	Checks []check  `json:"checks"`
}

// check is one thing that was looked at, for one purpose.
type check struct {
	For string `json:"for"`
	host.Check
}

const forDefects = "known defects"

func (e *examination) add(purpose string, checks ...host.Check) {
	for _, c := range checks {
		e.Checks = append(e.Checks, check{purpose, c})
	}
}

func (e *examination) say(format string, args ...any) {
	e.Advice = append(e.Advice, fmt.Sprintf(format, args...))
}

// examine looks at this host, and for versions of its engines in the runs in a folder.
func examine(ctx context.Context, runs string) examination {
	e := examination{Can: map[string]bool{}}
	found := machine.Look(ctx, trial.Runtimes()...)
	var start []string
	versions := map[trial.Runtime]string{}
	for _, rt := range trial.Runtimes() {
		c, version, defects := engineChecks(ctx, found, rt)
		if e.Can[string(rt)] = c.OK; c.OK {
			versions[rt] = version
		} else {
			delete(found.Engines, rt) // one that answers may be unfit
			start = append(start, fmt.Sprintf("%s: %s", rt, c.Cure))
		}
		e.add("your engines", c)
		e.add(forDefects, defects...)
	}
	e.Advice = fasterVersions(runs, versions)
	checks := isolated.Checks()
	e.add("isolated machines", checks...)
	missing := checks.Missing()
	canIsolate, labReady := len(missing) == 0, false
	var work lab.Work
	if canIsolate {
		checks, work, labReady = labChecks(ctx)
		e.add("their lab", checks...)
		missing = checks.Missing()
	}
	e.Can[string(machine.Isolated)] = len(missing) == 0
	e.Possible = slices.Contains(slices.Collect(maps.Values(e.Can)), true)
	var cures []string
	for _, c := range missing {
		cures = append(cures, c.Cure)
	}

	if err := found.Mistaken(); err != nil {
		e.say("Correct this first: %v", err)
	}
	none := len(found.Engines) == 0
	switch {
	case len(start) == 0:
		e.say("Experiments run here on your own engines, %s: stratbench run SPEC", found)
	case !none:
		e.say("Experiments run here on your own %s: stratbench run SPEC --as-found", found)
	}
	switch {
	case !canIsolate && none:
		e.say("No experiment can run here yet. Start an engine. %s.", strings.Join(start, ". "))
		for _, cure := range cures {
			e.say("Or have stratbench start engines of its own (isolated machines): %s", cure)
		}
	case !canIsolate:
	case labReady && none && found.Named() == nil:
		e.say("Experiments run here on isolated machines, with stratbench's own engines: stratbench run SPEC")
	case labReady:
		e.say("Experiments run here on isolated machines, with stratbench's own engines for every runtime: stratbench run SPEC --machine isolated")
	case len(cures) > 0:
		e.say("Isolated machines, with stratbench's own engines, need a lab, which cannot be built yet: %s", strings.Join(cures, "; "))
	default:
		e.say("Isolated machines, with stratbench's own engines for every runtime, need a lab first: stratbench lab --install-missing (%s)", work)
	}
	if canIsolate && none && !labReady {
		e.say("Or start an engine. %s.", strings.Join(start, ". "))
	}
	return e
}

// lookBack is how many runs are asked for other versions of an engine.
const lookBack = 20

// fasterVersions is, for each of these engines, what the newest run that compared its
// version with others says of a faster one.
func fasterVersions(folder string, engines map[trial.Runtime]string) (advice []string) {
	if len(engines) == 0 {
		return nil
	}
	dirs, _ := results.Runs(folder)
	for _, dir := range slices.Backward(dirs[max(0, len(dirs)-lookBack):]) {
		run, err := results.ReadRun(dir)
		if err != nil {
			continue // report says what is wrong with it
		}
		for _, v := range answer.EngineVersions(study.Gather([]results.Run{run}), compare.DefaultIndifference) {
			rt := trial.Runtime(v.Runtime)
			version := engines[rt]
			if version == "" || v.Against != version && !slices.Contains(v.Best, version) {
				continue
			}
			delete(engines, rt)
			// Nobody changes an engine for less.
			better := v.Verdict == compare.Decided && v.Against == version && *v.Effect <= -compare.DefaultIndifference
			if said := report.EngineVersion(v); better && said != "" && len(v.Where) == 0 {
				advice = append(advice, fmt.Sprintf("Before you choose a strategy, change %s: %s Run %s.", rt, said, run.ID()))
			}
		}
	}
	return advice
}

// engineChecks look at a user's engine: that it answers, that trials can run on
// it, and which defects of its version are known.
func engineChecks(ctx context.Context, found machine.Found, rt trial.Runtime) (c host.Check, version string, defects []host.Check) {
	c = host.Check{Name: string(rt), Optional: true}
	engine, ok := found.Engines[rt]
	if !ok {
		if missing, is := errors.AsType[*userhost.NotFoundError](found.Missing[rt]); is {
			c.Detail, c.Cure = missing.Seen(), missing.Cure()
		} else {
			c.Detail, c.Cure = found.Missing[rt].Error(), "correct the setting, or unset it"
		}
		return c, "", nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	info, err := connect.Info(ctx, engine)
	if err != nil {
		c.Detail, c.Cure = fmt.Sprintf("%s answers, but not with its version: %v", engine, err), fmt.Sprintf("look at the output of %s info", rt)
		return c, "", nil
	}
	c.OK, c.Detail = true, fmt.Sprintf("%s at %s, %d processors, %s of memory", info.Version, engine, info.CPUs, info.Memory)
	if why, cure := engine.Unfit(info); why != "" {
		c.OK, c.Detail, c.Cure = false, c.Detail+"; "+why, cure
	} else if info.Rootless {
		c.Detail += ", rootless, with the controllers that Kind needs"
	}
	if engine.BySSH() {
		if err := engine.CanTunnel(ctx); err != nil {
			c.OK, c.Detail, c.Cure = false, c.Detail+"; "+err.Error(), runtimes.TunnelCure
		} else {
			c.Detail += ", on another host; an ssh tunnel leads to its clusters"
		}
	} else if engine.Elsewhere() != "" {
		c.Detail += ", on another host: this host must reach the address at which the Kind configuration publishes a cluster"
	}
	for _, d := range runtimes.Defects(rt, info.Version) {
		defects = append(defects, host.Check{
			Name: string(rt) + " " + info.Version, Optional: true, Detail: d.Consequence, Cure: fmt.Sprintf("%s (%s)", d.Cure, d.Source),
		})
	}
	return c, info.Version, defects
}

// labChecks look at the lab, or at what is needed to build it.
func labChecks(ctx context.Context) (checks host.Checks, work lab.Work, ready bool) {
	c := host.Check{Name: "lab", Optional: true}
	work, err := lab.Remaining(ctx, lab.Options{})
	switch {
	case err != nil:
		c.Detail, c.Cure = "could not be examined: "+err.Error(), "see the checks below"
	case len(work.Names) == 0:
		c.OK, c.Detail = true, "built"
		return host.Checks{c}, work, true
	default:
		c.Detail, c.Cure = "not built: "+work.String(), "stratbench lab --install-missing"
	}
	return append(host.Checks{c}, lab.Needs(ctx, work)...), work, false
}

func (e examination) document() report.Document {
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
	return report.Document{Notes: e.Advice, Data: e, Sections: []report.Table{t}, Tidy: append([][]string{t.Header}, t.Rows...)}
}
