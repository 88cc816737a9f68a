package runtimes

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/blang/semver/v4"

	"github.com/stratbench/stratbench/internal/trial"
)

// Defect is a known problem of some versions of an engine that affects stratbench.
type Defect struct {
	Runtime trial.Runtime
	// Versions is a range in the syntax of semver.ParseRange.
	Versions string
	// Consequence is what happens, Cure what to do, Source where it is documented.
	Consequence, Cure, Source string
}

// defects are well documented. Each affects Kind, parallel builds, or a client with
// which stratbench or Kind drives an engine.
var defects = []Defect{
	{
		Runtime: trial.Docker, Versions: "<20.10.0",
		Consequence: "Kind cannot start a node: its --cgroupns needs Docker's API 1.41",
		Cure:        "upgrade Docker", Source: "https://github.com/ansible/awx-operator/pull/1462",
	},
	{
		Runtime: trial.Docker, Versions: ">=20.10.0 <23.0.0",
		Consequence: "where the host lacks CAP_SYS_RESOURCE (in many containers), no privileged container starts, and so no Kind node",
		Cure:        "upgrade Docker, or run it outside of containers", Source: "seen by stratbench with Docker 20.10.24",
	},
	{
		Runtime: trial.Docker, Versions: ">=29.0.0",
		Consequence: "a docker command older than 25 is refused (\"client version … is too old\"), and Kind runs that command",
		Cure:        "make sure that docker version shows a client of 25 or later", Source: "https://github.com/moby/moby/releases/tag/docker-v29.0.0",
	},
	{
		Runtime: trial.Docker, Versions: ">=29.0.0",
		Consequence: "with the containerd image store, the default of new installations, images that were pulled for several platforms do not load into Kind nodes; images that are built do",
		Cure:        "build what is loaded, or set containerd-snapshotter to false in daemon.json", Source: "https://github.com/kubernetes-sigs/kind/issues/3795",
	},
	{
		Runtime: trial.Podman, Versions: "<4.0.0",
		Consequence: "stratbench's client does not talk to its API",
		Cure:        "upgrade Podman to 4.1 or later", Source: "MinimalAPI in podman/v5/version",
	},
	{
		Runtime: trial.Podman, Versions: ">=4.0.0 <4.1.0",
		Consequence: "parallel builds race for the names of images, and fail at random",
		Cure:        "upgrade Podman to 4.1 or later, or compare only serial strategies", Source: "https://github.com/containers/podman/pull/13623",
	},
	{
		Runtime: trial.Podman, Versions: ">=5.0.0 <5.0.2",
		Consequence: "it crashes under load (\"concurrent map writes\")",
		Cure:        "upgrade Podman", Source: "https://github.com/containers/podman/issues/22330",
	},
}

// Defects returns the known defects of this version of an engine: none, if the
// version cannot be parsed.
func Defects(r trial.Runtime, version string) (known []Defect) {
	v, err := semver.ParseTolerant(version)
	if err != nil {
		return nil
	}
	for _, d := range defects {
		if d.Runtime == r && semver.MustParseRange(d.Versions)(v) {
			known = append(known, d)
		}
	}
	return known
}

// NoContext returns why this version of an engine gives a build no further context, and
// the cure. Both are empty if it does, or if the version is not known. A Dockerfile with
// a syntax line brings a frontend of its own. elsewhere is true if the engine is on
// another host than the folder.
func NoContext(r trial.Runtime, version string, hasSyntax, isImage, elsewhere bool) (why, cure string) {
	v, err := semver.ParseTolerant(version)
	before := func(limit string) bool { return err == nil && v.LT(semver.MustParse(limit)) }
	switch {
	case r == trial.Docker && !hasSyntax && before("23.0.0"):
		return "Docker before 23 knows no further contexts", "begin the Dockerfile with # syntax=docker/dockerfile:1, or use a newer Docker"
	case r == trial.Podman && before("4.2.0"):
		return "Podman before 4.2 knows no further contexts", "use a newer Podman, or docker alone"
	case r == trial.Podman && !isImage && elsewhere && before("5.6.0"):
		return "Podman before 5.6 looks for this folder on its own host", "use a newer Podman there, or an engine on this host"
	}
	return "", ""
}

// delegate are commands after which systemd delegates cgroup controllers to users'
// engines.
const delegate = `sudo mkdir -p /etc/systemd/system/user@.service.d && ` +
	`printf '[Service]\nDelegate=cpu cpuset io memory pids\n' | sudo tee /etc/systemd/system/user@.service.d/delegate.conf && ` +
	`sudo systemctl daemon-reload, then log out of every session and in again; if your services go on without you (loginctl enable-linger), reboot instead`

// anew are the commands with which systemd starts a rootless engine again.
var anew = map[trial.Runtime]string{
	trial.Docker: "systemctl --user restart docker",
	trial.Podman: "systemctl --user restart podman.socket, after ending a service that was started by hand",
}

// Unfit returns why Kind cannot make a cluster on a rootless engine that describes
// itself so, and the cure. Both are empty if it can.
func (e Endpoint) Unfit(i Info) (why, cure string) {
	if !i.Rootless {
		return "", ""
	}
	if i.CgroupVersion == "1" {
		return "it is rootless on control groups of version 1, where Kind's nodes do not start", "use a rootful engine, or boot with systemd.unified_cgroup_hierarchy=1"
	}
	delegated := e.delegated()
	missing := lacking(i.Controllers)
	if len(missing) == 0 && len(delegated) > 0 {
		// Docker reports what the user's slice has, of which its programs may get less.
		missing = lacking(delegated)
	}
	if len(missing) == 0 {
		return "", ""
	}
	cure = delegate
	if len(lacking(delegated)) == 0 {
		cure = "systemd delegates them to your programs, but the engine began before that or without systemd: " + anew[e.Runtime]
	}
	return fmt.Sprintf("it is rootless, and systemd does not let it limit containers by %s, without which Kind makes no cluster", strings.Join(missing, ", ")), cure
}

// lacking lists the controllers that Kind needs and that are not among these.
func lacking(controllers []string) []string {
	return slices.DeleteFunc([]string{"cpu", "memory", "pids"}, func(needed string) bool { return slices.Contains(controllers, needed) })
}

// userSocket matches the address of an engine in a user's runtime folder.
var userSocket = regexp.MustCompile(`^unix:///run/user/(\d+)/`)

// groups is where control groups of version 2 are mounted. It is a variable for the
// tests.
var groups = "/sys/fs/cgroup"

// delegated are the controllers that systemd delegates to the programs of the engine's
// user: none, if that is not known.
func (e Endpoint) delegated() []string {
	user := userSocket.FindStringSubmatch(e.Address)
	if user == nil {
		return nil
	}
	text, _ := os.ReadFile(fmt.Sprintf("%s/user.slice/user-%[2]s.slice/user@%[2]s.service/cgroup.controllers", groups, user[1]))
	return strings.Fields(string(text))
}
