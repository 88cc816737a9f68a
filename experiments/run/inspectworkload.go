package run

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/issue"
	"github.com/stratbench/stratbench/internal/readable"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/lab"
	"github.com/stratbench/stratbench/pipeline/kindcluster"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/dockerfile"
	"github.com/stratbench/stratbench/runtimes/machine"
)

func (c *cellInspection) images(ctx context.Context) {
	// trialsName stands for the name that another image has in a trial.
	const trialsName = "stratbench.invalid/image-of-the-trial:latest"
	for _, i := range c.workload.Images {
		at := "workload.images." + i.Name
		if len(i.Command) > 0 {
			c.command(at+".command.0", "the command that builds "+i.Name, i.Command, i.Dir)
			c.environment(at+".env.", i.Env, readByCommand)
			c.leavesItsImage(at+".command.0", i)
			continue
		}
		if i.Context == "" {
			continue // it has issues
		}
		c.environment(at+".args.", i.Args, "write the value out, or name a variable of your environment under build.argsFromEnvironment, in the experiment's settings")
		args := buildArgs(c.r.places[c.settings.Runtime], i, c.settings)
		for arg, value := range args {
			if _, is := namedByArgument(c.workload, value); is {
				args[arg] = trialsName
			}
		}
		contexts := maps.Clone(i.Contexts)
		for name, value := range contexts {
			if other, is := namedByContext(c.workload, value); is && other.Name != i.Name {
				contexts[name] = trial.ImageContextPrefix + trialsName
			}
		}
		needs, err := dockerfile.Read(runtimes.Build{Context: i.Context, Dockerfile: i.Dockerfile, Contexts: contexts, Target: i.Target, Args: args}, c.settings.Runtime)
		if _, is := errors.AsType[*dockerfile.NoStageError](err); is {
			c.at(&c.issues, at+".target", "%v", err)
			continue
		} else if err != nil {
			c.wrong(&c.issues, at+".dockerfile", err)
			continue
		}
		file := filepath.Join(i.Context, i.Dockerfile)
		for _, need := range needs.Images {
			switch other, own := c.workload.Named(need.Text); {
			case need.Text == trialsName:
			case !own:
				c.image(ctx, need.Text, file, need.At, "the build of "+i.Name+" begins with "+need.Text, inBuild)
			case other.Name == i.Name:
				c.issues.Add(file, need.At, "the build of %s begins with %s, which is this image itself; correct the name of the base image", i.Name, need.Text)
			default:
				// On a user's engine, the name would lead to an image of the user's.
				c.issues.Add(file, need.At, "the build of %s begins with %s, another image of this workload, which each trial builds under a name of its own; "+
					"write ARG BASE before the first FROM and FROM ${BASE} (with AS and a name for COPY --from), and give the image args: {BASE: %q}", i.Name, need.Text, other.Tag)
			}
		}
		if needs.Syntax != nil && c.settings.Runtime == trial.Docker {
			c.image(ctx, needs.Syntax.Text, file, needs.Syntax.At, "the build of "+i.Name+" asks for the frontend "+needs.Syntax.Text, inBuild)
		}
		for _, doubt := range needs.Doubts {
			c.warnings.Add(file, doubt.At, "%s", doubt.Text)
		}
		for arg := range i.Args {
			// What no Dockerfile declares may be meant for several.
			if near := issue.Nearest(arg, needs.Arguments); near != "" && near != arg && !slices.Contains(needs.Arguments, arg) {
				c.at(&c.warnings, at+".args."+arg, "the Dockerfile has no ARG %s; did you mean %s?", arg, near)
			}
		}
		c.mounted(i, file, needs.Mounts)
		c.contexts(i, needs.Syntax != nil)
		for _, need := range needs.Absent {
			if c.hooked(trial.PhaseBuild) {
				c.warnings.Add(file, need.At, "%s is not in the context %s, so the hook before build must make it", need.Text, i.Context)
				continue
			}
			c.issues.Add(file, need.At, "%s is not in the context %s; create it first, for example by hooks: {build: {before: [make, …]}}, or correct the path, which is relative to the context", need.Text, i.Context)
		}
		for _, need := range needs.Empty {
			if !c.hooked(trial.PhaseBuild) {
				c.warnings.Add(file, need.At, "%s is an empty folder; if it is a submodule of git, run git submodule update --init", need.Text)
			}
		}
		if !c.site.offline {
			continue
		}
		for _, need := range needs.Fetches {
			c.issues.Add(file, need.At, "%s is fetched, and %s has no way out; put the file into the context%s", need.Text, c.site.name, c.site.wayOut)
		}
		for _, need := range needs.Downloads {
			c.warnings.Add(file, need.At, "%q seems to need a way out, and %s has none; put what it fetches into the context or a base image%s", need.Text, c.site.name, c.site.wayOut)
		}
	}
}

