package isolated

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/stratbench/stratbench/internal/host"
	"github.com/stratbench/stratbench/runtimes/machine/cgroup"
)

// checks are what isolated machines need of a host. look returns what it found, or the
// error that explains what is missing.
var checks = []struct {
	name     string
	optional bool
	look     func() (string, error)
	cure     string
}{
	{"root", false, checkRoot, "run stratbench with sudo"},
	{"namespaces", false, checkNamespaces, "run stratbench outside a container, or in a privileged one"},
	{"memory limit", false, checkMemory, "boot with the memory controller on (cgroup_enable=memory), and mount the control groups"},
	{"pressure", true, checkPressure, "boot with psi=1, and on version 1 of the control groups mount version 2 on /sys/fs/cgroup/unified: nothing else shows a hang for want of memory"},
	{"loop devices", true, checkLoop, "modprobe loop; without them, golden states are copied for each trial"},
	{"btrfs", true, checkBtrfs, "modprobe btrfs and install btrfs-progs; without them, golden states are copied for each trial"},
	{"overlay", false, func() (string, error) { return "in the kernel", checkFileSystem("overlay") }, "modprobe overlay: both engines store images with it"},
	{"tar", false, func() (string, error) { return exec.LookPath("tar") }, "install GNU tar: engine roots are unpacked with it"},
	{"inotify", true, checkInotify, "sysctl fs.inotify.max_user_instances=512 fs.inotify.max_user_watches=524288"},
}

// Checks checks everything that an isolated machine needs of this host. It changes
// nothing. Without root's rights it checks nothing else: everything would fail for lack
// of them, which says nothing about the host.
func Checks() (all host.Checks) {
	for _, c := range checks {
		detail, err := c.look()
		if err != nil {
			detail = err.Error()
		}
		all = append(all, host.Check{Name: c.name, OK: err == nil, Detail: detail, Cure: c.cure, Optional: c.optional})
		if c.name == "root" && err != nil {
			break
		}
	}
	return all
}

func checkRoot() (string, error) {
	text := fmt.Sprintf("this is user %d, and isolated machines need root", os.Geteuid())
	if os.Geteuid() != 0 {
		return "", errors.New(text)
	}
	return text, nil
}

// checkNamespaces starts a process in the same namespaces as a machine's.
func checkNamespaces() (string, error) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{initName, "probe", "{}"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: machineNamespaces | unix.CLONE_NEWCGROUP}
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("starting a process in namespaces of its own: %w", err)
	}
	return "mount, pid, net, ipc, uts, cgroup", nil
}

func checkMemory() (string, error) {
	tree, err := cgroup.Find("/proc/self")
	if err != nil {
		return "", err
	}
	if err := tree.Limits(); err != nil {
		return "", err
	}
	text := fmt.Sprintf("control groups of version %d", tree.Version())
	if n := tree.InTheWay(); n > 0 {
		text += fmt.Sprintf("; while there are machines, the %d processes in this container's own group are moved to one below it", n)
	}
	return text, nil
}

func checkPressure() (string, error) {
	if _, err := os.ReadFile("/proc/pressure/memory"); err != nil {
		return "", err
	}
	tree, err := cgroup.Find("/proc/self")
	if err != nil || tree.Unified == "" {
		return "", errors.New("the kernel reports it only for the whole host: no control groups of version 2 are mounted")
	}
	return "per machine, from " + tree.Unified, nil
}

func checkLoop() (string, error) {
	const control = "/dev/loop-control"
	f, err := os.OpenFile(control, os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	return control, f.Close()
}

func checkBtrfs() (string, error) {
	if err := checkFileSystem("btrfs"); err != nil {
		return "", err
	}
	path, err := exec.LookPath("mkfs.btrfs")
	if err != nil {
		return "", errors.New("mkfs.btrfs is not installed")
	}
	return path, nil
}

func checkFileSystem(name string) error {
	fd, err := unix.Fsopen(name, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return fmt.Errorf("asking the kernel for the file system %s: %w", name, err)
	}
	return unix.Close(fd)
}

// checkInotify checks a limit that each Kind node uses up, and that is too low for two
// nodes on many hosts.
func checkInotify() (string, error) {
	const name, need = "/proc/sys/fs/inotify/max_user_instances", 128
	b, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	text := fmt.Sprintf("%d instances, %d are enough for one node", n, need)
	if err != nil || n < need {
		return "", errors.New(text)
	}
	return text, nil
}
