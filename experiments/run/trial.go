package run

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/stratbench/stratbench/experiments/run/inject"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/outcomes/watch"
	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/runtimes/connect"
	"github.com/stratbench/stratbench/runtimes/machine"
	"github.com/stratbench/stratbench/runtimes/machine/isolated"
)

// execution is one trial under way.
type execution struct {
	resolved
	r           *runner
	place       place
	trial       trial.Trial
	do          pipeline.Task
	record      results.Record
	clock       pipeline.Clock
	origin      int64
	log         *trialLog
	trace       pipeline.Trace
	workerError error
	workerEnded trial.Seconds
	watch       *watch.Watch
	// fault breaks something on purpose; nil in all but trials with a fault.
	fault *inject.Injector
	// ledger is what the trial owes to an engine of the user's; nil on an isolated
	// machine.
	ledger *ledger
	beside beside
	// tunnelBroken receives why the tunnel to the engine's host ended; nil for a trial
	// that has none.
	tunnelBroken <-chan error
	// cfg is the worker's configuration; nil before there is one.
	cfg *pipeline.Config
	// memory sends readings of the machine's memory to the worker.
	memory memoryFeed
	// ends end what the runner serves for the worker and the tunnel, in reverse order.
	ends []func()
	// own are the spans that the runner measured, and those of a worker whose
	// engine was lost.
	own []trial.Span
	// For a trial that goes on after a crash: when its set-up began, the last
	// sample before the crash, and the lost machines.
	began  trial.Seconds
	before trial.Sample
	lost   []machine.Machine
}

// execute runs one trial, from the golden state until nothing of it is left, and returns
// its record, whatever happened.
func (r *runner) execute(ctx context.Context, c resolved, t trial.Trial, do pipeline.Task) (results.Record, error) {
	text, _ := json.Marshal(c.settings) // was read from JSON
	dir, attempt, err := r.journal.TrialDir(t.ID)
	if err != nil {
		return results.Record{}, err
	}
	log, err := openTrialLog(filepath.Join(r.journal.Dir(), dir, "log.txt"), secretsOf(c))
	if err != nil {
		return results.Record{}, err
	}
	debug.FreeOSMemory() // what the reference or the last trial took is not to be held beside this one
	origin := pipeline.Now()
	x := &execution{
		resolved: c, r: r, place: r.places[c.settings.Runtime], trial: t, do: do, log: log, origin: origin, clock: pipeline.NewClock(origin),
		record: results.Record{
			RunID: r.env.RunID, Kind: cmp.Or(preparations[do].kind, results.KindTrial), Trial: t, Settings: text, Started: time.Now(),
			Attempt: attempt, Previous: r.previous, Load: results.HostLoad(r.journal.Dir()),
			Log: filepath.Join(dir, "log.txt"), Spans: []trial.Span{}, Samples: []trial.Sample{},
			Tests: []trial.TestResult{}, Images: []results.Image{}, Silences: []trial.Silence{},
		},
	}
	x.run(ctx)
	x.finish(ctx)
	record, err := log.secrets.hideIn(x.record)
	// A trial whose log could not be written is not recorded, and done again.
	return record, errors.Join(err, log.Close())
}

// preparing is true for a preparation of what trials start from.
func (x *execution) preparing() bool { return x.do != pipeline.Trial }

// states returns the kept state from which the machine starts, empty for a machine with
// neither a cluster nor a build cache from before, and the state as which a preparation
// keeps its disk, if any.
func (x *execution) states() (from, kept string) {
	prebooted, cache := x.r.prebooted[x.Key()], ""
	if x.settings.Build.Warm() && x.settings.Build.Cache == trial.CacheLocal {
		cache = cacheState(x.r.caches[x.Key()])
	}
	switch x.do {
	case pipeline.Preboot:
		return "", prebooted
	case pipeline.Trial:
		return cmp.Or(cache, prebooted), ""
	}
	return prebooted, cache
}

// within runs work in a span of the runner's own.
func (x *execution) within(name string, work func() error) error {
	s := trial.Span{Name: name, Start: x.clock.Elapsed()}
	x.log.span(s.Start, "runner", ">", s)
	err := work()
	if s.End = x.clock.Elapsed(); err != nil {
		s.Error = err.Error()
	}
	x.log.span(s.End, "runner", "<", s)
	x.own = append(x.own, s)
	return err
}

