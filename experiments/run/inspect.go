package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"

	"github.com/stratbench/stratbench/experiments/plan"
	"github.com/stratbench/stratbench/internal/issue"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/runtimes/machine/host"
)

// ErrCannotRun means that the experiment cannot run on this host as asked, and
// that nothing was created.
var ErrCannotRun = errors.New("this host cannot run the experiment")

// Inspection is what is known of an experiment before anything is created.
type Inspection struct {
	// Machine is where its trials would run here, and the reason for the choice; empty
	// if there is none.
	Machine string
	// Plan is that of the experiment without the cells that are refused.
	Plan plan.Plan
	// Warnings name what may go wrong, and the cells that are refused.
	Warnings []issue.Issue
}

// Inspect reads everything that the experiment's trials read, and checks it
// against the machine on which they would run here, as Run does before it creates
// anything. The error has an *issue.List of all that is certain to fail.
func Inspect(ctx context.Context, o Options) (Inspection, error) {
	o.Report = nil
	r, err := examined(ctx, o)
	return r.found(), err
}

func (r *runner) found() Inspection {
	left := r.plan
	left.Cells = slices.DeleteFunc(slices.Clone(left.Cells), r.refuses)
	return Inspection{Machine: r.machine, Plan: left, Warnings: r.warnings}
}

func (r *runner) refuses(cell trial.Cell) bool {
	return slices.ContainsFunc(r.refused, func(f results.Refusal) bool { return f.Cell.Key() == cell.Key() })
}

// examined is a runner whose places are chosen and whose cells are inspected. Nothing
// is created for it yet.
func examined(ctx context.Context, o Options) (*runner, error) {
	r := newRunner(o)
	err := r.choosePlaces(ctx, o.Machine, o.Resume)
	if err == nil {
		err = r.preflight(ctx)
	}
	if ctx.Err() != nil { // what was not found then may be there
		err = context.Cause(ctx)
	}
	return r, err
}

// leastMemory is what an engine and a Kind cluster of one node need at least. In 45 isolated
// machines of 768 MiB to 12.5 GiB, with either engine and Kubernetes 1.34, they held 325 to
// 415 MiB that no file backs, and their programs need room beside that. In those of 768 MiB
// a cluster took three times as long as in large ones.
const leastMemory = 512 << 20

// preflight checks every cell against the place where it will run, and reports all
// that is certain to fail. A cell whose level of memory a user's engine lacks, or
// whose levels make no sense together, is refused and the others run; anything else
// refuses the experiment.
func (r *runner) preflight(ctx context.Context) error {
	ctx, done := context.WithCancel(ctx) // closes the connections of the sites
	defer done()
	in := &inspection{r: r, seen: map[string]bool{}, sites: map[string]*site{}, dialled: map[string]error{}}
	kept, refused := r.plainest(), map[string][]resolved{} // by why, with the cure
	for _, cell := range r.plan.Cells {
		c, err := r.cell(cell)
		if err != nil {
			in.report(&in.issues, c, err)
			continue // nothing more is known of it
		}
		place := r.places[c.settings.Runtime]
		if r.nowhere == nil {
			err = place.check(c)
		}
		err = errors.Join(err, r.checkFault(c), checkSchedule(c), checkShared(place, c))
		if err == nil {
			err = sameAs(kept[effectOf(c)], cell)
		}
		_, lacking := errors.AsType[*host.MemoryError](err)
		pointless, is := errors.AsType[*pointlessError](err)
		switch {
		case lacking || is:
			r.refused = append(r.refused, results.Refusal{Cell: cell, Reason: err.Error()})
			why := err.Error()
			if is {
				why += pointless.leaveOut(results.WithoutState(cell))
			}
			refused[why] = append(refused[why], c)
			continue
		case err != nil:
			in.report(&in.issues, c, err)
		}
		if m := c.settings.Memory; m > 0 && m < leastMemory && c.workload.Setup == nil {
			in.report(&in.warnings, c, fmt.Errorf("memory %s is less than an engine and a Kind cluster of one node need for themselves, so no trial is expected to get a cluster; give 1GiB or more, unless that failure is the question", m))
		}
		in.inspect(ctx, c)
	}
	for _, why := range slices.Sorted(maps.Keys(refused)) {
		cells := refused[why]
		which := fmt.Sprintf("[%s] is refused", cells[0].Cell)
		if len(cells) > 1 {
			which = fmt.Sprintf("%d cells are refused, [%s] among them", len(cells), cells[0].Cell)
		}
		in.report(&in.warnings, cells[0], fmt.Errorf("%s; %s, and the other cells run", why, which))
	}
	in.issues.Sort(r.spec.Path)
	if r.nowhere != nil {
		in.issues.List = slices.Insert(in.issues.List, 0, issue.Issue{Message: r.nowhere.Error()})
	}
	in.warnings.Sort(r.spec.Path)
	r.warnings = in.warnings.List
	r.plan.Trials = slices.DeleteFunc(slices.Clone(r.plan.Trials), func(t trial.Trial) bool { return r.refuses(t.Cell) })
	if err := in.issues.Err(); err != nil {
		return fmt.Errorf("%w:\n%w", ErrCannotRun, err)
	}
	if len(r.refused) == len(r.plan.Cells) {
		return fmt.Errorf("%w: every cell is refused, [%s] because: %s", ErrCannotRun, r.refused[0].Cell, r.refused[0].Reason)
	}
	return nil
}