// contexts checks that the engine can give the build its further contexts, and that both
// engines build from the same context.
func (c *cellInspection) contexts(i spec.Image, hasSyntax bool) {
	version := c.site.version
	if c.site.lab {
		version = lab.EngineVersion(engineSource(c.settings), c.settings.Runtime)
	}
	for name, value := range i.Contexts {
		_, isImage := trial.ImageContext(value)
		if why, cure := runtimes.NoContext(c.settings.Runtime, version, hasSyntax, isImage, c.site.elsewhere != ""); why != "" {
			c.at(&c.issues, "workload.images."+i.Name+".contexts."+name, "%s; %s", why, cure)
		}
	}
	of, same := runtimes.IgnoreFiles(i.Context, i.Dockerfile)
	if same || len(c.r.runtimes()) < 2 {
		return
	}
	c.warnings.Add(filepath.Join(i.Context, cmp.Or(of[trial.Podman], of[trial.Docker])), issue.Position{Line: 1, Column: 1},
		"the engines build %s from different contexts: Podman leaves out what %s excludes, and Docker what %s excludes; make the two the same, such as by a link, or keep .dockerignore alone, which both read",
		i.Name, cmp.Or(of[trial.Podman], "no file"), cmp.Or(of[trial.Docker], "no file"))
}

// namedByContext is the image of the workload that a further context names.
func namedByContext(w spec.Workload, context string) (spec.Image, bool) {
	ref, isImage := trial.ImageContext(context)
	if !isImage {
		return spec.Image{}, false
	}
	return w.Named(ref)
}

// leavesItsImage checks that a command uses the name that the image must have when it ends.
func (c *cellInspection) leavesItsImage(setting string, i spec.Image) {
	if c.mentions("STRATBENCH_IMAGE", i.Command, i.Env, i.Dir) {
		return
	}
	// These programs read no such variable. A hook or the command of another image might give the name.
	program := filepath.Base(i.Command[0])
	others := slices.ContainsFunc(c.workload.Images, func(o spec.Image) bool { return o.Name != i.Name && len(o.Command) > 0 })
	certain := (program == "docker" || program == "podman") && len(i.Command) > 1 && slices.Contains([]string{"build", "tag", "load", "import", "pull"}, i.Command[1])
	to, unless := &c.warnings, ", unless something that it calls does so"
	if certain && !others && len(c.workload.Hooks) == 0 {
		to, unless = &c.issues, ""
	}
	c.at(to, setting, "the command that builds %s does not use $STRATBENCH_IMAGE, the name that the image must have on the engine when it ends; write [sh, -c, \"… && %s tag NAME $STRATBENCH_IMAGE\"]%s", i.Name, c.settings.Runtime, unless)
}

// mentions reports whether a command has to do with a name: whether it is in the command, in
// its environment, in a file that the command names, or in one of its folder, such as a
// Makefile. The experiment's own files do not count; a program that cannot be read may have it.
func (c *cellInspection) mentions(name string, args []string, env map[string]string, dir string) bool {
	words := strings.Join(slices.Concat(args, slices.Collect(maps.Values(env))), " ")
	if strings.Contains(words, name) {
		return true
	}
	has := func(file string) bool {
		return !slices.Contains([]string{c.spec.Path, c.workload.Path, c.workload.KindConfig}, file) && bytes.Contains(scriptAt(file), []byte(name))
	}
	for _, word := range strings.FieldsFunc(words, func(r rune) bool { return strings.ContainsRune(" \n;&|()\"'", r) }) {
		word = from(dir, word)
		if info, err := os.Stat(word); err == nil && info.Mode().IsRegular() && (has(word) || scriptAt(word) == nil) {
			return true
		}
	}
	beside, _ := filepath.Glob(filepath.Join(dir, "*"))
	return slices.ContainsFunc(beside, has)
}

