package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/issue"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/lab"
	"github.com/stratbench/stratbench/pipeline/deploy"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/runtimes/dockerfile"
	"github.com/stratbench/stratbench/strategies"
)

// Inspected is what holding an experiment against this machine has shown.
type Inspected struct {
	// Machine says on which machine the experiment would run, and why; it is
	// empty where there is none.
	Machine string
	// Warnings are what may go wrong. What is certain to is an error.
	Warnings []issue.Issue
}

// Inspect reads everything that the experiment's trials read, and holds it
// against the machine on which they would run here, as Run does before it
// creates anything. The error has an *issue.List of all that is certain to
// fail.
func Inspect(ctx context.Context, o Options) (Inspected, error) {
	var seen Inspected
	o.Report = func(u Update) {
		if text, ok := strings.CutPrefix(u.Note, "machine: "); ok {
			seen.Machine = text
		}
	}
	r := newRunner(o)
	if err := r.choosePlaces(ctx, o.Machine, o.Resume); err != nil {
		return seen, err
	}
	err := r.preflight(ctx)
	seen.Warnings = r.warnings
	return seen, err
}

// inspection holds what trials read against the places where they will run.
// Each input is read once, and each thing is said once.
type inspection struct {
	r                *runner
	issues, warnings issue.List
	seen             map[string]bool
	sites            map[siteKey]*site
	kinds            map[string]kindConfig
}

// siteKey is what settings say of a place that changes what is known of it.
type siteKey struct {
	runtime trial.Runtime
	network spec.MachineNetwork
}

type kindConfig struct {
	config *v1alpha4.Cluster
	err    error
}

// inspect looks at one cell.
func (in *inspection) inspect(ctx context.Context, cell trial.Cell, s spec.Settings, w spec.Workload) {
	// Strategies and memory change nothing of what is looked at.
	key, err := json.Marshal([]any{s.Runtime, s.Engine, s.NodeImage, s.Machine, s.Build.Args, w, w.Dir})
	if err != nil || in.seen[string(key)] {
		return
	}
	in.seen[string(key)] = true
	at := siteKey{s.Runtime, s.Machine.Network}
	if in.sites[at] == nil {
		in.sites[at] = in.r.places[s.Runtime].site(ctx, s)
	}
	c := &cellInspection{inspection: in, cell: cell, spec: in.r.specOf(cell), settings: s, workload: w, site: in.sites[at]}
	if in.r.nowhere == nil {
		c.place(ctx)
	}
	if w.Setup != nil {
		c.setup()
	} else {
		c.cluster(ctx)
		c.images(ctx)
		c.deployment(ctx)
	}
	c.test()
	for phase, hook := range w.Hooks {
		for key, args := range map[string][]string{"before": hook.Before, "after": hook.After} {
			if len(args) > 0 {
				c.command(fmt.Sprintf("workload.hooks.%s.%s.0", phase, key), "the hook "+key+" "+string(phase), args, w.Dir)
			}
		}
	}
}

// refuse reports what a place cannot give, at the setting that asks for it.
func (in *inspection) refuse(cell trial.Cell, err error) {
	for _, line := range strings.Split(err.Error(), "\n") {
		setting, _, _ := strings.Cut(line, " ")
		if setting = strings.TrimSuffix(setting, ":"); !slices.Contains([]string{"memory", "engine", "machine.cpus", "strategy", "onCrash", "cluster", "etcd", "load.when", "load.path", "fault"}, setting) {
			setting = "runtime"
		}
		file, at := in.r.specOf(cell).Where(results.WithoutState(cell), setting)
		in.issues.Add(file, at, "%s", line)
	}
}

// cellInspection is the inspection of one cell.
type cellInspection struct {
	*inspection
	cell     trial.Cell
	spec     *spec.Spec
	settings spec.Settings
	workload spec.Workload
	site     *site
	kind     *v1alpha4.Cluster
}

// at adds an issue at a setting of the cell.
func (c *cellInspection) at(to *issue.List, setting, format string, args ...any) {
	file, at := c.where(setting)
	to.Add(file, at, format, args...)
}

