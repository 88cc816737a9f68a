package isolated

import "strings"

// memoryGroup finds in /proc/PID/cgroup the group that memory is counted in,
// from the machine's own on. Version 2 has lines that begin with "0::".
func memoryGroup(lines, machine string) (group string) {
	for line := range strings.Lines(lines) {
		part := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(part) != 3 {
			continue
		}
		inner, found := below(part[2], machine)
		if !found {
			continue
		}
		if part[1] == "memory" {
			return inner
		}
		if part[0] == "0" {
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
