package spec

import (
	"encoding/json"
	"fmt"

	"github.com/stratbench/stratbench/internal/trial"
)

// Settings are everything about a trial, but its workload, that a factor can
// vary. A cell is these settings with the cell's levels in their places. As
// JSON, the keys are the names of factors and memory is a number of bytes.
type Settings struct {
	// Runtime is the kind of container engine.
	Runtime trial.Runtime `json:"runtime,omitempty"`
	// Engine is where an isolated machine's engines come from: a Debian suite
	// of the lab, trixie or bookworm. Empty is trixie, or the running engine.
	Engine string `json:"engine,omitempty"`
	// Memory is the limit of the machine that the engine lives in, such as
	// 7GiB or 12.5GiB. Without one, the machine's memory is what it is.
	Memory trial.Bytes `json:"memory,omitempty"`
	// Strategy is how images are obtained: serial, 2+1, parallel, registry,
	// adaptive, or the name of one under strategies.
	Strategy string `json:"strategy,omitempty"`
	// ClusterStart says when the cluster is created: before the builds, with
	// them (overlapping), or after them.
	ClusterStart trial.ClusterStart `json:"clusterStart,omitempty" jsonschema:"default=before"`
	// OnCrash says what is done when the engine crashes or hangs before the
	// set-up is done, on an isolated machine: fail ends the trial; serial starts
	// the engine again and finishes the set-up, one image at a time, in the same
	// trial. Default fail.
	OnCrash trial.OnCrash `json:"onCrash,omitempty" jsonschema:"default=fail"`
	// Etcd says whether the cluster's store waits until the disk has what it
	// wrote: default waits; noFsync does not, and what it holds may be gone after
	// the host crashed, which no test cluster minds. Default default.
	Etcd trial.Etcd `json:"etcd,omitempty" jsonschema:"default=default"`
	// Build says how images are built.
	Build BuildSettings `json:"build"`
	// Load says how images come into the cluster's node.
	Load LoadSettings `json:"load"`
	// NodeImage is the Kind node image; empty is the lab's, or Kind's default.
	NodeImage string `json:"nodeImage,omitempty"`
	// Machine is where the engine lives.
	Machine MachineSettings `json:"machine"`
	// Fault is what is broken on purpose: none, a kind of fault, or the name of
	// one under faults. It needs an isolated machine.
	Fault string `json:"fault,omitempty"`
	// Registry is where a strategy that pulls finds its images.
	Registry RegistrySettings `json:"registry"`
}

// BuildSettings say how images are built.
type BuildSettings struct {
	// NoCache builds every step anew. Default true.
	NoCache bool `json:"noCache" jsonschema:"default=true"`
	// Args are build arguments for every image; they win over an image's own.
	Args map[string]string `json:"args"`
	// ArgsFromEnvironment names variables of the environment in which stratbench
	// is started that are build arguments too, such as GOPROXY. Their values are
	// in no record and no log. A variable that is not set is no argument.
	ArgsFromEnvironment []string `json:"argsFromEnvironment,omitempty"`
}

// LoadSettings say how images come into the cluster's node.
type LoadSettings struct {
	// Together sends all images in one archive, so that layers they share
	// travel once. Default true.
	Together bool `json:"together" jsonschema:"default=true"`
}

// MachineSettings say where the engine lives.
type MachineSettings struct {
	// Kind is the kind of machine: host (the user's running engine), isolated
	// (an engine of stratbench's own, in namespaces and a cgroup, Linux and
	// root only), podman-machine, or auto. Default auto.
	Kind MachineKind `json:"kind" jsonschema:"default=auto"`
	// CPUs limits the machine's processors; 0 leaves them as they are.
	CPUs float64 `json:"cpus" jsonschema:"minimum=0"`
	// Network says what an isolated machine reaches: none is stratbench's own
	// registry and nothing else, host is all that this host reaches, through its
	// proxies and with the user's logins to registries. Default none: what is
	// fetched while a trial is timed is timed too, and no two fetches are alike.
	Network MachineNetwork `json:"network,omitempty" jsonschema:"default=none"`
}

// RegistrySettings name a registry. Without a prefix, stratbench starts one.
type RegistrySettings struct {
	// Prefix is host[:port][/path], put before the name of each image.
	Prefix string `json:"prefix"`
	// PlainHTTP talks to it without TLS.
	PlainHTTP bool `json:"plainHTTP"`
}

// MachineKind is a kind of machine.
type MachineKind string

// The kinds of machine. MachineAuto leaves the choice to stratbench.
const (
	MachineAuto     MachineKind = "auto"
	MachineHost     MachineKind = "host"
	MachineIsolated MachineKind = "isolated"
	MachinePodman   MachineKind = "podman-machine"
)

// MachineNetwork is what an isolated machine reaches; empty is none.
type MachineNetwork string

// The networks of isolated machines.
const (
	NetworkNone MachineNetwork = "none"
	NetworkHost MachineNetwork = "host"
)

func defaultSettings() Settings {
	return Settings{
		ClusterStart: trial.ClusterBefore,
		Build:        BuildSettings{NoCache: true},
		Load:         LoadSettings{Together: true},
		Machine:      MachineSettings{Kind: MachineAuto},
	}
}

// UnmarshalJSON reads settings over those already in s. It takes memory as
// people write it and as a number of bytes.
func (s *Settings) UnmarshalJSON(b []byte) error {
	type plain Settings
	file := struct {
		*plain
		Memory amount `json:"memory"`
	}{(*plain)(s), amount(s.Memory)}
	if err := json.Unmarshal(b, &file); err != nil {
		return fmt.Errorf("reading settings: %w", err)
	}
	s.Memory = trial.Bytes(file.Memory)
	return nil
}

// amount is an amount of memory as text with a unit or as a number of bytes.
type amount trial.Bytes

func (a *amount) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) != nil {
		return json.Unmarshal(b, (*int64)(a))
	}
	n, err := trial.ParseBytes(text)
	*a = amount(n)
	return err
}
