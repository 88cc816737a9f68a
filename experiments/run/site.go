package run

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/host"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/lab"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/connect"
)

// site is what is known of a place before anything is created there.
type site struct {
	// name is for messages: "an isolated machine".
	name string
	// lab: clusters have the lab's node image. offline: nothing can be fetched.
	// sharesPorts: clusters publish ports of this host.
	lab, offline, sharesPorts bool
	// lowestPort is the first port of this host that the engine may publish without
	// further rights; 0 for one that may publish all.
	lowestPort int
	// elsewhere is the host of the engine, if that is not this one. tunnel is true if it
	// is reached by ssh: what clusters publish there is then found here at the same ports.
	elsewhere string
	tunnel    bool
	// version is that of the engine, if it runs; cpus and memory are what its host has.
	version      string
	cpus, memory int64
	// wayOut is another cure for what has to be fetched, for the end of a message.
	wayOut string
	// problems are those of the place as such.
	problems []string
	// has reports why an image is certain to be missing there, or may be.
	has func(ctx context.Context, ref string, by use) (certain, doubt error)
	// lookPath reports why a program is not found.
	lookPath func(program string) error
	// owes is true if a killed run may have left something there. inUse says that a run
	// which lives uses the place, and what to do; the ports of its clusters are taken.
	owes  bool
	inUse string
}

// ofControlPlane are the beginnings of the names of images in every node image.
var ofControlPlane = []string{"registry.k8s.io/kube-", "registry.k8s.io/etcd:", "registry.k8s.io/coredns/", "registry.k8s.io/pause:"}

// site describes an isolated machine without starting one.
func (p *isolatedPlace) site(_ context.Context, settings spec.Settings) *site {
	const running = ", or give it a way out (machine: {network: host} under settings)"
	s := &site{name: "an isolated machine", lab: true, offline: settings.Machine.Network != spec.NetworkHost, wayOut: running}
	s.has = func(_ context.Context, ref string, by use) (certain, doubt error) {
		if !s.offline {
			return nil, nil
		}
		full := spec.FullName(ref)
		ofControlPlane := slices.ContainsFunc(ofControlPlane, func(prefix string) bool { return strings.HasPrefix(full, prefix) })
		switch {
		case by == asNode && full == lab.NodeImageName, by == inBuild && (full == lab.GoImageName || full == lab.RunImageName), by == inNode && ofControlPlane:
			return nil, nil
		case by == asNode:
			return fmt.Errorf("it is not on %s, which has no way out to fetch it; take nodeImage out to use %s%s", s.name, lab.NodeImageName, running), nil
		case by == inNode:
			return fmt.Errorf("%s has no way out to fetch it; list it under preload, take it out%s", s.name, running), nil
		}
		return fmt.Errorf("it is not on %s, which has no way out to fetch it; build on %s (the build argument GO_IMAGE) and %s (RUN_IMAGE)%s",
			s.name, lab.GoImageName, lab.RunImageName, running), nil
	}
	programs := sync.OnceValue(func() map[string]bool { return lab.Programs(filepath.Join(p.cache, "lab"), defaultSuite) })
	s.lookPath = func(program string) error {
		if found := programs(); found == nil || found[program] {
			return nil // or the lab's programs are not known
		}
		return fmt.Errorf("%s has no program %s; name one that is part of the workload, such as a test binary (go test -c), or use a running engine (machine: {kind: host} under settings)", s.name, program)
	}
	need := trial.Bytes(labRoom)
	if built, err := filepath.Glob(filepath.Join(p.cache, "lab", "node-*")); err == nil && len(built) > 0 {
		need = trialRoom
	}
	if free, err := host.RoomFor(p.cache); err == nil && free < need {
		s.problems = append(s.problems, fmt.Sprintf("the disk of %s has %s free, and isolated machines need %s; free some room, or set XDG_CACHE_HOME to a folder on a larger disk",
			p.cache, free, need))
	}
	return s
}

// The room on the disk that a trial needs, and a lab that is not built yet.
const (
	trialRoom = 2 << 30
	labRoom   = 8 << 30
)

// askLimit bounds the time for all questions about images, to one engine and to
// registries.
const askLimit = 3 * time.Second

