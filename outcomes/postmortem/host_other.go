//go:build !linux

package postmortem

import (
	"context"

	"github.com/stratbench/stratbench/internal/trial"
)

func (i *investigation) inotify(context.Context) Report {
	return only(trial.StateUnknown, "only Linux has inotify")
}

func (i *investigation) kernel(context.Context) Report {
	return only(trial.StateUnreadable, "kernel messages are read only on Linux")
}
