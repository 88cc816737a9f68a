package results

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/procfs"

	"github.com/stratbench/stratbench/internal/trial"
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
		Kernel:    kernel(),
		CPUModel:  cpuModel(),
		CPUs:      runtime.NumCPU(),
		Memory:    HostMemory(),
		HostID:    hostID(),
	}
	env.GitRevision, env.GitDirty = gitRevision(ctx, dir)
	if info, ok := debug.ReadBuildInfo(); ok {
		env.Stratbench = buildVersion(info)
		env.KindVersion = moduleVersion(info, "sigs.k8s.io/kind")
	}
	return env
}

func buildVersion(info *debug.BuildInfo) string {
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

func gitRevision(ctx context.Context, dir string) (revision string, dirty bool) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	head, err := exec.CommandContext(ctx, "git", "-C", dir, "rev-parse", "HEAD").Output()
	if err != nil {
		return "", false
	}
	status, err := exec.CommandContext(ctx, "git", "-C", dir, "status", "--porcelain").Output()
	return strings.TrimSpace(string(head)), err != nil || len(bytes.TrimSpace(status)) > 0
}

func kernel() string {
	if b, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		return strings.TrimSpace(string(b))
	}
	out, _ := exec.Command("uname", "-r").Output()
	return strings.TrimSpace(string(out))
}

// HostMemory returns the host's memory, or 0 where it cannot be read.
func HostMemory() trial.Bytes {
	if proc, err := procfs.NewDefaultFS(); err == nil {
		if mem, err := proc.Meminfo(); err == nil && mem.MemTotalBytes != nil {
			return trial.Bytes(*mem.MemTotalBytes)
		}
	}
	out, _ := exec.Command("sysctl", "-n", "hw.memsize").Output()
	n, _ := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	return trial.Bytes(n)
}

// HostVariable names a variable of the environment. Set, its value stands for
// the host: machines that are made anew each night and are known to be alike
// then share a history.
const HostVariable = "STRATBENCH_HOST"

// hostID tells hosts apart without naming them: the first part of a hash of
// the machine-id, or of the host's name where there is none.
func hostID() string {
	id, err := os.ReadFile("/etc/machine-id")
	if err != nil || len(bytes.TrimSpace(id)) == 0 {
		name, _ := os.Hostname()
		id = []byte(name)
	}
	if name := os.Getenv(HostVariable); name != "" {
		id = []byte("named " + name)
	}
	sum := sha256.Sum256(append([]byte("stratbench host "), bytes.TrimSpace(id)...))
	return hex.EncodeToString(sum[:6])
}

// HostLoad reads how busy the host is now. dir is the folder whose file
// system's free space counts.
func HostLoad(dir string) Load {
	load := Load{DiskFree: diskFree(dir)}
	proc, err := procfs.NewDefaultFS()
	if err != nil {
		return load
	}
	if avg, err := proc.LoadAvg(); err == nil {
		load.Load1 = avg.Load1
	}
	if mem, err := proc.Meminfo(); err == nil && mem.MemAvailableBytes != nil {
		load.MemoryAvailable = trial.Bytes(*mem.MemAvailableBytes)
	}
	load.Pressure = hostPressure(proc)
	load.CPU, load.Steal = hostTime(proc)
	return load
}

func hostTime(proc procfs.FS) (all, steal trial.Seconds) {
	stat, err := proc.Stat()
	if err != nil {
		return 0, 0
	}
	t := stat.CPUTotal
	// The time of guests is in that of their users already.
	total := t.User + t.Nice + t.System + t.Idle + t.Iowait + t.IRQ + t.SoftIRQ + t.Steal
	return trial.Seconds(total * 1e9), trial.Seconds(t.Steal * 1e9)
}

func hostPressure(proc procfs.FS) trial.Pressure {
	cpu, errCPU := proc.PSIStatsForResource("cpu")
	memory, errMemory := proc.PSIStatsForResource("memory")
	io, errIO := proc.PSIStatsForResource("io")
	if errors.Join(errCPU, errMemory, errIO) != nil {
		return trial.Pressure{}
	}
	return trial.Pressure{
		Known:      true,
		CPUSome:    cpu.Some.Avg10,
		MemorySome: memory.Some.Avg10,
		MemoryFull: memory.Full.Avg10,
		IOSome:     io.Some.Avg10,
		IOFull:     io.Full.Avg10,
	}
}
