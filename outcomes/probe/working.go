package probe

import (
	"fmt"
	"strings"

	"github.com/stratbench/stratbench/runtimes/machine/isolated"
)

// Working names the processes that are in containers other than the cluster's
// nodes: what a build's step is busy with, or waits in.
func Working(all []isolated.Process, nodes []Node) (working []string) {
	for _, p := range all {
		if inContainer(p.Group) && !InNode(p.Group, nodes) && !monitor(p.Name) {
			working = append(working, fmt.Sprintf("%s (process %d, state %s)", p.Name, p.PID, p.State))
		}
	}
	return working
}

// inContainer says whether a control group is a container's: its name holds
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

// monitor is true of an engine's own helper beside a container.
func monitor(name string) bool { return name == "conmon" }

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
