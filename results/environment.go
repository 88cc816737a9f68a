package results

import (
	"context"
	"runtime"
	"runtime/debug"

	"github.com/stratbench/stratbench/internal/host"
)

// HostEnvironment describes this host and this program. dir is the folder whose
// git revision is recorded: the spec's. What cannot be read is left empty; an
// environment is never invented.
func HostEnvironment(ctx context.Context, dir string) Environment {
	env := Environment{
		Schema:     Schema,
		Stratbench: Version(),
		GoVersion:  runtime.Version(),
		OS:         runtime.GOOS + "/" + runtime.GOARCH,
		Kernel:     host.Kernel(),
		CPUModel:   host.CPUModel(),
		CPUs:       runtime.NumCPU(),
		Memory:     host.Memory(),
		HostID:     host.ID(),
	}
	env.GitRevision, env.GitDirty = host.Revision(ctx, dir)
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "sigs.k8s.io/kind" {
				env.KindVersion = m.Version
			}
		}
	}
	return env
}

// Version is this program's version: that of a release, or one that Go makes of
// the revision it was built from.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return info.Main.Version
}

// HostLoad is how busy the host is now. dir is the folder whose file system's
// free space counts. What cannot be read is left 0.
func HostLoad(dir string) Load {
	now, _ := host.Look()
	free, _, _ := host.Room(dir)
	return Load{
		Load1: now.Load1, MemoryAvailable: now.MemoryAvailable, DiskFree: free,
		Pressure: now.Pressure, CPU: now.CPU, Steal: now.Steal,
	}
}
