package postmortem

import (
	"context"
	"fmt"

	"github.com/stratbench/stratbench/internal/host"
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
	free, total, err := host.Room(i.inside.Root())
	if err != nil {
		return row(source, trial.StateUnreadable, err.Error())
	}
	text := fmt.Sprintf("%s of %s", free, total)
	if free >= fullBelow {
		return row(source, trial.StateFree, text)
	}
	return func(r *Report) {
		r.DiskFull = true
		r.add(source, trial.StateFull, text+" free")
	}
}
