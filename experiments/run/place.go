package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/lab"
	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/runtimes/machine"
	"github.com/stratbench/stratbench/runtimes/machine/podmanmachine"
)

// place is where the machines of a runtime come from: isolatedPlace or
// borrowedPlace.
type place interface {
	kind() machine.Kind
	// check reports settings that the place cannot provide. Each line of its error
	// begins with the setting. It creates nothing.
	check(resolved) error
	// site returns what is known of the place. It creates nothing.
	site(context.Context, spec.Settings) *site
	// claim takes the place for this run alone, before anything is created.
	claim(ctx context.Context, me holder) error
	// prepare prepares what machines of these settings start from.
	prepare(ctx context.Context, all []spec.Settings) error
	// start starts a machine and returns when its engine answers. The machine has
	// the disk of a kept state, or a fresh engine's if state is empty. Its logs go
	// to dir.
	start(ctx context.Context, s spec.Settings, state, trialID, dir string) (machine.Machine, error)
	// adapt changes a worker's configuration to what is right here.
	adapt(*pipeline.Config)
	close() error
}

// choosePlaces chooses where the machines of each runtime come from: as the
// command line asks, or the spec, or by what there is. If there are none,
// preflight reports it together with everything else that it finds.
func (r *runner) choosePlaces(ctx context.Context, asked machine.Kind, resumed string) (err error) {
	if r.cache, err = CacheDir(); err != nil {
		return err
	}
	if _, varied := r.spec.LevelNames("machine.kind"); varied {
		return fmt.Errorf("%w: machine.kind cannot be a factor: a run has machines of one type; make a run of each, and analyse them together", ErrCannotRun)
	}
	choice, err := r.choose(ctx, asked, resumed)
	if err != nil {
		r.nowhere = err
	} else {
		r.machine = fmt.Sprintf("%s, because %s", choice.Kind, choice.Reason)
		r.report.note("machine: %s", r.machine)
	}
	shared := &isolatedPlace{cache: r.cache, binds: r.binds(), report: r.report}
	for _, rt := range r.runtimes() {
		r.places[rt] = shared
		if choice.Kind != machine.Isolated {
			engine := choice.Engines[rt]
			engine.Runtime = rt
			r.places[rt] = &borrowedPlace{of: choice.Kind, engine: engine, cache: r.cache, report: r.report, describe: time.Duration(r.spec.Limits.Describe)}
		}
		if !slices.Contains(r.distinct, r.places[rt]) {
			r.distinct = append(r.distinct, r.places[rt])
		}
	}
	return nil
}

// choose chooses the sort of machine for all runtimes. A continued run keeps the
// one that it began with.
func (r *runner) choose(ctx context.Context, asked machine.Kind, resumed string) (machine.Choice, error) {
	reason := "--machine asks for it"
	if asked == "" {
		asked, reason = machine.Kind(r.spec.Settings.Machine.Kind), "the spec asks for it"
	}
	if asked == machine.Auto && resumed != "" {
		run, err := results.ReadRun(resumed)
		i := slices.IndexFunc(run.Records, func(r results.Record) bool { return r.Machine.Kind != "" })
		if err == nil && i >= 0 { // opening the run reports the error
			asked, reason = machine.Kind(run.Records[i].Machine.Kind), "the run began there"
		}
	}
	if asked == machine.Auto || asked == machine.Host {
		r.awaitFound(ctx)
	}
	switch asked {
	case machine.Auto:
		choice, err := machine.Detect(ctx, r.runtimes()...)
		if err == nil && choice.Kind == machine.Isolated {
			if err = r.unasked(ctx); err != nil {
				choice = machine.Choice{} // what an isolated machine lacks is no issue of the spec
			}
		}
		return choice, err
	case machine.Isolated:
		return machine.Choice{Kind: asked, Reason: reason}, machine.Possible()
	case machine.PodmanMachine:
		return machine.Choice{Kind: asked, Reason: reason}, podmanmachine.Exists(ctx)
	case machine.Host:
		found := machine.Look(ctx, r.runtimes()...)
		return machine.Choice{Kind: asked, Reason: reason, Engines: found.Engines}, found.Why()
	}
	_, err := machine.ParseKind(string(asked))
	return machine.Choice{}, err
}

// longest is how long a lab may take that nobody has asked for.
const longest = 5 * time.Minute

