package postmortem

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"

	"github.com/stratbench/stratbench/internal/trial"
)

// inotify asks for one inotify instance more. They are counted by user for the
// whole host: what is left to this user says nothing of another one's engine.
func (i *investigation) inotify(context.Context) finding {
	const source = trial.SourceInotify
	if i.inside == nil {
		return row(source, trial.StateNotOurs, "the engine may be another user's")
	}
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	switch {
	case errors.Is(err, unix.EMFILE):
		return func(r *Report) {
			r.InotifyExhausted = true
			r.add(source, trial.StateExhausted, "the host has no instance left (fs.inotify.max_user_instances)")
		}
	case err != nil:
		return row(source, trial.StateUnknown, err.Error())
	}
	unix.Close(fd)
	return row(source, trial.StateFree, "one instance more could be had")
}
