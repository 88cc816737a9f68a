package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/machine"
	"github.com/stratbench/stratbench/runtimes/machine/host"
	"github.com/stratbench/stratbench/runtimes/machine/isolated"
)

// answerLimit is how long an engine may take to answer after its start.
var answerLimit = time.Minute

// lost reports whether the engine must be recovered after a trial with this outcome.
func lost(o trial.Outcome) bool {
	return slices.Contains([]trial.Outcome{trial.EngineCrash, trial.EngineHang, trial.HostExhausted, trial.Storage}, o)
}

// recover takes a lost machine away and starts fresh ones until an engine answers. The
// time that this takes is thus a span of the trial that caused the loss. The fresh machine
// is then closed, because every trial starts its own.
func (x *execution) recover(ctx context.Context, m machine.Machine) {
	var last error
	from, _ := x.states()
	for range lostInARow {
		var fresh machine.Machine
		last = x.within("recovery", func() (err error) {
			if err := x.r.awaitEngine(ctx, x.place); err != nil {
				return err
			}
			if err := x.close(m); err != nil {
				return err
			}
			dir, err := x.r.scratch.sub("recovery-" + x.trial.ID)
			if err != nil {
				return err
			}
			if fresh, err = x.place.start(ctx, x.settings, from, x.trial.ID, dir); err != nil { // as the next trial will
				return err
			}
			return answers(ctx, fresh.WatchEndpoint())
		})
		if fresh != nil {
			var err error
			if last == nil { // what the lost trial's set-up has left is still on an engine of the user's
				err = x.cleanup(ctx, fresh)
			}
			if err := errors.Join(err, x.close(fresh)); err != nil {
				x.r.unclean = append(x.r.unclean, err)
			}
		}
		if last == nil || ctx.Err() != nil {
			return
		}
		if errors.Is(last, ErrUnrecovered) {
			x.r.unrecovered = last
			return
		}
	}
	x.r.unrecovered = fmt.Errorf("%w: %d attempts after %s failed, the last with: %w; %s", ErrUnrecovered, lostInARow, x.trial.ID, last, cure(x.place))
}

// awaitEngine waits for an engine of the user's that does not answer: it may be
// restarting, for example because its package is being upgraded.
func (r *runner) awaitEngine(ctx context.Context, p place) error {
	borrowed, ok := p.(*borrowedPlace)
	if !ok || borrowed.of != machine.Host {
		return nil
	}
	e := borrowed.engine
	err := ping(ctx, e)
	if err == nil || ctx.Err() != nil {
		return nil
	}
	r.report.note("%s at %s does not answer (%v); it may be restarting: waiting for it, up to %s", e.Runtime, e, err, answerLimit)
	began := time.Now()
	if err := answers(ctx, e); ctx.Err() != nil {
		return context.Cause(ctx)
	} else if err != nil {
		return fmt.Errorf("%w: %w; %s", ErrUnrecovered, err, cure(p))
	}
	r.report.note("%s answers again, after %s", e.Runtime, time.Since(began).Round(time.Second/10))
	return nil
}

// awaitFound waits for engines of the user's that are there and do not answer,
// before it is decided where the trials run.
func (r *runner) awaitFound(ctx context.Context) {
	for _, rt := range r.runtimes() {
		said := false
		for began := time.Now(); time.Since(began) < answerLimit && ctx.Err() == nil; time.Sleep(time.Second) {
			_, err := host.Find(ctx, rt)
			if missing, is := errors.AsType[*host.NotFoundError](err); !is || !missing.Restarting() {
				break
			}
			if !said {
				said = true
				r.report.note("%v; it may be restarting: waiting for it, up to %s", err, answerLimit)
			}
		}
	}
}

// cure is what a user can do about an engine that does not come back.
func cure(p place) string {
	if p.kind() == machine.Host {
		return "the engine is your own: start it again (systemctl restart docker, or podman.socket; for a rootless one systemctl --user), then continue with --resume"
	}
	return "see stratbench doctor and the engine's log beside the trial's, then continue with --resume"
}

