// Package host reads this host: what it is, what it is doing, whether it has what is
// needed, its processes and locks. It changes nothing but lock files. What a system does not report is empty
// or 0, and never invented.
package host

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"

	"github.com/stratbench/stratbench/internal/trial"
)

// Check is the result of looking at one thing that something needs of this host.
type Check struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Detail is what was found.
	Detail string `json:"detail"`
	// Cure is what to do if it is not OK.
	Cure string `json:"cure,omitempty"`
	// Optional is true if there is a way without it, though not as good a one.
	Optional bool `json:"optional,omitempty"`
}

// Checks are those of one purpose.
type Checks []Check

// Missing returns the failed checks of what cannot be done without.
func (all Checks) Missing() Checks {
	return slices.DeleteFunc(slices.Clone(all), func(c Check) bool { return c.OK || c.Optional })
}

// Kernel is the release of the kernel.
func Kernel() string {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return ""
	}
	return unix.ByteSliceToString(name.Release[:])
}

// CPUModel is the first processor's own name.
func CPUModel() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	out, _ := exec.Command("sysctl", "-n", "machdep.cpu.brand_string").Output()
	return strings.TrimSpace(string(out))
}

// Memory is how much memory the host has.
func Memory() trial.Bytes {
	if proc, err := procfs.NewDefaultFS(); err == nil {
		if mem, err := proc.Meminfo(); err == nil && mem.MemTotalBytes != nil {
			return trial.Bytes(*mem.MemTotalBytes)
		}
	}
	out, _ := exec.Command("sysctl", "-n", "hw.memsize").Output()
	n, _ := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	return trial.Bytes(n)
}

// NameVariable is the environment variable whose value, if set, stands for the host,
// so that machines which are created each night and are alike share a history.
const NameVariable = "STRATBENCH_HOST"

// ID distinguishes hosts without naming them: the first part of a hash of the
// machine-id, or of the host's name if there is none.
func ID() string {
	id, err := os.ReadFile("/etc/machine-id")
	if err != nil || len(bytes.TrimSpace(id)) == 0 {
		name, _ := os.Hostname()
		id = []byte(name)
	}
	if name := os.Getenv(NameVariable); name != "" {
		id = []byte("named " + name)
	}
	sum := sha256.Sum256(append([]byte("stratbench host "), bytes.TrimSpace(id)...))
	return hex.EncodeToString(sum[:6])
}

// Revision is the git revision of the sources in a folder, and whether they
// differ from it. It is empty without git, and outside of a repository.
func Revision(ctx context.Context, dir string) (revision string, dirty bool) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	head, err := exec.CommandContext(ctx, "git", "-C", dir, "rev-parse", "HEAD").Output()
	if err != nil {
		return "", false
	}
	status, err := exec.CommandContext(ctx, "git", "-C", dir, "status", "--porcelain").Output()
	return strings.TrimSpace(string(head)), err != nil || len(bytes.TrimSpace(status)) > 0
}

// RoomFor is how much a user may still write to a folder. For a folder that does not exist
// yet, it is the room of the nearest parent that does.
func RoomFor(dir string) (free trial.Bytes, err error) {
	free, _, err = Room(dir)
	for err != nil && filepath.IsAbs(dir) && dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir)
		free, _, err = Room(dir)
	}
	return free, err
}

// Room is how much a user may still write below a folder, and how much the file
// system holds.
func Room(dir string) (free, total trial.Bytes, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, 0, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	block := int64(s.Bsize)
	return trial.Bytes(int64(s.Bavail) * block), trial.Bytes(int64(s.Blocks) * block), nil
}

// UnprivilegedPort is the first port at which programs without root's rights may listen; 0
// where all may, or it is not known.
func UnprivilegedPort() int {
	text, _ := os.ReadFile("/proc/sys/net/ipv4/ip_unprivileged_port_start")
	port, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return port
}

// Booted is when this host was started; zero if the system does not report it.
func Booted() time.Time {
	if proc, err := procfs.NewDefaultFS(); err == nil {
		if stat, err := proc.Stat(); err == nil {
			return time.Unix(int64(stat.BootTime), 0)
		}
	}
	return time.Time{}
}

// Began is when a process began, in the kernel's ticks since the host started.
// Process numbers are used again, so a process is identified by both.
func Began(pid int) (string, error) {
	proc, err := procfs.NewProc(pid)
	if err != nil {
		return "", err
	}
	stat, err := proc.Stat()
	if err != nil {
		return "", err
	}
	return strconv.FormatUint(stat.Starttime, 10), nil
}

// Alive reports whether there is a process of that number.
func Alive(pid int) bool {
	return pid > 0 && !errors.Is(unix.Kill(pid, 0), unix.ESRCH)
}
