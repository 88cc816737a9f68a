//go:build !linux

package postmortem

import "context"

func (i *investigation) inotify(context.Context) finding {
	return row("inotify", "not known", "it is of Linux alone")
}
