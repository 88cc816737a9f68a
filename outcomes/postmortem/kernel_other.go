//go:build !linux

package postmortem

import (
	"context"

	"github.com/stratbench/stratbench/internal/trial"
)

func (i *investigation) kernel(context.Context) finding {
	return row(trial.SourceKernel, trial.StateUnreadable, "they are read on Linux alone")
}