// mounted checks that the workload gives the secrets and agents that build steps
// mount, and that the engine can pass the agents on.
func (c *cellInspection) mounted(i spec.Image, file string, mounts []dockerfile.Mount) {
	for _, m := range mounts {
		what, key, given := "secret", "secrets", i.Secrets
		if m.SSH {
			what, key, given = "ssh agent", "ssh", i.SSH
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
	for id, secret := range i.Secrets {
		if name, is := spec.SecretVariable(secret); is && os.Getenv(name) == "" {
			c.at(&c.issues, "workload.images."+i.Name+".secrets."+id, "the variable %s is not set, or empty, and the build gets the secret %s from it; set it where stratbench is started", name, id)
		}
	}
	for id, agent := range i.SSH {
		setting := "workload.images." + i.Name + ".ssh." + id
		switch {
		case c.settings.Runtime == trial.Podman:
			c.at(&c.issues, setting, "Podman's service gives builds no ssh agent; fetch what the build needs beforehand (a hook before build), give the build a secret, or use docker alone")
		case agent == spec.UserAgent && os.Getenv("SSH_AUTH_SOCK") == "":
			c.at(&c.issues, setting, "SSH_AUTH_SOCK is not set, so there is no agent of yours; start one and add the key (eval \"$(ssh-agent)\"; ssh-add), or give the path of a key")
		default:
			if err := usableAgent(i.Agents()[id]); err != nil {
				c.at(&c.issues, setting, "%v", err)
			}
		}
	}
}

// usableAgent reports why a build cannot use an agent, or a key as one.
func usableAgent(path string) error {
	if text, err := readable.File(path); err == nil {
		if _, err = ssh.ParseRawPrivateKey(text); err != nil {
			return fmt.Errorf("the key %s cannot be used: %w; give a private key without a passphrase, or add it to an agent (ssh-add) and write agent", path, err)
		}
		return nil
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		return fmt.Errorf("the ssh agent does not answer: %w; start one and add the key (eval \"$(ssh-agent)\"; ssh-add)", err)
	}
	return conn.Close()
}

// buildArgs are the build arguments of an image in a cell. On isolated machines, those by
// which a Dockerfile can replace its base images name the lab's.
func buildArgs(p place, i spec.Image, s spec.Settings) map[string]string {
	args := map[string]string{}
	if p.kind() == machine.Isolated { // else the workload's own base images can be pulled
		args["GO_IMAGE"], args["RUN_IMAGE"] = lab.GoImageName, lab.RunImageName
	}
	maps.Copy(args, argsFromEnvironment(s))
	maps.Copy(args, i.Args)
	maps.Copy(args, s.Build.Args)
	return args
}

// namedByArgument is the image of the workload that the value of a build argument names.
// It names it with the tag, because a value without one may be any word.
func namedByArgument(w spec.Workload, value string) (spec.Image, bool) {
	if !strings.Contains(value[strings.LastIndex(value, "/")+1:], ":") {
		return spec.Image{}, false
	}
	return w.Named(value)
}

// use is where an image is needed.
type use int

const (
	inBuild use = iota // in the engine's store
	inNode             // in the node
	asNode             // the node image itself
)

// image checks that an image is there or can be fetched.
func (c *cellInspection) image(ctx context.Context, ref, file string, at issue.Position, what string, by use) {
	certain, doubt := c.site.has(ctx, ref, by)
	switch {
	case certain != nil && by == inNode && c.kind != nil && len(kindcluster.Mirrors(c.kind, c.workload.KindConfig)) > 0:
		c.warnings.Add(file, at, "%s: %v; or a mirror in the Kind configuration has it", what, certain)
	case certain != nil && by == asNode && c.hooked(trial.PhaseCluster):
		c.warnings.Add(file, at, "%s: %v; or the hook before cluster makes it", what, certain)
	case certain != nil:
		c.issues.Add(file, at, "%s: %v", what, certain)
	case doubt != nil:
		c.warnings.Add(file, at, "%s: %v", what, doubt)
	}
}

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
	c.environment("workload.setup.env.", s.Env, readByCommand)
	for phase, mark := range s.Marks {
		for key, text := range map[string]string{"start": mark.Start, "end": mark.End} {
			if m := bracketed.FindStringSubmatch(text); m != nil {
				c.at(&c.warnings, fmt.Sprintf("workload.setup.marks.%s.%s", phase, key), `%s matches one letter of it; if the line has the brackets, write \[%s\]`, m[1], strings.Trim(m[1], "[]"))
			}
		}
	}
	if t := c.workload.Test; slices.Equal(s.Command, t.Command) && s.Dir == t.Dir && maps.Equal(s.Env, t.Env) {
		c.at(&c.warnings, "workload.test.command", "the test command is the set-up command, so everything is done twice; let it copy the report, and mark the phase: marks: {test: {start: …}}")
	}
	if c.site.tunnel {
		c.at(&c.warnings, "workload.setup.command", "the tunnel to %s carries the API server's port in $STRATBENCH_KIND_CONFIG and no other; have the command run kind create cluster --config \"$STRATBENCH_KIND_CONFIG\", or set that port (networking.apiServerPort) in a configuration of its own", c.site.elsewhere)
	}
	if _, varied := c.spec.LevelNames("strategy"); varied && !takes(*s, "schedule", "strategy", "concurrency") {
		c.at(&c.warnings, "strategy", "the set-up command gets none of {{strategy}}, {{schedule}} and {{concurrency}}, so all strategies are the same, unless it reads STRATBENCH_STRATEGY or STRATBENCH_CONCURRENCY by itself; pass one to it, or take the factor out")
	}
}

// bracketed finds words in brackets, which are rarely meant as a set of letters.
var bracketed = regexp.MustCompile(`(?:^|[^\\])(\[[A-Za-z][A-Za-z ]{2,}\])(?:[^+*?{]|$)`)

// ofMake finds the names before the colon of a rule, or those of .PHONY.
var ofMake = regexp.MustCompile(`(?m)^ *(?:\.PHONY\s*:([^#\n]*)|([^\s#:=][^#:=\n]*?)\s*::?(?:[^=]|$))`)

// targets warns of targets for which a Makefile has no rule, if it is plain enough to know.
func (c *cellInspection) targets(setting, what string, args []string, dir string) {
	var wanted []string
	for i := 1; i < len(args); i++ {
		switch arg := args[i]; {
		case arg == "-C" && i+1 < len(args):
			i++
			dir = from(dir, args[i])
		case strings.HasPrefix(arg, "-"):
			return
		case !strings.ContainsAny(arg, "={$"):
			wanted = append(wanted, arg)
		}
	}
	file := filepath.Join(dir, "Makefile")
	text := strings.ReplaceAll(string(scriptAt(file)), "\\\n", " ")
	if text == "" || scriptAt(filepath.Join(dir, "GNUmakefile")) != nil || scriptAt(filepath.Join(dir, "makefile")) != nil || strings.Contains(text, "include ") || strings.Contains(text, "$(eval") || strings.Contains(text, ".DEFAULT") {
		return
	}
	var rules []string
	for _, m := range ofMake.FindAllStringSubmatch(text, -1) {
		rules = append(rules, strings.Fields(m[1]+m[2])...)
	}
	if slices.ContainsFunc(rules, func(name string) bool { return strings.ContainsAny(name, "%$") }) {
		return
	}
	for _, target := range wanted {
		if _, err := os.Stat(from(dir, target)); err == nil || slices.Contains(rules, target) {
			continue
		}
		cure := "correct the name"
		if near := issue.Nearest(target, rules); near != "" {
			cure = "did you mean " + near + "?"
		}
		c.at(&c.warnings, setting, "%s: %s has no rule for %s; %s", what, file, target, cure)
	}
}

// interpreters run the script that is their first argument.
var interpreters = []string{"sh", "bash", "dash", "zsh", "python", "python3", "node", "ruby", "perl"}

// command checks that a program can be run and that its script is there.
func (c *cellInspection) command(setting, what string, args []string, dir string) {
	c.words(setting, what, args)
	program := args[0]
	if program == "make" {
		c.targets(setting, what, args, dir)
	}
	if _, err := os.Stat(from(dir, program)); err != nil && len(args) == 1 && strings.Contains(program, " ") {
		c.at(&c.issues, setting, "%s: no shell reads it, and %q is the name of one program; write [sh, -c, %q], or each argument as an element of its own", what, program, program)
		return
	}
	if slices.Contains(interpreters, filepath.Base(program)) && len(args) > 1 && !strings.HasPrefix(args[1], "-") {
		script := from(dir, args[1])
		if _, err := os.Stat(script); err != nil {
			c.at(&c.issues, setting, "%s: its script cannot be read: %v; write its path as seen from %s", what, err, dir)
		}
		c.script(script)
	}
	if assignment.MatchString(program) {
		c.at(&c.issues, setting, "%s: %q sets a variable, and no shell reads the command; write [env, %q, …]", what, program, program)
		return
	}
	if !strings.Contains(program, "/") {
		switch err := c.site.lookPath(program); {
		case err != nil && slices.Contains(ofShell, program):
			c.at(&c.issues, setting, "%s: %s is a word of the shell and no program; write [sh, -c, \"%s …\"]", what, program, program)
		case err != nil && strings.Contains(program, `\`):
			c.at(&c.issues, setting, `%s: there is no program %s; write / between folders, and not \`, what, program)
		case err != nil:
			c.at(&c.issues, setting, "%s: %v", what, err)
		}
		return
	}
	program = from(dir, program)
	info, err := os.Stat(program)
	switch {
	case err != nil:
		cure := "build it before the run"
		if _, err := os.Stat(filepath.Join(c.workload.Dir, "Makefile")); err == nil {
			cure += ": " + c.workload.Dir + " has a Makefile"
		}
		if c.hooked(trial.Phases()...) && !strings.HasPrefix(setting, "workload.hooks.") {
			c.at(&c.warnings, setting, "%s: %v, unless a hook makes it; correct its path, or %s", what, err, cure)
			return
		}
		c.at(&c.issues, setting, "%s: %v; correct its path, or %s", what, err, cure)
	case !info.Mode().IsRegular() || info.Mode()&0o111 == 0:
		c.at(&c.issues, setting, "%s %s cannot be executed; chmod +x it, or name the program that runs it first", what, program)
	default:
		if why := unstartable(program); why != "" {
			c.at(&c.issues, setting, "%s %s %s", what, program, why)
		}
		c.script(program)
	}
}

// unstartable returns why the system does not start a script, and what to do about it.
func unstartable(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(f, 512))
	first, _, _ := bytes.Cut(text, []byte("\n"))
	switch {
	case err != nil || len(text) == 0:
		return ""
	case !bytes.HasPrefix(first, []byte("#!")) && strings.HasSuffix(path, ".sh"): // others may be binaries
		return "does not begin with #!, and no shell reads the command; write #!/bin/sh as its first line, or name the program that runs it first"
	case bytes.HasPrefix(first, []byte("#!")) && bytes.HasSuffix(first, []byte("\r")):
		return `has lines that end as on Windows, so its interpreter is not found; run sed -i 's/\r$//' on it, and have git check it out so (eol=lf in .gitattributes)`
	}
	return ""
}

// largestScript is the size above which a program is no script that somebody wrote.
const largestScript = 256 << 10

// scriptAt is the text of a script, or nil if the file is none.
func scriptAt(path string) []byte {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > largestScript {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil || bytes.IndexByte(text, 0) >= 0 { // it is a binary
		return nil
	}
	return text
}

// script reports names of other clusters in a script.
func (c *cellInspection) script(path string) {
	for n, line := range strings.Split(string(scriptAt(path)), "\n") {
		if found := c.otherClusters().FindStringIndex(line); found != nil && !strings.HasPrefix(strings.TrimSpace(line), "#") {
			c.warnings.Add(path, issue.Position{Line: n + 1, Column: found[0] + 1}, otherNames, "this script", strings.TrimSpace(line[found[0]:found[1]]))
		}
	}
}

// hooked reports whether a hook runs before one of the phases.
func (c *cellInspection) hooked(phases ...trial.Phase) bool {
	return slices.ContainsFunc(phases, func(p trial.Phase) bool { return len(c.workload.Hooks[p].Before) > 0 })
}

var (
	operators = []string{"|", "||", "&&", "&", ";", ">", ">>", "<", "2>&1"}
	ofShell   = []string{"cd", "export", "source", ".", "eval", "set", "if", "for", "while"}
	// assignment sets a variable as a shell does; variable is what a shell replaces.
	assignment = regexp.MustCompile(`^[A-Za-z_]\w*=`)
	variable   = regexp.MustCompile(`\$[({A-Za-z_]|(?:^|=)~/`)
	// ofTrial is a variable of a trial, and kindsOwn a name of Kind's default cluster.
	ofTrial  = regexp.MustCompile(`\$\{?(STRATBENCH|KIND)_`)
	kindsOwn = regexp.MustCompile(`\bkind-(?:kind|control-plane|worker\d*)\b|\bnet(?:work)?[ =](?:(?:inspect|connect|disconnect) )?["']?kind(?:["'\s]|$)`)
	// another is that, or the name of a cluster in a command for kind.
	another = regexp.MustCompile(kindsOwn.String() + `|\bkind (?:get|load|export) [^|;&#]*--name[= ]["']?\w[\w-]*`)
)

// readByCommand is the cure for a variable in the environment of a command.
const readByCommand = "write the value out, or have the command read KUBECONFIG and the trial's other variables"

const otherNames = "%s: %q names another cluster than the trial's, which has a name of its own: KUBECONFIG leads to it, its network is called $STRATBENCH_CLUSTER, and its nodes $STRATBENCH_CLUSTER-control-plane, $STRATBENCH_CLUSTER-worker and so on"

// otherClusters finds names of other clusters than the trial's. A set-up of the user's own
// gives its clusters names.
func (c *cellInspection) otherClusters() *regexp.Regexp {
	if c.workload.Setup != nil {
		return kindsOwn
	}
	return another
}

// from is a path that starts from dir, unless it is absolute.
func from(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// words reports arguments that only a shell would understand.
func (c *cellInspection) words(setting, what string, args []string) {
	for _, found := range c.otherClusters().FindAllString(strings.Join(args, " "), -1) {
		c.at(&c.warnings, setting, otherNames, what, strings.TrimSpace(found))
	}
	if program := filepath.Base(args[0]); slices.Contains(interpreters, program) || program == "make" || program == "env" {
		return // it may replace them itself
	}
	for _, arg := range args[1:] {
		if slices.Contains(operators, arg) || variable.MatchString(arg) {
			c.at(&c.warnings, setting, "%s: %q is passed as it stands, because no shell reads the command; write [sh, -c, \"…\"]", what, arg)
		}
	}
}

// environment reports values that only a shell would understand, with a cure for them.
func (c *cellInspection) environment(prefix string, env map[string]string, cure string) {
	for name, value := range env {
		if kindsOwn.MatchString(value) {
			c.at(&c.warnings, prefix+name, otherNames, "the variable "+name, value)
		}
		if variable.MatchString(value) {
			c.at(&c.warnings, prefix+name, "%q is passed as it stands: variables are not replaced here; %s", value, cure)
		}
	}
}

// values reports values of a chart in which only a command could put names of the trial.
func (c *cellInspection) values(setting string, values any) {
	switch v := values.(type) {
	case map[string]any:
		for key, value := range v {
			c.values(setting+"."+key, value)
		}
	case []any:
		for i, value := range v {
			c.values(setting+"."+strconv.Itoa(i), value)
		}
	case string:
		if ofTrial.MatchString(v) || kindsOwn.MatchString(v) {
			c.at(&c.warnings, setting, "%q: no variable is replaced in the values of a chart, and the trial's cluster has a name of its own; install the chart by a command: [sh, -c, \"helm install … --set key=$STRATBENCH_CLUSTER-control-plane\"]", v)
		}
	}
}

// patches reports whether a patch of a Kind configuration has a word in it.
func patches(kind *v1alpha4.Cluster, word string) bool {
	of := func(patches []string, others []v1alpha4.PatchJSON6902) bool {
		return slices.ContainsFunc(patches, func(p string) bool { return strings.Contains(p, word) }) ||
			slices.ContainsFunc(others, func(p v1alpha4.PatchJSON6902) bool { return strings.Contains(p.Patch, word) })
	}
	return of(kind.KubeadmConfigPatches, kind.KubeadmConfigPatchesJSON6902) || slices.ContainsFunc(kind.Nodes, func(n v1alpha4.Node) bool {
		return of(n.KubeadmConfigPatches, n.KubeadmConfigPatchesJSON6902)
	})
}