// run starts a machine, works the trial on it and takes it down.
func (x *execution) run(ctx context.Context) {
	x.record.Machine.Kind = string(x.place.kind())
	defer x.endServed() // after the command that undoes a set-up
	from, _ := x.states()
	var m machine.Machine
	err := x.within("machine", func() (err error) {
		m, err = x.place.start(ctx, x.settings, from, x.trial.ID, filepath.Dir(x.r.log(x.record)))
		return err
	})
	if err != nil {
		x.record.Verdict = notMeasured(ctx, fmt.Errorf("starting a machine: %w", err))
		return
	}
	if b, ok := m.(*borrowed); ok {
		x.ledger = b.ledger
	}
	x.onMachine(ctx, m)
	if x.mayGoOn(m) {
		m = x.goOn(ctx, m)
	}
	if lost(x.record.Verdict.Outcome) {
		x.recover(ctx, m)
		return
	}
	x.keep(ctx, m)
	err = x.within("teardown", func() error {
		return errors.Join(x.r.awaitEngine(ctx, x.place), x.cleanup(ctx, m), x.close(m))
	})
	switch {
	case errors.Is(err, ErrUnrecovered):
		x.r.unrecovered = err
	case err != nil:
		x.r.unclean = append(x.r.unclean, err)
	}
}

// cleanup runs the user's command that undoes a set-up on an engine of the user's, even if
// the run was cancelled. A failure is only a note, because what the trial made is taken
// away in any case.
func (x *execution) cleanup(ctx context.Context, m machine.Machine) error {
	s := x.workload.Setup
	if s == nil || len(s.Cleanup) == 0 || x.place.kind() == machine.Isolated || x.cfg == nil {
		return nil
	}
	cfg := *x.cfg
	cfg.Task = taskCleanup
	if err := x.work(context.WithoutCancel(ctx), m, job{Config: cfg, Origin: x.origin}); err != nil {
		return err
	}
	if x.workerError != nil {
		x.r.report.note("%s: the command that cleans up failed; see %s", x.trial.ID, x.r.log(x.record))
	}
	return nil
}

// close takes the trial's machines down, even if the run was cancelled.
func (x *execution) close(m machine.Machine) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(x.spec.Limits.Teardown))
	defer cancel()
	err := m.Close(ctx)
	for _, l := range x.lost {
		err = errors.Join(err, l.Close(ctx))
	}
	return err
}

// keep keeps the disk of a preparation's machine on which a cluster was made, or the
// engine's own build cache filled.
func (x *execution) keep(ctx context.Context, m machine.Machine) {
	_, state := x.states()
	if state == "" || x.record.Verdict.Outcome != trial.OK {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(x.spec.Limits.Teardown))
	defer cancel()
	err := x.within("keep", func() error { return m.(*isolated.Machine).Keep(ctx, state) })
	if err != nil {
		x.record.Verdict = notMeasured(ctx, err)
	}
}

// onMachine has a worker run the pipeline on the machine and decides the verdict. The
// error is stratbench's own: the trial was not measured there.
func (x *execution) onMachine(ctx context.Context, m machine.Machine) error {
	defer x.endFault()
	if err := x.workOn(ctx, m); err != nil {
		x.record.Verdict = notMeasured(ctx, err)
		return err
	}
	x.conclude(ctx, m)
	return nil
}

// endServed ends what was served for a worker.
func (x *execution) endServed() {
	for _, end := range slices.Backward(x.ends) {
		end()
	}
	x.ends = nil
}

// workOn has a worker run the pipeline while the machine is sampled and the trial
// is watched. The error is stratbench's own: the trial was not measured.
func (x *execution) workOn(ctx context.Context, m machine.Machine) error {
	if err := x.describe(ctx, m); err != nil {
		return err
	}
	cfg, err := x.config(ctx, m)
	if err != nil {
		return err
	}
	x.record.Machine.NodeImage = cfg.NodeImage
	for _, i := range slices.Concat(cfg.Images, cfg.Common) {
		owed := debt{Builds: []string{i.Build, i.BuildAgain()}}
		if i.Ref != "" { // a common stage has no name
			owed.Names = []string{i.Ref}
		}
		if err := x.ledger.add(owed); err != nil {
			return err
		}
	}
	if err := x.prepareFault(m, &cfg); err != nil {
		return err
	}
	x.cfg = &cfg
	x.startWatch(m, cfg)
	stopSampling := x.sample(m)
	defer stopSampling()
	if err := x.work(ctx, m, job{Config: cfg, Origin: x.origin}); err != nil {
		for _, f := range x.watch.Stop() {
			x.record.Observed = append(x.record.Observed, f.Evidence())
		}
		return err
	}
	return nil
}

