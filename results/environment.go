package results

import (
	"context"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/stratbench/stratbench/internal/host"
)

// ReadEnvironment reads the environment of the run in the folder dir.
func ReadEnvironment(dir string) (env Environment, err error) {
	return env, readJSON(dir, EnvironmentFile, &env)
}

// HostEnvironment reads what is known of this host and this program. dir is
// the folder whose git revision is recorded: the spec's. What cannot be read
// is left empty; an environment is never invented.
func HostEnvironment(ctx context.Context, dir string) Environment {
	env := Environment{
		Schema:    Schema,
		GoVersion: runtime.Version(),
		OS:        runtime.GOOS + "/" + runtime.GOARCH,
		Kernel:    host.Kernel(),
		CPUModel:  host.CPUModel(),
		CPUs:      runtime.NumCPU(),
		Memory:    host.Memory(),
		HostID:    host.ID(),
	}
	env.GitRevision, env.GitDirty = host.Revision(ctx, dir)
	env.Stratbench = Version()
	if info, ok := debug.ReadBuildInfo(); ok {
		env.KindVersion = moduleVersion(info, "sigs.k8s.io/kind")
	}
	return env
}

// Version is that of this program: a release's, or the revision that it was
// built from; empty where neither is known.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	version, dirty := info.Main.Version, ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && (version == "" || version == "(devel)"):
			version = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+dirty"
		}
	}
	return strings.TrimSuffix(version, dirty) + dirty
}

func moduleVersion(info *debug.BuildInfo, path string) string {
	for _, m := range info.Deps {
		if m.Path == path {
			return m.Version
		}
	}
	return ""
}

// HostLoad reads how busy the host is now. dir is the folder whose file
// system's free space counts. What cannot be read is left 0.
func HostLoad(dir string) Load {
	now, _ := host.Look()
	free, _, _ := host.Room(dir)
	return Load{
		Load1: now.Load1, MemoryAvailable: now.MemoryAvailable, DiskFree: free,
		Pressure: now.Pressure, CPU: now.CPU, Steal: now.Steal,
	}
}
