package runtimes

import (
	"fmt"
	"slices"
	"strings"
)

// Delegate are the commands that have systemd hand the controllers of control
// groups down to the engines of users.
const Delegate = `sudo mkdir -p /etc/systemd/system/user@.service.d && ` +
	`printf '[Service]\nDelegate=cpu cpuset io memory pids\n' | sudo tee /etc/systemd/system/user@.service.d/delegate.conf && ` +
	`sudo systemctl daemon-reload, then log out of every session and in again`

// Unfit says why Kind makes no cluster on a rootless engine, and what to do
// about it. Both are empty where it does.
func (i Info) Unfit() (why, cure string) {
	if !i.Rootless {
		return "", ""
	}
	if i.CgroupVersion == "1" {
		return "it is rootless on control groups of version 1, on which Kind's nodes do not start", "use a rootful engine, or boot with systemd.unified_cgroup_hierarchy=1"
	}
	var missing []string
	for _, needed := range []string{"cpu", "memory", "pids"} {
		if !slices.Contains(i.Controllers, needed) {
			missing = append(missing, needed)
		}
	}
	if len(missing) == 0 {
		return "", ""
	}
	return fmt.Sprintf("it is rootless, and systemd does not let it limit containers by %s, without which Kind makes no cluster", strings.Join(missing, ", ")), Delegate
}
