//go:build !linux

package postmortem

import (
	"context"

	"github.com/stratbench/stratbench/internal/trial"
)

func (i *investigation) inotify(context.Context) finding {
	return row(trial.SourceInotify, trial.StateUnknown, "it is of Linux alone")
}
