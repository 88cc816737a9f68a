package isolated

import (
	"slices"
	"strings"

	"github.com/prometheus/procfs"
)

// memoryGroup finds among a process's groups the one that memory is counted in,
// from the machine's own on. The one of version 2 has the number 0.
func memoryGroup(groups []procfs.Cgroup, machine string) (group string) {
	for _, g := range groups {
		inner, found := below(g.Path, machine)
		if found && slices.Contains(g.Controllers, "memory") {
			return inner
		}
		if found && g.HierarchyID == 0 {
			group = inner
		}
	}
	return group
}

// below returns what follows a machine's group in the path of a group. Where
// stratbench runs in a container, the kernel's log begins with the container's
// own group, and so does /proc on version 1.
func below(path, machine string) (inner string, ok bool) {
	_, inner, ok = strings.Cut(path+"/", machine+"/")
	return strings.TrimSuffix(inner, "/"), ok
}
