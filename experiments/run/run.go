// Package run works a plan: each trial gets a machine in its golden state, a
// worker process and a record. It recovers, resumes and keeps to a budget, and
// is the one place where everything meets.
//
//	spec     open.go opens the run; inspect*.go, schedule.go, shared.go and site.go check
//	         the spec against the machine; cache.go fetches what they need
//	machine  place.go chooses where machines come from: isolated.go or borrowed.go;
//	         lock.go, ledger.go (what runs owe an engine) and clean.go keep a user's engine
//	         as it was; environment.go has what trials get of the host's variables
//	worker   config.go is what a worker gets; worker.go is both ends of the pipe
//	trial    prepare.go is the work before the first trial; then run.go, trial.go,
//	         tunnel.go, watched.go, fault.go, recovery.go, and stop.go for an early end
//	record   trial.go fills the record, log.go the log
package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/stratbench/stratbench/experiments/plan"
	"github.com/stratbench/stratbench/experiments/run/reference"
	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/issue"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/runtimes/machine"
	"github.com/stratbench/stratbench/strategies"
)

// lostInARow is how many trials in a row may fail to be measured, and how often
// recovery is tried, before the run stops.
const lostInARow = 3

// ErrUnrecovered means that no machine could be started, several times in a row.
var ErrUnrecovered = errors.New("the engine cannot be recovered")

// Options are what to run and where to record it.
type Options struct {
	Spec *spec.Spec
	Plan plan.Plan
	// Root is the folder that holds runs; Resume is the folder of a run to
	// continue, or empty.
	Root   string
	Resume string
	// Sources is the folder whose git revision is recorded; the spec's, if it is empty.
	Sources string
	// States are the levels of the factor state, if the plan varies it. Spec then
	// holds what applies to the run as a whole.
	States []State
	// Machine, unless empty, overrides the sort of machine that the spec asks for.
	Machine machine.Kind
	// Look is the interim analysis for a spec with design.stop: it decides before each
	// block whether to go on. Its decisions must stay valid however many there are.
	Look func(results.Run) (results.Look, error)
	// KeepGoing continues although all warm-ups, or all trials of the first
	// block, have failed alike.
	KeepGoing bool
	// Report receives the run's progress, from one goroutine at a time.
	Report func(Update)
}

// State is a whole state of an experiment. Cells with its level of the factor
// state take their settings, strategies, limits and workload from its own spec,
// which does not have that factor.
type State struct {
	results.State
	Spec *spec.Spec
}

// Update is a run's progress, for a display: one of Note, Preparing, Started,
// Ended and Now.
type Update struct {
	// Note is a line of its own: what was prepared or decided.
	Note string
	// Preparing is the work under way until the next Preparing, Started or Ended.
	Preparing *Preparation
	// Started and Ended bracket a trial; Ended carries its record, or that of a
	// preparation, and Log is the path of its log.
	Started *trial.Trial
	Ended   *results.Record
	Log     string
	// Now is the phase that began last in the running trial or preparation.
	Now trial.Phase
	// Done and Total count trials, Left estimates the time they still take
	// (0 while nothing is known); they are set with Started and Ended.
	Done, Total int
	Left        time.Duration
}

// Preparation is work other than a trial that may take minutes. The zero value ends
// what was under way.
type Preparation struct {
	// What names the work and Detail the part under way. A display's clock runs
	// on while only Detail changes.
	What, Detail string
	// Takes estimates how long all of it takes; 0 is unknown.
	Takes time.Duration
}

// reporter passes progress on, from one goroutine at a time. As a writer it takes lines
// for notes.
type reporter func(Update)

func (r reporter) note(format string, args ...any) { r(Update{Note: fmt.Sprintf(format, args...)}) }

func (r reporter) preparing(what Preparation) { r(Update{Preparing: &what}) }

func (r reporter) Write(b []byte) (int, error) {
	r.note("%s", strings.TrimRight(string(b), "\n"))
	return len(b), nil
}

