package runtimes

import (
	"github.com/blang/semver/v4"

	"github.com/stratbench/stratbench/internal/trial"
)

// Defect is something known about some versions of an engine that spoils what
// stratbench does with it.
type Defect struct {
	Runtime trial.Runtime `json:"runtime"`
	// Versions is a range as semver.ParseRange reads it.
	Versions string `json:"versions"`
	// Consequence is what happens.
	Consequence string `json:"consequence"`
	// Cure is what to do.
	Cure string `json:"cure"`
	// Source is where it is documented.
	Source string `json:"source"`
}

// defects are well documented, and matter here: Kind, builds side by side, or
// the clients that stratbench and Kind drive an engine with.
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
		Cure:        "see that docker version shows a client of 25 or later", Source: "https://github.com/moby/moby/releases/tag/docker-v29.0.0",
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
		Consequence: "builds side by side race for the names of images, and fail at random",
		Cure:        "upgrade Podman to 4.1 or later, or compare only serial strategies", Source: "https://github.com/containers/podman/pull/13623",
	},
	{
		Runtime: trial.Podman, Versions: ">=5.0.0 <5.0.2",
		Consequence: "it crashes under load (\"concurrent map writes\")",
		Cure:        "upgrade Podman", Source: "https://github.com/containers/podman/issues/22330",
	},
}

// Defects returns what is known about this version of an engine. Of a version
// that cannot be read nothing is known.
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