// answers waits until an engine answers, for at most answerLimit.
func answers(ctx context.Context, engine runtimes.Endpoint) error {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	for {
		err := ping(ctx, engine)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the engine does not answer within %s: %w", answerLimit, errors.Join(err, context.Cause(ctx)))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func ping(ctx context.Context, engine runtimes.Endpoint) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return engine.Ping(ctx)
}

// again is true once the trial goes on after a crash.
func (x *execution) again() bool { return x.record.Crash != nil }

// mayGoOn reports whether the trial is to go on: its engine was lost while images
// were built or the cluster was created, whichever phase beside them noticed it first, its
// setting asks for it, and stratbench may start the machine again.
func (x *execution) mayGoOn(m machine.Machine) bool {
	_, ours := m.(*isolated.Machine)
	return ours && x.settings.OnCrash == trial.CrashSerial && !x.preparing() && x.workload.Setup == nil && lostInSetup(x.record.Verdict, x.trace.Built())
}

// lostInSetup reports whether an engine crashed or hung in a phase that may be done
// again: the cluster and the builds, and until all is built what runs beside them. A machine
// that only waits for memory counts as hung.
func lostInSetup(v trial.Verdict, built bool) bool {
	beside := !built && (v.Phase == trial.PhaseLoad || v.Phase == trial.PhaseDeploy)
	if v.Phase != trial.PhaseCluster && v.Phase != trial.PhaseBuild && !beside {
		return false
	}
	starved := v.Cause == trial.CauseMemoryThrashing || v.Cause == trial.CauseMemoryStarved
	return v.Outcome == trial.EngineCrash || v.Outcome == trial.EngineHang || v.Outcome == trial.HostExhausted && starved
}

// goOn starts the machine again with what is on its disk and has the set-up finished
// there, one image at a time. It returns the machine on which the trial ended. If the
// machine cannot be started, or nothing can be done on it, the trial ended with the crash.
func (x *execution) goOn(ctx context.Context, m machine.Machine) machine.Machine {
	crash := x.record.Verdict
	x.keepAttempt(crash)
	x.endServed() // it is served at an address of the lost machine
	var fresh *isolated.Machine
	err := x.within("recovery", func() (err error) {
		ctx, cancel := context.WithTimeout(ctx, time.Duration(x.spec.Limits.Teardown)+answerLimit)
		defer cancel()
		fresh, err = m.(*isolated.Machine).Restart(ctx)
		return err
	})
	if err != nil {
		if ctx.Err() != nil { // a user's interruption is no failure of the strategy
			x.record.Verdict = notMeasured(ctx, fmt.Errorf("starting the machine again: %w", err))
		}
		return m
	}
	x.lost = append(x.lost, m)
	x.record.Crash = &crash
	if err := x.onMachine(ctx, fresh); err != nil && ctx.Err() == nil {
		x.record.Verdict, x.record.Crash = crash, nil // the crash itself is measured
		x.log.line(x.clock.Elapsed(), "runner", "the set-up cannot go on: "+err.Error())
	}
	return fresh
}

// keepAttempt records what the worker of a lost engine reported, and resets the
// execution for another worker.
func (x *execution) keepAttempt(crash trial.Verdict) {
	now := x.clock.Elapsed()
	spans := x.trace.Spans(now)
	if len(spans) > 0 {
		x.began = spans[0].Start
	}
	at := now
	for _, e := range crash.Evidence {
		if e.Rule == trial.RuleWatch && e.At > 0 {
			at = min(at, e.At)
		}
	}
	text := string(crash.Outcome)
	if crash.Cause != "" {
		text += ", cause " + string(crash.Cause)
	}
	x.own = append(x.own, spans...)
	x.own = append(x.own, trial.Span{Name: "crash", Phase: crash.Phase, Start: at, End: now, Error: text})
	x.record.Observed = append(x.record.Observed, x.trace.Seen...)
	if n := len(x.record.Samples); n > 0 {
		x.before = x.record.Samples[n-1]
	}
	x.before.At = now
	x.trace = pipeline.Trace{}
	x.fault, x.workerError = nil, nil
	x.log.line(now, "runner", "the set-up goes on after "+text+": the machine is started again, and images are built one at a time")
}

// after adds the totals of the machine before to a sample of a machine that was
// started again.
func after(before, s trial.Sample) trial.Sample {
	s.CPU += before.CPU
	s.Read += before.Read
	s.Written += before.Written
	s.OOMKills += before.OOMKills
	s.Pressure.MemorySomeTotal += before.Pressure.MemorySomeTotal
	s.Pressure.MemoryFullTotal += before.Pressure.MemoryFullTotal
	return s
}

// samples are those of the machine on which the trial is now, with its own kills only.
func (x *execution) samples() []trial.Sample {
	i := slices.IndexFunc(x.record.Samples, func(s trial.Sample) bool { return s.At >= x.before.At })
	if i < 0 {
		return nil
	}
	own := slices.Clone(x.record.Samples[i:])
	for i := range own {
		own[i].OOMKills -= x.before.OOMKills
	}
	return own
}
