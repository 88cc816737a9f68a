package postmortem

import (
	"context"
	"fmt"
	"strings"

	"github.com/stratbench/stratbench/internal/host"
	"github.com/stratbench/stratbench/internal/trial"
)

func (i *investigation) memory(context.Context) Report {
	last, err := i.Machine.Sample()
	if err != nil {
		return only(trial.StateUnknown, err.Error())
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
	return measured(trial.StateInUse, fmt.Sprintf("%s of %s", last.Memory, limit), fmt.Sprintf("peak %s; %s", peak, pressure))
}

func (i *investigation) kills(context.Context) Report {
	counted := int64(0)
	for _, s := range i.Samples {
		counted = max(counted, s.OOMKills)
	}
	if i.inside == nil {
		return only(trial.StateNamesUnknown, fmt.Sprintf("%d kills counted", counted))
	}
	var names []string
	for _, k := range i.inside.OOMKills() {
		names = append(names, fmt.Sprintf("%s (process %d)", k.Name, k.PID))
	}
	if counted = max(counted, int64(len(names))); counted == 0 {
		return only(trial.StateNone, "the kernel killed nobody for want of memory")
	}
	return measured(trial.StateKilled, fmt.Sprintf("%d in all", counted), strings.Join(names, ", "))
}

// fullBelow is the room under which a disk is as good as full: less than any
// layer of an image.
const fullBelow = 8 << 20

func (i *investigation) disk(context.Context) Report {
	if i.inside == nil {
		return only(trial.StateNotOurs, "the engine is the user's own")
	}
	free, total, err := host.Room(i.inside.Root())
	if err != nil {
		return only(trial.StateUnreadable, err.Error())
	}
	text := fmt.Sprintf("%s of %s", free, total)
	if free >= fullBelow {
		return only(trial.StateFree, text)
	}
	return only(trial.StateFull, text+" free")
}