func (c *cellInspection) where(setting string) (string, issue.Position) {
	return c.spec.Where(results.WithoutState(c.cell), setting)
}

// wrong takes what was read and could not be.
func (c *cellInspection) wrong(setting string, err error) {
	var list *issue.List
	if !errors.As(err, &list) {
		c.at(&c.issues, setting, "%v", err)
		return
	}
	c.issues.List = append(c.issues.List, list.List...)
}

// place looks at the machine itself.
func (c *cellInspection) place(ctx context.Context) {
	for _, problem := range c.site.problems {
		c.at(&c.issues, "runtime", "%s", problem)
	}
	for _, doubt := range c.site.doubts {
		c.at(&c.warnings, "runtime", "%s", doubt)
	}
}

// images looks at what the images are built from.
func (c *cellInspection) images(ctx context.Context) {
	own := map[string]bool{}
	for _, i := range c.workload.Images {
		own[fullName(i.Tag)] = true
	}
	for _, i := range c.workload.Images {
		needs, err := dockerfile.Read(i.Context, i.Dockerfile, i.Target, buildArgs(c.r.places[c.settings.Runtime], i, c.settings))
		var none *dockerfile.NoStageError
		switch {
		case errors.As(err, &none):
			c.at(&c.issues, "workload.images."+i.Name+".target", "%v", err)
			continue
		case err != nil:
			c.wrong("workload.images."+i.Name+".dockerfile", err)
			continue
		}
		file := filepath.Join(i.Context, i.Dockerfile)
		for _, need := range needs.Images {
			if !own[fullName(need.Text)] {
				c.image(ctx, need.Text, file, need.At, "the build of "+i.Name+" begins with "+need.Text, inBuild)
			}
		}
		if needs.Syntax != nil && c.settings.Runtime == trial.Docker {
			c.image(ctx, needs.Syntax.Text, file, needs.Syntax.At, "the build of "+i.Name+" asks for the frontend "+needs.Syntax.Text, inBuild)
		}
		c.mounted(i, file, needs.Mounts)
		if !c.site.offline {
			continue
		}
		for _, need := range needs.Fetches {
			c.issues.Add(file, need.At, "%s is fetched, and %s has no way out; put the file into the context%s", need.Text, c.site.name, c.site.wayOut)
		}
		for _, need := range needs.Downloads {
			c.warnings.Add(file, need.At, "%q looks as if it needed a way out, and %s has none; put what it fetches into the context or a base image%s", need.Text, c.site.name, c.site.wayOut)
		}
	}
}

// mounted makes sure that the workload gives the secrets and agents that steps
// mount, and that the engine can pass the agents on.
func (c *cellInspection) mounted(i spec.Image, file string, mounts []dockerfile.Mount) {
	for _, m := range mounts {
		what, key, given := "secret", "secrets", i.Secrets
		if m.SSH {
			what, key, given = "agent of ssh", "ssh", i.SSH
		}
		if _, is := given[m.Text]; is || !m.SSH && m.Text == authoritiesSecret {
			continue
		}
		to, then := &c.warnings, "runs without it"
		if m.Required {
			to, then = &c.issues, "fails without it"
		}
		to.Add(file, m.At, "the build of %s mounts the %s %s, which the workload does not give, and the step %s; give it under %s of the image", i.Name, what, m.Text, then, key)
	}
	for id, agent := range i.SSH {
		setting := "workload.images." + i.Name + ".ssh." + id
		switch {
		case c.settings.Runtime == trial.Podman:
			c.at(&c.issues, setting, "Podman's service gives builds no agent of ssh; fetch what the build needs beforehand (a hook before build), give it a secret, or compare with docker alone")
		case agent == spec.UserAgent && os.Getenv("SSH_AUTH_SOCK") == "":
			c.at(&c.issues, setting, "SSH_AUTH_SOCK is not set, so there is no agent of yours; start one and add the key (eval \"$(ssh-agent)\"; ssh-add), or give the path of a key")
		default:
			if err := usableAgent(i.Agents()[id]); err != nil {
				c.at(&c.issues, setting, "%v", err)
			}
		}
	}
}

