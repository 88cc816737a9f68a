package run

import (
	"context"
	"errors"
	"fmt"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes/machine"
)

// notMeasured is the verdict on a trial that stratbench could not measure.
func notMeasured(ctx context.Context, err error) trial.Verdict {
	v := trial.Verdict{Outcome: trial.RunnerFault, Confidence: 1, Error: err.Error()}
	if ctx.Err() != nil {
		v.Outcome = trial.Cancelled
		v.Error = errors.Join(context.Cause(ctx), err).Error()
	}
	return v
}

// verdict is what the worker's report and the machine say of the trial.
func (x *execution) verdict(ctx context.Context, m machine.Machine) trial.Verdict {
	result, reported := x.trace.Result()
	switch {
	case ctx.Err() != nil:
		return trial.Verdict{Outcome: trial.Cancelled, Phase: x.trace.Running(), Confidence: 1, Error: context.Cause(ctx).Error()}
	case reported:
		return withEngine(result.Verdict(), m, x.clock.Elapsed())
	}
	v := trial.Verdict{Outcome: trial.RunnerFault, Phase: x.trace.Running(), Confidence: 1,
		Error: fmt.Sprintf("the worker ended without a result: %v", x.workerError)}
	return withEngine(v, m, x.clock.Elapsed())
}

// withEngine adds what the machine knows of its engine: when its process has
// ended, a failure has its cause there, whatever the client made of it.
func withEngine(v trial.Verdict, m machine.Machine, at trial.Seconds) trial.Verdict {
	select {
	case <-m.EngineExited():
	default:
		return v
	}
	v.Evidence = append(v.Evidence, trial.Evidence{Source: "engine process", State: "ended", Text: m.Exit(), At: at})
	if v.Outcome != trial.OK {
		v.Outcome, v.Cause, v.Confidence = trial.EngineCrash, m.Exit(), 1
	}
	return v
}

// lost says whether an outcome leaves the engine behind in a state that must
// be recovered from.
func lost(o trial.Outcome) bool {
	switch o {
	case trial.EngineCrash, trial.EngineHang, trial.HostExhausted, trial.Storage:
		return true
	}
	return false
}
