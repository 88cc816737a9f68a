package run

import (
	"context"
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/runtimes/machine"
	"github.com/stratbench/stratbench/runtimes/machine/isolated"
)

// again is true once the trial goes on after a crash.
func (x *execution) again() bool { return x.record.Crash != nil }

// mayGoOn reports whether the trial is to go on: its engine was lost while
// images were built or the cluster was created, its setting asks for it, and
// the machine is one that stratbench may start again.
func (x *execution) mayGoOn(ctx context.Context, m machine.Machine) bool {
	_, ours := m.(*isolated.Machine)
	return ours && ctx.Err() == nil && x.settings.OnCrash == trial.CrashSerial && !x.preparing() && x.workload.Setup == nil && lostInSetup(x.record.Verdict)
}

// lostInSetup is true of an engine that crashed or hung in the phases that may
// be done again. A machine that does nothing but wait for memory hangs.
func lostInSetup(v trial.Verdict) bool {
	if v.Phase != trial.PhaseCluster && v.Phase != trial.PhaseBuild {
		return false
	}
	starved := v.Cause == trial.CauseMemoryThrashing || v.Cause == trial.CauseMemoryStarved
	return v.Outcome == trial.EngineCrash || v.Outcome == trial.EngineHang || v.Outcome == trial.HostExhausted && starved
}

// goOn starts the machine again with what is on its disk and has the set-up
// finished there, one image at a time. It returns the machine that the trial
// ended on; where it cannot be started, the crash is how the trial ended.
func (x *execution) goOn(ctx context.Context, place place, m machine.Machine) machine.Machine {
	crash := x.record.Verdict
	x.keepAttempt(crash)
	var fresh *isolated.Machine
	err := x.within("recovery", func() (err error) {
		fresh, err = m.(*isolated.Machine).Restart(ctx)
		return err
	})
	if err != nil {
		return m
	}
	x.lost = append(x.lost, m)
	x.record.Crash = &crash
	x.onMachine(ctx, place, fresh)
	return fresh
}

// keepAttempt takes what the worker of a lost engine reported into the record,
// and makes room for another one.
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
	x.record.Observed = append(x.record.Observed, x.trace.Seen()...)
	if n := len(x.record.Samples); n > 0 {
		x.before = x.record.Samples[n-1]
	}
	x.before.At = now
	x.trace = pipeline.Trace{}
	x.fault, x.workerError = nil, nil
	x.log.line(now, "runner", "the set-up goes on after "+text+": the machine is started again, and images are built one at a time")
}

// after is a sample of a machine that was started again, with the totals of the
// one before.
func after(before, s trial.Sample) trial.Sample {
	s.CPU += before.CPU
	s.Read += before.Read
	s.Written += before.Written
	s.OOMKills += before.OOMKills
	s.MemoryPeak = max(s.MemoryPeak, before.MemoryPeak)
	s.Pressure.MemorySomeTotal += before.Pressure.MemorySomeTotal
	s.Pressure.MemoryFullTotal += before.Pressure.MemoryFullTotal
	return s
}

// samples are those of the machine that the trial is on now.
func (x *execution) samples() []trial.Sample {
	i := slices.IndexFunc(x.record.Samples, func(s trial.Sample) bool { return s.At >= x.before.At })
	if i < 0 {
		return nil
	}
	return x.record.Samples[i:]
}
