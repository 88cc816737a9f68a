package run

import (
	"context"
	"errors"

	"github.com/stratbench/stratbench/internal/trial"
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
