package probe

import (
	"fmt"
	"strings"

	"github.com/prometheus/procfs"

	"github.com/stratbench/stratbench/runtimes/machine/isolated"
)

// ReadProcess looks at a process by its number.
func ReadProcess(pid int) (procfs.ProcStat, error) {
	p, err := procfs.NewProc(pid)
	if err != nil {
		return procfs.ProcStat{}, err
	}
	return p.Stat()
}

// Stopped reports whether a process was stopped, and can be continued.
func Stopped(p procfs.ProcStat) bool { return p.State == "T" || p.State == "t" }

// Child finds the process of that name which a machine's engine has started.
func Child(m *isolated.Machine, name string) (pid int, err error) {
	pids, err := m.Pids()
	if err != nil {
		return 0, err
	}
	for _, pid := range pids {
		if p, err := ReadProcess(pid); err == nil && p.PPID == m.EnginePID() && p.Comm == name {
			return pid, nil
		}
	}
	return 0, fmt.Errorf("the engine has no process %s", name)
}

// Working names the processes that are in containers other than the cluster's
// nodes: what a build's step is busy with, or waits in.
func Working(all []isolated.Process, nodes []Node) (working []string) {
	for _, p := range all {
		monitor := p.Name == "conmon" // an engine's own helper beside a container
		if inContainer(p.Group) && !InNode(p.Group, nodes) && !monitor {
			working = append(working, fmt.Sprintf("%s (process %d, state %s)", p.Name, p.PID, p.State))
		}
	}
	return working
}

// inContainer reports whether a control group is a container's: its name holds
// the container's ID.
func inContainer(group string) bool {
	for part := range strings.SplitSeq(group, "/") {
		part = strings.TrimSuffix(strings.TrimPrefix(part, "libpod-"), ".scope")
		if len(part) >= 20 && strings.Trim(part, "0123456789abcdefghijklmnopqrstuvwxyz") == "" {
			return true
		}
	}
	return strings.Contains(group, "buildah") || strings.Contains(group, "buildkit")
}

// InNode reports whether a control group is one of a cluster's node.
func InNode(group string, nodes []Node) bool {
	for _, n := range nodes {
		if n.ID != "" && strings.Contains(group, n.ID) {
			return true
		}
	}
	return strings.Contains(group, "kubelet") || strings.Contains(group, "kubepods")
}

// List prints a list that may be long or empty.
func List(list []string) string {
	const most = 8
	switch {
	case len(list) == 0:
		return "none"
	case len(list) > most:
		return strings.Join(list[:most], ", ") + fmt.Sprintf(" and %d more", len(list)-most)
	}
	return strings.Join(list, ", ")
}
