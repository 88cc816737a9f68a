package postmortem

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"
)

// inotify asks for one inotify instance more. They are counted by user for the
// whole host: what is left to this user says nothing of another one's engine.
func (i *investigation) inotify(context.Context) finding {
	const source = "inotify"
	if i.inside == nil {
		return row(source, "not ours to see", "the engine may be another user's")
	}
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	switch {
	case errors.Is(err, unix.EMFILE):
		return func(r *Report) {
			r.InotifyExhausted = true
			r.add(source, "exhausted", "the host has no instance left (fs.inotify.max_user_instances)")
		}
	case err != nil:
		return row(source, "not known", err.Error())
	}
	unix.Close(fd)
	return row(source, "free", "one instance more could be had")
}