// site describes a running engine by what it answers.
func (p *borrowedPlace) site(ctx context.Context, _ spec.Settings) *site {
	s := &site{name: fmt.Sprintf("the %s engine at %s", p.engine.Runtime, p.engine.Address), elsewhere: p.engine.Elsewhere(), tunnel: p.engine.BySSH(), lookPath: lookHere}
	s.sharesPorts = s.elsewhere == "" || s.tunnel
	s.has = func(context.Context, string, use) (error, error) { return nil, nil }
	if _, err := exec.LookPath(string(p.engine.Runtime)); err != nil {
		s.problems = append(s.problems, fmt.Sprintf("Kind drives the engine by the command %s, which is not in PATH; install it (Debian: %s)", p.engine.Runtime,
			map[trial.Runtime]string{trial.Docker: "docker-cli", trial.Podman: "podman"}[p.engine.Runtime]))
	}
	if p.engine.Address == "" { // podman's own machine, which may not run yet
		s.sharesPorts = false
		return s
	}
	// A rootless Podman runs a dozen programs before it has described itself.
	describing, stop := context.WithTimeout(ctx, max(p.describe, askLimit))
	context.AfterFunc(describing, stop)
	engine, err := connect.Engine(describing, p.engine)
	var info runtimes.Info
	if err == nil {
		context.AfterFunc(ctx, func() { engine.Close() })
		info, err = engine.Info(describing)
	}
	if err != nil {
		s.problems = append(s.problems, fmt.Sprintf("%v; look at the output of %s info, and at stratbench doctor", err, p.engine.Runtime))
		return s
	}
	s.version, s.cpus, s.memory = info.Version, int64(info.CPUs), int64(info.Memory)
	owed, err := filepath.Glob(filepath.Join(ledgers(p.cache, info.ID), "*.jsonl"))
	s.owes = err == nil && len(owed) > 0
	if by, err := heldBy(describing, p.engine); err == nil && by.Mark != "" {
		if by.dead(newHolder("")) {
			s.owes = true
		} else {
			s.inUse = by.inUse(p.engine.Runtime)
		}
	}
	if why, cure := p.engine.Unfit(info); why != "" {
		s.problems = append(s.problems, fmt.Sprintf("%s: %s; %s", s.name, why, cure))
	}
	if s.tunnel {
		trying, done := context.WithTimeout(ctx, max(p.describe, askLimit))
		if err := p.engine.CanTunnel(trying); err != nil {
			s.problems = append(s.problems, fmt.Sprintf("%v; %s", err, runtimes.TunnelCure))
		}
		done()
	}
	if info.Rootless && s.elsewhere == "" { // another host's is not known
		s.lowestPort = host.UnprivilegedPort()
	}
	if s.elsewhere == "" { // else the path is another host's
		if free, err := host.RoomFor(info.Root); err == nil && free < trialRoom {
			s.problems = append(s.problems, fmt.Sprintf("the disk of %s, where %s keeps its images, has %s free, and a cluster needs %s; free some room",
				info.Root, s.name, free, trial.Bytes(trialRoom)))
		}
	}
	asking, stop := context.WithTimeout(ctx, askLimit)
	context.AfterFunc(asking, stop)
	s.has = func(_ context.Context, ref string, by use) (certain, doubt error) {
		if by != inNode { // a node does not look into the engine's store
			if _, err := engine.Image(asking, ref); err == nil || !runtimes.IsNotFound(err) {
				return nil, err
			}
		}
		certain, doubt = judge(s.name, ref, engine.Available(asking, spec.FullName(ref)), by.cure())
		if by == asNode && certain == nil && !slices.Contains(p.nodeImages, ref) {
			p.nodeImages = append(p.nodeImages, ref)
		}
		return certain, doubt
	}
	return s
}

// cure is what to do about an image that is missing where it is needed. A node does not
// look into the engine's store.
func (u use) cure() string {
	if u == inNode {
		return "correct its name (in a kustomization: under images), give an image of the workload that tag, or list an archive with it under preload"
	}
	return "correct its name, bring it there (docker load, podman load), or, if it is the name of a further context, list it under contexts of the image that is built"
}

func lookHere(program string) error {
	if _, err := exec.LookPath(program); err != nil && !errors.Is(err, exec.ErrDot) {
		return fmt.Errorf("%w; install it, or name it with its path", err)
	}
	return nil
}

// final are parts of errors after which asking again is of no use.
var final = []string{
	"manifest unknown", "manifest_unknown", "not found", "name unknown", "name_unknown", "no such host", "connection refused", "network is unreachable",
	"no route to host", "server misbehaving", "name resolution", "invalid reference",
}

// wantsLogin are Docker Hub's answers about an image that it does not have, or not for all.
var wantsLogin = []string{"unauthorized: authentication required", "requested access to the resource is denied"}

// judge distinguishes an image that is certain to be missing, with a cure, from one that
// may be.
func judge(name, ref string, err error, cure string) (certain, doubt error) {
	says := func(texts []string) bool {
		return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(strings.ToLower(err.Error()), text) })
	}
	switch full := spec.FullName(ref); {
	case err == nil:
		return nil, nil
	case strings.HasPrefix(full, "docker.io/library/") && says(wantsLogin): // all of these are for all
		return fmt.Errorf("it is not on %s, and Docker Hub has no %s, as it is called without a registry: %w; %s", name, full, err, cure), nil
	case says(final):
		return fmt.Errorf("it is not on %s and cannot be fetched: %w; %s", name, err, cure), nil
	}
	return nil, fmt.Errorf("it is not on %s, and it is not known whether it can be fetched: %w; check its name, and log in to its registry if that asks for it", name, err)
}
