package isolated

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"github.com/stratbench/stratbench/runtimes/machine/cgroup"
	"golang.org/x/sys/unix"
)

// Checks looks at all that an isolated machine needs of this host. It changes
// nothing. Without the rights of root the rest would fail for want of them, and
// say nothing of the host: then it is not looked at.
func Checks() []Check {
	root := checkRoot()
	if !root.OK {
		return []Check{root}
	}
	return []Check{
		root, checkNamespaces(), checkMemory(), checkPressure(),
		checkLoop(), checkBtrfs(), checkOverlay(), checkPrograms(), checkInotify(),
	}
}

func checkRoot() Check {
	return Check{
		Name: "root", OK: os.Geteuid() == 0, Detail: fmt.Sprintf("this is user %d, and isolated machines need root", os.Geteuid()),
		Cure: "run stratbench with sudo",
	}
}

// checkNamespaces starts a process in namespaces like a machine's.
func checkNamespaces() Check {
	c := Check{Name: "namespaces", Cure: "run stratbench outside a container, or in a privileged one"}
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{initName, "probe", "{}"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: machineNamespaces | unix.CLONE_NEWCGROUP}
	if err := cmd.Run(); err != nil {
		c.Detail = fmt.Sprintf("starting a process in namespaces of its own: %v", err)
		return c
	}
	c.OK, c.Detail = true, "mount, pid, net, ipc, uts, cgroup"
	return c
}

func checkMemory() Check {
	c := Check{Name: "memory limit", Cure: "boot with the memory controller on (cgroup_enable=memory), and mount the control groups"}
	tree, err := cgroup.Find("/proc/self")
	if err != nil {
		c.Detail = err.Error()
		return c
	}
	if err := tree.Limits(); err != nil {
		c.Detail = err.Error()
		return c
	}
	c.OK, c.Detail = true, fmt.Sprintf("control groups of version %d", tree.Version())
	if n := tree.InTheWay(); n > 0 {
		c.Detail += fmt.Sprintf("; while there are machines, the %d processes in this container's own group are moved to one below it", n)
	}
	return c
}

func checkPressure() Check {
	c := Check{Name: "pressure", Optional: true, Cure: "boot with psi=1, and on version 1 of the control groups mount version 2 on /sys/fs/cgroup/unified: a hang for want of memory shows in nothing else"}
	if _, err := os.ReadFile("/proc/pressure/memory"); err != nil {
		c.Detail = err.Error()
		return c
	}
	tree, err := cgroup.Find("/proc/self")
	if err != nil || tree.Unified == "" {
		c.Detail = "the kernel has it for the whole host alone: no control groups of version 2 are mounted"
		return c
	}
	c.OK, c.Detail = true, "per machine, from "+tree.Unified
	return c
}

func checkLoop() Check {
	c := Check{Name: "loop devices", Optional: true, Cure: "modprobe loop; without them, golden states are copied for each trial"}
	f, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		c.Detail = err.Error()
		return c
	}
	defer f.Close()
	c.OK, c.Detail = true, "/dev/loop-control"
	return c
}

func checkBtrfs() Check {
	c := Check{Name: "btrfs", Optional: true, Cure: "modprobe btrfs and install btrfs-progs; without them, golden states are copied for each trial"}
	fd, err := unix.Fsopen("btrfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		c.Detail = fmt.Sprintf("the kernel: %v", err)
		return c
	}
	unix.Close(fd)
	path, err := exec.LookPath("mkfs.btrfs")
	if err != nil {
		c.Detail = "mkfs.btrfs is not installed"
		return c
	}
	c.OK, c.Detail = true, path
	return c
}

func checkOverlay() Check {
	c := Check{Name: "overlay", Cure: "modprobe overlay: both engines store images with it"}
	fd, err := unix.Fsopen("overlay", unix.FSOPEN_CLOEXEC)
	if err != nil {
		c.Detail = fmt.Sprintf("the kernel: %v", err)
		return c
	}
	unix.Close(fd)
	c.OK, c.Detail = true, "in the kernel"
	return c
}

func checkPrograms() Check {
	c := Check{Name: "tar", Cure: "install GNU tar: engine roots are unpacked with it"}
	path, err := exec.LookPath("tar")
	if err != nil {
		c.Detail = err.Error()
		return c
	}
	c.OK, c.Detail = true, path
	return c
}

// checkInotify looks at a limit that each Kind node takes from, and that many
// hosts have too low for two of them.
func checkInotify() Check {
	const name, need = "/proc/sys/fs/inotify/max_user_instances", 128
	c := Check{Name: "inotify", Optional: true, Cure: "sysctl fs.inotify.max_user_instances=512 fs.inotify.max_user_watches=524288"}
	b, err := os.ReadFile(name)
	if err != nil {
		c.Detail = err.Error()
		return c
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	c.OK, c.Detail = err == nil && n >= need, fmt.Sprintf("%d instances, %d are enough for one node", n, need)
	return c
}
