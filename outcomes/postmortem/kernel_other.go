//go:build !linux

package postmortem

import "context"

func (i *investigation) kernel(context.Context) finding {
	return row("kernel messages", "cannot be read", "they are read on Linux alone")
}
