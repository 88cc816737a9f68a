package isolated

import (
	"encoding/json"
	"fmt"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes/machine/cgroup"
)

// engine is how a runtime is set up and started in a machine.
type engine struct {
	socket string
	argv   []string
	// files are written to the machine's root before it starts.
	files map[string]string
}

func engineFor(runtime trial.Runtime, l link) (engine, error) {
	switch runtime {
	case trial.Docker:
		const socket = "/run/docker.sock"
		config, err := json.MarshalIndent(map[string]any{
			"data-root":      "/var/lib/docker",
			"storage-driver": "overlay2",
			"exec-opts":      []string{"native.cgroupdriver=cgroupfs"},
			"mtu":            l.mtu,
			// The runner's registry listens on the machine's link, without TLS.
			"insecure-registries": []string{l.network.String()},
		}, "", "  ")
		if err != nil {
			return engine{}, fmt.Errorf("writing the configuration of docker: %w", err)
		}
		return engine{
			socket: socket,
			argv:   []string{"dockerd", "--host=unix://" + socket},
			files:  map[string]string{"/etc/docker/daemon.json": string(config) + "\n"},
		}, nil
	case trial.Podman: // the rest of its configuration is in the engine root, where package lab wrote it
		const socket = "/run/podman/podman.sock"
		return engine{
			socket: socket,
			argv:   []string{"/usr/bin/podman", "system", "service", "--time=0", "unix://" + socket},
			files: map[string]string{
				"/etc/containers/registries.conf.d/50-stratbench.conf": fmt.Sprintf(`# The runner's registry listens on the machine's link, without TLS.
[[registry]]
prefix = %q
location = %q
insecure = true
`, l.host.String(), l.host.String()),
				"/usr/local/bin/podman": podmanBelowTheLimit,
			},
		}, nil
	}
	return engine{}, fmt.Errorf("no machine can run the runtime %q", runtime)
}

// podmanBelowTheLimit is the podman that Kind calls. On Linux, Kind works on podman's
// store without the service, so its containers are children of the command. The command
// must therefore be under the machine's limit, as the service is. Containers that Kind
// made through the service would be, but podman's remote exec sometimes loses input and
// output, and clusters fail because of it.
//
// The command joins init's groups, which on version 2 are one level below the machine's,
// and enters init's cgroup namespace. In a namespace of its own, whose root would be the
// group it has just joined, it could not place a container beside it.
const podmanBelowTheLimit = `#!/bin/sh
set -e
groups=$(echo /sys/fs/cgroup/*/cgroup.procs)
if [ -e /sys/fs/cgroup/cgroup.procs ]; then
	groups=/sys/fs/cgroup/` + cgroup.InitGroup + `/cgroup.procs
fi
for group in $groups; do
	echo 0 >"$group"
done
unset CONTAINER_HOST
exec nsenter --cgroup=/proc/1/ns/cgroup /usr/bin/podman "$@"
`

// system returns the files that every machine has.
func system(l link, out *WayOut) map[string]string {
	// Without a way out, nothing listens there, and the machine's kernel says so at once,
	// however often: resolving a name fails instead of waiting. The host's would say so once
	// a second.
	nameserver := l.machine
	if out != nil {
		nameserver = outLink(l.mtu).host
	}
	return map[string]string{
		"/etc/hostname":    hostname + "\n",
		"/etc/hosts":       "127.0.0.1 localhost " + hostname + "\n::1 localhost\n" + l.host.String() + " runner\n",
		"/etc/resolv.conf": "nameserver " + nameserver.String() + "\n",
	}
}

const hostname = "stratbench"

const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// environment is an engine's environment. It lacks the variable for clients, with which
// Podman would act as one, and it silences Podman's warning about version 1 of the control
// groups, which would be in the output of every call.
func environment(l link, out *WayOut) []string {
	own := []string{"PATH=" + searchPath, "HOME=/root", "LANG=C.UTF-8", "PODMAN_IGNORE_CGROUPSV1_WARNING=1"}
	return append(own, out.environment(l)...)
}