// usableAgent says why a build cannot use an agent, or a key as one.
func usableAgent(path string) error {
	if text, err := os.ReadFile(path); err == nil {
		if _, err = ssh.ParseRawPrivateKey(text); err != nil {
			return fmt.Errorf("the key %s cannot be used: %w; give a private key without a passphrase, or add it to an agent (ssh-add) and write agent", path, err)
		}
		return nil
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		return fmt.Errorf("the agent of ssh does not answer: %w; start one and add the key (eval \"$(ssh-agent)\"; ssh-add)", err)
	}
	return conn.Close()
}

// buildArgs are the build arguments of an image in a cell.
func buildArgs(p place, i spec.Image, s spec.Settings) map[string]string {
	args := maps.Clone(p.buildArgs())
	maps.Copy(args, argsFromEnvironment(s))
	maps.Copy(args, i.Args)
	maps.Copy(args, s.Build.Args)
	return args
}

// use says where an image is wanted.
type use int

const (
	inBuild use = iota // in the engine's store
	inNode             // in the node
	asNode             // the node image itself
)

// image makes sure that an image can be had.
func (c *cellInspection) image(ctx context.Context, ref, file string, at issue.Position, what string, by use) {
	certain, doubt := c.site.has(ctx, ref, by)
	switch {
	case certain != nil:
		c.issues.Add(file, at, "%s: %v", what, certain)
	case doubt != nil:
		c.warnings.Add(file, at, "%s: %v", what, doubt)
	}
}

// deployment looks at the steps of the deployment, and the images in them.
func (c *cellInspection) deployment(ctx context.Context) {
	ofLab := c.nodeImage() == lab.NodeImageName
	server := deploy.Server{Minor: minorOf(c.nodeImage()), Volumes: !ofLab, OtherAPIs: c.kind != nil && len(c.kind.RuntimeConfig) > 0}
	if !ofLab {
		server.Namespaces = []string{"local-path-storage"}
	}
	p, err := c.r.prepareDeployment(ctx, c.settings, c.workload, server)
	if err != nil {
		c.wrong("workload.deploy", err)
		return
	}
	for _, err := range p.errs {
		var of *deploy.SourceError
		if errors.As(err, &of) {
			c.wrong(c.ofStep(of.Source, of.Part), of.Err)
		} else {
			c.wrong("workload.manifests", err)
		}
	}
	certain, possible := deploy.Check(p.steps, len(p.errs) == 0, server, func(s deploy.Step, certain bool, text string) {
		to := &c.warnings
		if certain {
			to = &c.issues
		}
		c.at(to, c.ofStep(s.Source(), "wait.object"), "%s: %s", s.Name, text)
	})
	c.issues.List = append(c.issues.List, certain...)
	c.warnings.List = append(c.warnings.List, possible...)
	for i, s := range c.workload.Steps() {
		if len(s.Command) > 0 {
			c.command(c.ofStep(i, "command.0"), "the command of the step", s.Command, s.Dir)
		}
	}
	c.deployedImages(ctx, deploy.Objects(p.steps))
	if c.kind != nil && c.kind.Networking.DisableDefaultCNI && !ofLab && c.ownNodeImage() < 0 && c.settings.NodeImage == "" &&
		!c.mountsInto("/etc/cni") && len(p.errs) == 0 && !deploy.MayBringNetwork(p.steps) {
		c.in(&c.issues, "without its default network no node becomes ready, and nothing that is deployed brings one, which would be a DaemonSet; deploy it, take disableDefaultCNI out, or use a node image that has the network in it", "networking", "disableDefaultCNI")
	}
}

// ofStep is the setting of a part of a step of the deployment.
func (c *cellInspection) ofStep(i int, part string) string {
	if len(c.workload.Manifests) > 0 {
		return "workload.manifests." + strings.TrimPrefix(part, "apply.")
	}
	step := strconv.Itoa(i)
	if name := c.workload.Deploy[i].Name; name != "" {
		step = name
	}
	return "workload.deploy." + step + "." + part
}