// inspection checks what trials read against the places where they will run.
type inspection struct {
	r                *runner
	issues, warnings issue.List
	// seen are the cells that were inspected, by all that matters here; sites are by
	// the settings on which they depend.
	seen  map[string]bool
	sites map[string]*site
	// dialled is why no connection could be made to an address.
	dialled map[string]error
}

func (in *inspection) inspect(ctx context.Context, of resolved) {
	// Strategies and memory do not matter here.
	s, w := of.settings, of.workload
	key, err := json.Marshal([]any{s.Runtime, s.Engine, s.NodeImage, s.DNS, s.Cluster, s.Machine, s.Build.Args, s.Build.ArgsFromEnvironment, w, w.Dir})
	if err != nil || in.seen[string(key)] {
		return
	}
	in.seen[string(key)] = true
	at := string(s.Runtime) + " " + string(s.Machine.Network)
	if in.sites[at] == nil {
		in.sites[at] = in.r.places[s.Runtime].site(ctx, s)
	}
	c := &cellInspection{inspection: in, resolved: of, site: in.sites[at]}
	if in.r.nowhere == nil {
		for _, problem := range c.site.problems {
			c.at(&c.issues, "runtime", "%s", problem)
		}
		if c.site.inUse != "" {
			c.at(&c.warnings, "runtime", "%s. Until then it is not known what ports its clusters find free", c.site.inUse)
		}
	}
	faulty := in.r.spec.Faulty // what has issues is not inspected further
	if faulty("hooks") {
		return // they may make whatever else is missing
	}
	switch {
	case faulty("setup"):
	case w.Setup != nil:
		c.setup()
	default:
		if !faulty("kindConfig") {
			c.cluster(ctx)
		}
		c.images(ctx)
		// Of a cluster whose configuration cannot be read, nothing is known.
		if c.kind != nil && !faulty("images", "preload", "deploy", "manifests") {
			c.deployment(ctx)
		}
	}
	if t := w.Test; len(t.Command) > 0 && !faulty("test") {
		c.command("workload.test.command.0", "the test command", t.Command, t.Dir)
		c.environment("workload.test.env.", t.Env, readByCommand)
	}
	for phase, hook := range w.Hooks {
		for key, args := range map[string][]string{"before": hook.Before, "after": hook.After} {
			if len(args) > 0 {
				c.command(fmt.Sprintf("workload.hooks.%s.%s.0", phase, key), "the hook "+key+" "+string(phase), args, w.Dir)
			}
		}
	}
}

// report reports what a cell cannot have, at the setting with which each line of the
// error begins.
func (in *inspection) report(to *issue.List, c resolved, err error) {
	for _, line := range strings.Split(err.Error(), "\n") {
		setting, _, _ := strings.Cut(line, " ")
		if setting = strings.TrimSuffix(setting, ":"); !slices.Contains([]string{"memory", "engine", "machine.cpus", "strategy", "onCrash", "cluster", "etcd", "dns", "build.cache", "build.cacheStart", "load.when", "load.path", "load.together", "deploy.when", "fault"}, setting) {
			setting = "runtime"
		}
		c.at(to, setting, "%s", line)
	}
}

type cellInspection struct {
	*inspection
	resolved
	site *site
	kind *v1alpha4.Cluster
}

// at adds an issue at a setting of the cell.
func (c resolved) at(to *issue.List, setting, format string, args ...any) {
	file, at := c.where(setting)
	to.Add(file, at, format, args...)
}

func (c resolved) where(setting string) (string, issue.Position) {
	return c.spec.Where(results.WithoutState(c.Cell), setting)
}

// wrong reports an input that cannot be read, or may not do what it is for.
func (c *cellInspection) wrong(to *issue.List, setting string, err error) {
	if _, is := errors.AsType[*issue.List](err); is {
		to.AddError(err)
	} else {
		c.at(to, setting, "%v", err)
	}
}