// unasked refuses to spend a long time on a lab that nobody has asked for.
func (r *runner) unasked(ctx context.Context) error {
	all, err := r.settingsOf()
	if err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(s spec.Settings) bool { return lab.CheckEngine(engineSource(s)) != nil }) {
		return nil // the place's check reports it, at its setting
	}
	work, err := lab.Remaining(ctx, labOptions(all))
	if err == nil && work.Takes <= longest {
		return nil
	}
	why := machine.Look(ctx, r.runtimes()...).Why()
	if err != nil {
		return fmt.Errorf("no engine answers here:\n%w\nEngines of stratbench's own are not possible yet: %w", why, err)
	}
	return fmt.Errorf("no engine answers here:\n%w\nEngines of stratbench's own start from a lab that is not built (%s).\nStart an engine, or build the lab: stratbench lab --install-missing", why, work)
}

// runtimes lists those that the plan's cells use.
func (r *runner) runtimes() (used []trial.Runtime) {
	for _, rt := range trial.Runtimes() {
		if slices.ContainsFunc(r.plan.Cells, func(c trial.Cell) bool {
			of, err := r.cell(c)
			return err == nil && of.settings.Runtime == rt
		}) {
			used = append(used, rt)
		}
	}
	return used
}

// binds are the folders of the host that a worker must see: the workload's.
func (r *runner) binds() []string {
	var binds []string
	for _, spec := range r.specs() {
		folders := spec.Workload.Folders()
		if dir := filepath.Join(r.cache, preloads); len(spec.Workload.Preload) > 0 && os.MkdirAll(dir, 0o755) == nil {
			folders = append(folders, dir)
		}
		for _, folder := range folders {
			if !slices.Contains(binds, folder) {
				binds = append(binds, folder)
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(binds), func(p string) bool { // below another one
		return slices.ContainsFunc(binds, func(q string) bool { return isIn(q, p) && !isIn(p, q) })
	})
}

func isIn(folder, path string) bool {
	rel, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(rel)
}

// AsFound narrows an experiment to the user's engines that run here: to the
// runtimes that answer, with the memory that they have. The note names them and
// what was left out. If no engine answers and the user named none, the experiment
// stays as it is, and there is no note.
func AsFound(ctx context.Context, spec *spec.Spec) (note string, err error) {
	asked := []trial.Runtime{spec.Settings.Runtime}
	if names, varied := spec.LevelNames("runtime"); varied {
		asked = nil
		for _, name := range names {
			asked = append(asked, trial.Runtime(name))
		}
	}
	found := machine.Look(ctx, trial.Runtimes()...)
	if ctx.Err() != nil { // engines that did not answer then may be there
		return "", context.Cause(ctx)
	}
	wanted := found.Only(asked...)
	left := wanted.Answering()
	switch {
	case wanted.Mistaken() != nil:
		return "", refused(wanted.Mistaken())
	case len(found.Engines) == 0:
		return "", refused(wanted.Named())
	case len(left) == 0: // the spec has one runtime, and the other one answers
		return "", refused(fmt.Errorf("the experiment runs only on %s, and only %s answers here:\n%w\nStart it, or change the runtime in the spec", asked[0], found, wanted.Why()))
	}
	spec.Settings.Memory = 0
	spec.Factors = slices.DeleteFunc(spec.Factors, func(f trial.Factor) bool { return f.Name == "memory" })
	for _, levels := range spec.Design.Cells {
		delete(levels, "memory")
	}
	for i, f := range spec.Factors {
		if f.Name == "runtime" {
			spec.Factors[i].Levels = slices.DeleteFunc(f.Levels, func(l trial.Level) bool {
				return !slices.Contains(left, trial.Runtime(l.Name))
			})
		}
	}
	note = fmt.Sprintf("as found: %s, with the memory that is there", wanted)
	if len(left) < len(asked) {
		note += fmt.Sprintf("; left out: %v", wanted.Why())
	}
	return note, nil
}

// refused marks an error, if there is one, as the reason why nothing was created.
func refused(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrCannotRun, err)
}

// NeedsLab reports whether experiments on this host need a lab, and if not, why. The error
// is that of an engine which the user has named and which does not answer: then nothing is
// certain.
func NeedsLab(ctx context.Context) (why string, needed bool, err error) {
	found := machine.Look(ctx, trial.Runtimes()...)
	if err := found.Mistaken(); err != nil {
		return "", false, refused(err)
	}
	if len(found.Engines) > 0 {
		return "the user's own engine answers: " + found.String(), false, nil
	}
	return "", true, refused(found.Named())
}

// PrepareLab builds the lab and the golden states of both runtimes, so that no
// run has to.
func PrepareLab(ctx context.Context, report func(Update)) error {
	cache, err := CacheDir()
	if err != nil {
		return err
	}
	p := &isolatedPlace{cache: cache, report: oneAtATime(report)}
	var all []spec.Settings
	for _, rt := range trial.Runtimes() {
		s := spec.Settings{Runtime: rt}
		if err := p.check(resolved{settings: s}); err != nil {
			return err
		}
		all = append(all, s)
	}
	return errors.Join(p.prepare(ctx, all), p.close())
}