type runner struct {
	spec *spec.Spec
	plan plan.Plan
	env  results.Environment
	// me is how this run signs what it makes on engines.
	me      holder
	journal *results.Journal
	// cache is the folder of the lab, the golden states and what was fetched.
	cache string
	// places are where the machines of runtimes come from, and distinct has each once.
	places   map[trial.Runtime]place
	distinct []place
	// machine is the sort of machine and the reason for the choice; nowhere is why
	// there is no machine at all, or nil.
	machine string
	nowhere error
	scratch *Scratch
	states  []State
	// deployments are the prepared ones, by deploymentKey.
	deployments map[string]prepared
	// archives hold the images that are loaded and not built, by their entry
	// under preload.
	archives map[string]pipeline.Archive
	// oci are the registries that stratbench brings: by state those with images that
	// were pushed, and by their names those with a build cache.
	oci map[string]http.Handler
	// prebooted are the states of the store from which cells with cluster:
	// prebooted start, by cell.
	prebooted map[string]string
	// caches are the names of the build caches that were filled for cells with a warm
	// one, by cell.
	caches  map[string]string
	report  reporter
	decide  func(results.Run) (results.Look, error)
	started time.Time
	budget  time.Duration
	// done are the IDs of the trials that need not be run any more.
	done map[string]bool
	// builds is what earlier runs lead one to expect of the builds.
	builds   []results.Expected
	previous *results.Previous
	refused  []results.Refusal
	// warnings name what may go wrong, found before anything was created.
	warnings  []issue.Issue
	beginning beginning
	// counted is the number of measured trials that were not broken on purpose; ready
	// is true when one of them became ready.
	counted int
	ready   bool
	unclean []error
	// unrecovered is set when no machine could be started again.
	unrecovered error
	took        map[string][]time.Duration
	// referenced is how long the reference workload took before each block of
	// this session; references counts, by block, how often all sessions did it.
	referenced map[int]time.Duration
	references map[int]int
}

// Run works the plan and returns the run's folder, which holds all that was
// recorded even if there is an error. A trial that fails is a record and no
// error. The error wraps ErrCannotRun, ErrAlike, ErrNoneReady or ErrUnrecovered,
// or the context's cause if the run was cancelled.
func Run(ctx context.Context, o Options) (dir string, err error) {
	r, err := open(ctx, o)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	r.report.note("recording to %s", r.journal.Dir())
	if err := r.prepare(ctx); err != nil {
		return r.journal.Dir(), err
	}
	return r.journal.Dir(), r.trials(ctx)
}

// close closes what is open. Its errors include what trials could not take away.
func (r *runner) close() error {
	err := errors.Join(r.unclean...)
	for _, p := range r.distinct {
		err = errors.Join(err, p.close())
	}
	if r.scratch != nil {
		err = errors.Join(err, r.scratch.Close())
	}
	if r.journal != nil {
		err = errors.Join(err, r.journal.Close())
	}
	return err
}

// trials runs what the plan has left, block by block.
func (r *runner) trials(ctx context.Context) error {
	lost := 0
	for i, t := range r.plan.Trials {
		if r.done[t.ID] {
			continue
		}
		if r.outOfBudget(i) {
			if t.Block == 1 {
				return fmt.Errorf("%w: the budget of %s has no room for the first block, judging by the warm-ups; raise it, or take levels out, and continue with --resume", ErrNoneReady, r.budget)
			}
			r.report.note("the budget of %s has no room for another block: stopped before block %d; continue with --resume", r.budget, t.Block)
			return r.noneReady()
		}
		if stop, err := r.look(i); stop || err != nil {
			return err
		}
		if r.done[t.ID] { // the interim analysis retired its cell
			continue
		}
		if err := r.beginning.stop(r.plan.Trials, i); err != nil {
			return err
		}
		if err := r.reference(ctx, t.Block); err != nil {
			return err
		}
		record, err := r.one(ctx, t, pipeline.Trial)
		if err != nil {
			return err
		}
		if record.Verdict.Outcome != trial.RunnerFault || measured(record) {
			lost = 0
			continue
		}
		if lost++; lost >= lostInARow {
			return fmt.Errorf("%w: %d trials in a row could not be measured, the last because of: %s; see its log %s and stratbench doctor, then continue with --resume",
				ErrUnrecovered, lost, record.Verdict.InShort(), r.log(record))
		}
	}
	return r.noneReady()
}