// deployedImages looks at the images of what is deployed.
func (c *cellInspection) deployedImages(ctx context.Context, objects []deploy.Object) {
	own := map[string]bool{}
	for _, i := range c.workload.Images {
		own[fullName(i.Tag)] = true
		for _, tag := range i.Tags {
			own[fullName(tag)] = true
		}
	}
	for _, name := range c.preloaded(ctx) {
		own[fullName(name)] = true
	}
	for _, u := range deploy.Images(objects) {
		switch loaded := own[fullName(u.Image)]; {
		case !loaded:
			c.image(ctx, u.Image, u.File, u.At, fmt.Sprintf("%s needs %s, which the workload neither builds nor preloads", u.Object, u.Image), inNode)
		case u.Always && (c.site.offline || strings.HasPrefix(u.Image, "localhost/")):
			c.issues.Add(u.File, u.At, "%s: the node asks the registry for %s each time, although the image is loaded, and cannot reach it; write imagePullPolicy: IfNotPresent", u.Object, u.Image)
		case u.Always:
			c.warnings.Add(u.File, u.At, "%s: the node asks the registry for %s each time, although the image is loaded; write imagePullPolicy: IfNotPresent", u.Object, u.Image)
		}
	}
}

// test looks at the command that tests.
func (c *cellInspection) test() {
	t := c.workload.Test
	if len(t.Command) == 0 {
		return
	}
	c.command("workload.test.command.0", "the test command", t.Command, t.Dir)
	for name, value := range t.Env {
		if strings.Contains(value, "${") || strings.Contains(value, "$(") {
			c.at(&c.warnings, "workload.test.env."+name, "%q is passed as it stands: variables are not replaced here; the command finds the cluster by KUBECONFIG", value)
		}
	}
}

// setup looks at a set-up inside the user's own code.
func (c *cellInspection) setup() {
	s := c.workload.Setup
	for _, command := range []struct {
		key, what string
		args      []string
	}{{"command", "the set-up command", s.Command}, {"prepare", "the command that prepares trials", s.Prepare}, {"cleanup", "the command that cleans up", s.Cleanup}} {
		if len(command.args) > 0 && !strings.Contains(command.args[0], "{{") {
			c.command("workload.setup."+command.key+".0", command.what, command.args, s.Dir)
		}
	}
	if strategy, err := strategies.Named(c.settings.Strategy, c.spec.Strategies); err == nil && strategy.Pull {
		c.at(&c.issues, "strategy", "strategy %s pulls images that stratbench has built and pushed before, and of a set-up command it knows no images; leave it out, or have the command pull by itself under a strategy of its own", c.settings.Strategy)
	}
}

// interpreters run the script that is their first argument.
var interpreters = []string{"sh", "bash", "dash", "zsh", "python", "python3", "node", "ruby", "perl"}

// command makes sure that a program can be run, and finds its script.
func (c *cellInspection) command(setting, what string, args []string, dir string) {
	program := args[0]
	if slices.Contains(interpreters, filepath.Base(program)) && len(args) > 1 && !strings.HasPrefix(args[1], "-") {
		script := args[1]
		if !filepath.IsAbs(script) {
			script = filepath.Join(dir, script)
		}
		if _, err := os.Stat(script); err != nil {
			c.at(&c.issues, setting, "%s: its script cannot be read: %v; write its path as seen from %s", what, err, dir)
		}
	}
	if !strings.Contains(program, "/") {
		if err := c.site.lookPath(program); err != nil {
			c.at(&c.issues, setting, "%s: %v", what, err)
		}
		return
	}
	if !filepath.IsAbs(program) {
		program = filepath.Join(dir, program)
	}
	info, err := os.Stat(program)
	switch {
	case err != nil:
		cure := "build it before the run"
		if _, err := os.Stat(filepath.Join(c.workload.Dir, "Makefile")); err == nil {
			cure += ": " + c.workload.Dir + " has a Makefile"
		}
		c.at(&c.issues, setting, "%s: %v; correct its path, or %s", what, err, cure)
	case info.IsDir() || info.Mode()&0o111 == 0:
		c.at(&c.issues, setting, "%s %s cannot be executed; chmod +x it, or name the program that runs it first", what, program)
	}
}
