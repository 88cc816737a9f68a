//go:build !linux

package postmortem

import (
	"context"

	"github.com/stratbench/stratbench/internal/trial"
)

func (i *investigation) inotify(context.Context) Report {
	return only(trial.StateUnknown, "only Linux has it")
}

func (i *investigation) kernel(context.Context) Report {
	return only(trial.StateUnreadable, "its messages are read on Linux alone")
}