// one executes a trial or a preparation and journals it. The error is what ends the run.
func (r *runner) one(ctx context.Context, t trial.Trial, do pipeline.Task) (results.Record, error) {
	c, err := r.cell(t.Cell)
	if err == nil {
		err = r.awaitEngine(ctx, r.places[c.settings.Runtime])
	}
	if err != nil {
		return results.Record{}, err
	}
	if do != pipeline.Trial {
		r.report.preparing(Preparation{What: preparations[do].what + ": " + t.String()})
	} else {
		r.report(Update{Started: &t, Done: len(r.done), Total: len(r.plan.Trials), Left: r.left()})
	}
	record, err := r.execute(ctx, c, t, do)
	if err != nil {
		return record, err
	}
	if err := r.journal.Append(record); err != nil {
		return record, err
	}
	r.take(record, true)
	r.report(Update{Ended: &record, Log: r.log(record), Done: len(r.done), Total: len(r.plan.Trials), Left: r.left()})
	if ctx.Err() != nil {
		return record, context.Cause(ctx)
	}
	return record, r.unrecovered
}

// log is the path of a record's log.
func (r *runner) log(record results.Record) string {
	return filepath.Join(r.journal.Dir(), record.Log)
}

// resolved is a cell with what its trials run with.
type resolved struct {
	trial.Cell
	// spec is that of the cell's state, or the run's.
	spec     *spec.Spec
	settings spec.Settings
	workload spec.Workload
	// strategy is empty if a set-up command asks for none.
	strategy strategies.Strategy
}

func resolve(s *spec.Spec, c trial.Cell) (of resolved, err error) {
	of.Cell, of.spec = c, s
	of.settings, of.workload, err = s.Cell(results.WithoutState(c))
	if err == nil && of.settings.Strategy != "" {
		of.strategy, err = strategies.Named(of.settings.Strategy, s.Strategies)
	}
	return of, err
}

func (r *runner) cell(c trial.Cell) (resolved, error) {
	level, _ := c.Level(results.StateFactor)
	for _, s := range r.states {
		if s.Level == level {
			return resolve(s.Spec, c)
		}
	}
	return resolve(r.spec, c)
}

// specs are the run's spec and those of its states.
func (r *runner) specs() []*spec.Spec {
	all := []*spec.Spec{r.spec}
	for _, s := range r.states {
		all = append(all, s.Spec)
	}
	return all
}

// settingsOf returns the settings of each cell that the plan still runs.
func (r *runner) settingsOf() ([]spec.Settings, error) {
	var all []spec.Settings
	for _, cell := range r.plan.Cells {
		c, err := r.cell(cell)
		if err != nil {
			return nil, err
		}
		all = append(all, c.settings)
	}
	return all, nil
}

// reference does the reference workload before this start's first trial of a
// block, and records it. An interrupted one is not recorded. A failed one is, and
// the run goes on.
func (r *runner) reference(ctx context.Context, block int) error {
	if _, again := r.referenced[block]; again || !r.spec.Design.Reference {
		return nil
	}
	record := results.Record{
		RunID: r.env.RunID, Kind: results.KindReference, Started: time.Now(), Attempt: r.references[block] + 1,
		Trial:   trial.Trial{ID: fmt.Sprintf("r%03d", block), Block: block, Cell: trial.Cell{}},
		Verdict: trial.Verdict{Outcome: trial.OK, Confidence: 1},
		Load:    results.HostLoad(r.scratch.Dir),
		Spans:   []trial.Span{}, Samples: []trial.Sample{}, Tests: []trial.TestResult{}, Images: []results.Image{},
	}
	job, spans, err := reference.Work(ctx, r.scratch.Dir)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	record.Spans = append(record.Spans, spans...)
	if len(spans) > 0 {
		record.Elapsed = spans[len(spans)-1].End
	}
	record.Settings, _ = json.Marshal(job) // never fails
	r.referenced[block] = record.Elapsed.Duration()
	if err == nil {
		r.report.note("%s: the reference workload took %s", record.Trial.ID, record.Elapsed.Duration().Round(time.Millisecond))
	} else {
		record.Verdict = notMeasured(ctx, fmt.Errorf("doing the reference workload: %w", err))
		r.report.note("%s: %s", record.Trial.ID, record.Verdict.Error)
	}
	r.take(record, true)
	return r.journal.Append(record)
}