// describe records what the engine is, as it answers the runner.
func (x *execution) describe(ctx context.Context, m machine.Machine) error {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(x.spec.Limits.Describe))
	defer cancel()
	info, err := connect.Info(ctx, m.WatchEndpoint())
	if err != nil {
		return err
	}
	to := &x.record.Machine
	to.Runtime, to.EngineVersion, to.APIVersion = string(info.Runtime), info.Version, info.APIVersion
	to.Builder, to.StorageDriver, to.CgroupVersion, to.CPUs = info.Builder, info.StorageDriver, info.CgroupVersion, info.CPUs
	to.Rootless = info.Rootless
	to.MemoryLimit, to.Memory, to.Boot = x.settings.Memory, info.Memory, m.Boot(ctx)
	return nil
}

// sample reads the machine each second until stop is called.
func (x *execution) sample(m machine.Machine) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	var failed error
	done.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			s, err := m.Sample()
			if failed = err; err == nil {
				s.At = x.clock.Elapsed()
				x.memory.take(s)
				s = after(x.before, s)
				x.record.Samples = append(x.record.Samples, s)
				x.watch.Sample(s)
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
	return func() {
		cancel()
		done.Wait()
		if len(x.record.Samples) == 0 && failed != nil {
			e := trial.Evidence{Source: trial.SourceMemory, State: trial.StateUnknown, Text: failed.Error(), At: x.clock.Elapsed()}
			x.record.Observed = append(x.record.Observed, e)
		}
	}
}

// finish completes the record from what the worker reported.
func (x *execution) finish(ctx context.Context) {
	x.record.Elapsed = x.clock.Elapsed()
	x.noteClockSet(time.Now())
	x.record.Spans = append(x.own, x.trace.Spans(x.record.Elapsed)...)
	slices.SortStableFunc(x.record.Spans, func(a, b trial.Span) int { return cmp.Compare(a.Start, b.Start) })
	x.record.Tests = append(x.record.Tests, x.trace.Tests...)
	x.record.Observed = append(x.record.Observed, x.trace.Seen...)
	x.record.Silences = append(x.record.Silences, x.log.silent(x.record.Spans)...)
	if result := x.trace.Result; result != nil {
		x.record.Setup = result.Setup
		x.record.Machine.NodeProvider, x.record.Machine.ClusterAge = string(result.NodeProvider), result.ClusterAge
		for _, i := range result.Images {
			x.record.Images = append(x.record.Images, results.Image{Name: i.Name, Ref: i.Ref, ID: string(i.ID)})
		}
	}
	if x.record.Verdict.Error != "" {
		x.log.line(x.record.Elapsed, "runner", string(x.record.Verdict.Outcome)+": "+x.record.Verdict.Error)
	}
}

// clockSlack is how far the wall clock may differ from the monotonic one before it
// counts as set: more than a clock is slewed during a trial.
const clockSlack = time.Second

// noteClockSet records that the wall clock was set during the trial, or went on
// while the host slept and the monotonic clock stood still.
func (x *execution) noteClockSet(now time.Time) {
	walled := now.Round(0).Sub(x.record.Started.Round(0)) // without the monotonic reading
	set := walled - x.record.Elapsed.Duration()
	if set.Abs() < clockSlack {
		return
	}
	x.record.ClockSet = new(trial.Seconds(set))
	note := fmt.Sprintf("the wall clock moved by %s against the time that passed: it was set, or the host slept", set.Round(time.Second/10))
	x.log.line(x.record.Elapsed, "runner", note)
	x.r.report.note("%s: %s", x.trial.ID, note)
}

// notMeasured is the verdict of a trial that stratbench could not measure.
func notMeasured(ctx context.Context, err error) trial.Verdict {
	v := trial.Verdict{Outcome: trial.RunnerFault, Confidence: 1, Error: err.Error()}
	if ctx.Err() != nil {
		v.Outcome = trial.Cancelled
		v.Error = errors.Join(context.Cause(ctx), err).Error()
	}
	return v
}
