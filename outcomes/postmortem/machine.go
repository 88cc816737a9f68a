package postmortem

import (
	"context"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/stratbench/stratbench/internal/trial"
)

func (i *investigation) memory(context.Context) finding {
	const source = trial.SourceMemory
	last, err := i.Machine.Sample()
	if err != nil {
		return row(source, trial.StateUnknown, err.Error())
	}
	var peak trial.Bytes
	var worst float64
	for _, s := range append(i.Samples, last) {
		peak, worst = max(peak, s.Peak()), max(worst, s.Pressure.MemoryFull)
	}
	limit := "no limit"
	if i.MemoryLimit > 0 {
		limit = "the limit " + i.MemoryLimit.String()
	}
	pressure := "the kernel reports no pressure"
	if last.Pressure.Known {
		pressure = fmt.Sprintf("memory full %.0f %% (worst %.0f %%), I/O full %.0f %%", last.Pressure.MemoryFull, worst, last.Pressure.IOFull)
	}
	return func(r *Report) {
		r.count(source, trial.StateInUse, fmt.Sprintf("%s of %s", last.Memory, limit), fmt.Sprintf("peak %s; %s", peak, pressure))
	}
}

// fullBelow is the room under which a disk is as good as full: less than any
// layer of an image.
const fullBelow = 8 << 20

func (i *investigation) disk(context.Context) finding {
	const source = trial.SourceDisk
	if i.inside == nil {
		return row(source, trial.StateNotOurs, "the engine is the user's own")
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(i.inside.Root(), &fs); err != nil {
		return row(source, trial.StateUnreadable, err.Error())
	}
	free := trial.Bytes(int64(fs.Bavail) * int64(fs.Bsize))
	total := trial.Bytes(int64(fs.Blocks) * int64(fs.Bsize))
	text := fmt.Sprintf("%s of %s", free, total)
	if free >= fullBelow {
		return row(source, trial.StateFree, text)
	}
	return func(r *Report) {
		r.DiskFull = true
		r.add(source, trial.StateFull, text+" free")
	}
}
