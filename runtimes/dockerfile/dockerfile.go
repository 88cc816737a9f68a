// Package dockerfile finds what the build of a Dockerfile needs: base images, files
// of its context, downloads; and which stages several builds have in common. It reads
// Dockerfiles as BuildKit does.
package dockerfile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	confined "github.com/containerd/continuity/fs"
	"github.com/distribution/reference"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"

	"github.com/stratbench/stratbench/internal/issue"
	"github.com/stratbench/stratbench/internal/readable"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/internal/buildcontext"
)

// Needs are what a build needs in addition to its context.
type Needs struct {
	// Images are the images that stages begin with or copy from.
	Images []Need
	// Syntax is the image of the BuildKit frontend that the file requests, or nil.
	// Podman ignores it.
	Syntax *Need
	// Fetches are sources at other addresses; Downloads are steps that appear to
	// download something.
	Fetches, Downloads []Need
	// Absent are files that are copied from the context, and not in it; Empty are
	// folders in it that hold nothing.
	Absent, Empty []Need
	// Mounts are the secrets and ssh agents that steps mount.
	Mounts []Mount
	// Doubts are places that may not mean what is written there, and why.
	Doubts []Need
	// Arguments are all that the file declares.
	Arguments []string
}

// Mount is a secret, or an ssh agent, by its id.
type Mount struct {
	Need
	SSH bool
	// Required is true if the step fails without it.
	Required bool
}

// Need is one thing that the build needs, and its position in the Dockerfile.
type Need struct {
	// Text is an image, an address or a command.
	Text string
	At   issue.Position
}

// Read reads the Dockerfile of a build as an engine does. Only the stages that the target
// needs count, because others are not built; the default target is the last stage. The
// error is a *NoStageError, or an *issue.List of what is wrong with the file.
func Read(b runtimes.Build, engine trial.Runtime) (*Needs, error) {
	r, err := open(b, engine)
	if err != nil {
		return nil, err
	}
	return r.needs, nil
}

// open reads the Dockerfile of a build, and checks what its target needs.
func open(b runtimes.Build, engine trial.Runtime) (*reader, error) {
	file := filepath.Join(b.Context, filepath.FromSlash(buildcontext.Dockerfile(b.Dockerfile)))
	r := &reader{build: b, engine: engine, file: file, global: environment{}, needs: &Needs{}, identities: map[int]string{}}
	text, err := readable.File(file)
	if err != nil {
		r.issues.Add(file, issue.Position{}, "reading the Dockerfile: %v; make it readable", err)
		return nil, r.issues.Err()
	}
	r.lines = bytes.Split(text, []byte("\n"))
	if r.excluded, r.ignoreFile, err = buildcontext.Excluded(engine, b.Context, b.Dockerfile); err != nil {
		r.issues.Add(filepath.Join(b.Context, r.ignoreFile), issue.Position{}, "%v; correct it", err)
		return nil, r.issues.Err()
	}
	if err := r.read(text); err != nil {
		return nil, err
	}
	return r, nil
}

// NoStageError is the error if a Dockerfile has no stage with the target's name.
type NoStageError struct {
	Target string
	// Stages are the names of the existing stages.
	Stages []string
}

func (e *NoStageError) Error() string {
	if len(e.Stages) == 0 {
		return fmt.Sprintf("the Dockerfile has no stage %q, and no other stage with a name; write FROM … AS %s in it, or remove the target", e.Target, e.Target)
	}
	return fmt.Sprintf("the Dockerfile has no stage %q; correct the target: there are %s", e.Target, strings.Join(e.Stages, ", "))
}

type environment map[string]string

// Get implements shell.EnvGetter.
func (e environment) Get(key string) (string, bool) { v, ok := e[key]; return v, ok }

// Keys implements shell.EnvGetter.
func (e environment) Keys() []string { return slices.Collect(maps.Keys(e)) }

type reader struct {
	build      runtimes.Build
	engine     trial.Runtime
	file       string
	lines      [][]byte
	lex        *shell.Lex
	global     environment
	stages     []instructions.Stage
	excluded   func(name string) bool
	ignoreFile string
	needs      *Needs
	meta       []string // arguments before the first stage
	issues     issue.List
	// identities are those of stages, once they are known.
	identities map[int]string
}

func (r *reader) read(text []byte) error {
	if syntax, _, at, ok := parser.DetectSyntax(text); ok && len(strings.Fields(syntax)) > 0 {
		r.needs.Syntax = &Need{strings.Fields(syntax)[0], r.position(at, syntax)}
	}
	parsed, err := parser.Parse(bytes.NewReader(text))
	var metaArgs []instructions.ArgCommand
	if err == nil {
		for _, node := range parsed.AST.Children {
			node.Flags = slices.DeleteFunc(node.Flags, func(flag string) bool { return strings.HasPrefix(flag, "--parents") }) // frontends know it
		}
		r.lex = shell.NewLex(parsed.EscapeToken)
		r.stages, metaArgs, err = instructions.Parse(parsed.AST, nil)
	}
	if err != nil {
		at := issue.Position{Line: 1, Column: 1}
		var located *parser.LocationError
		if errors.As(err, &located) && len(located.Locations) > 0 {
			at = r.position(located.Locations[0], "")
		}
		r.issues.Add(r.file, at, "this is not a Dockerfile that BuildKit can read: %v; correct it", err)
		return r.issues.Err()
	}
	if len(r.stages) == 0 {
		r.issues.Add(r.file, issue.Position{Line: 1, Column: 1}, "the Dockerfile has no FROM; write one")
		return r.issues.Err()
	}
	if r.last() < 0 {
		missing := &NoStageError{Target: r.build.Target}
		for _, s := range r.stages {
			if s.Name != "" {
				missing.Stages = append(missing.Stages, s.Name)
			}
		}
		return missing
	}
	for _, of := range []string{"BUILD", "TARGET"} { // BuildKit sets these
		r.global[of+"PLATFORM"], r.global[of+"OS"] = "linux/"+runtime.GOARCH, "linux"
		r.global[of+"ARCH"], r.global[of+"VARIANT"] = runtime.GOARCH, ""
	}
	for _, arg := range metaArgs {
		r.declare(arg, r.global, nil)
		for _, a := range arg.Args {
			r.meta, r.needs.Arguments = append(r.meta, a.Key), append(r.needs.Arguments, a.Key)
		}
	}
	for _, s := range r.stages {
		r.needs.Arguments = append(r.needs.Arguments, declared(s)...)
	}
	r.trigger()
	for _, i := range r.reachable(r.last()) {
		r.stage(i)
	}
	return r.issues.Err()
}

// trigger puts the instructions that the base of a stage has under ONBUILD before those
// of the stage, as builds do. Only a base that is a stage itself is known.
func (r *reader) trigger() {
	own := slices.Clone(r.stages)
	for i, s := range own {
		name, _, _ := r.lex.ProcessWord(s.BaseName, r.global)
		base := r.stageNamed(name, i)
		if base < 0 {
			continue
		}
		var triggered []instructions.Command
		for _, command := range own[base].Commands {
			on, is := command.(*instructions.OnbuildCommand)
			if !is {
				continue
			}
			parsed, err := parser.Parse(strings.NewReader(on.Expression))
			if err != nil || len(parsed.AST.Children) != 1 {
				continue // the build reports it
			}
			node, at := parsed.AST.Children[0], on.Location()
			node.StartLine, node.EndLine = at[0].Start.Line, at[len(at)-1].End.Line
			if command, err := instructions.ParseCommand(node); err == nil {
				triggered = append(triggered, command)
			}
		}
		r.stages[i].Commands = slices.Concat(triggered, s.Commands)
	}
}

// declare sets arguments to the given values, or the defaults, or outer's values.
func (r *reader) declare(c instructions.ArgCommand, env, outer environment) {
	for _, arg := range c.Args {
		if value, given := r.build.Args[arg.Key]; given {
			env[arg.Key] = value
		} else if arg.Value != nil {
			env[arg.Key], _, _ = r.lex.ProcessWord(*arg.Value, env)
		} else if value, known := outer[arg.Key]; known {
			env[arg.Key] = value
		}
	}
}

// last returns the stage that is built, or -1 if there is none of the target's name.
func (r *reader) last() int {
	if r.build.Target == "" {
		return len(r.stages) - 1
	}
	return r.stageNamed(r.build.Target, len(r.stages))
}

// reachable returns a stage and those that it needs, in the file's order.
func (r *reader) reachable(stage int) []int {
	seen := map[int]bool{}
	var visit func(int)
	visit = func(i int) {
		if i < 0 || seen[i] {
			return
		}
		seen[i] = true
		base, _, _ := r.lex.ProcessWord(r.stages[i].BaseName, r.global)
		visit(r.stageNamed(base, i))
		for _, from := range r.froms(r.stages[i]) {
			visit(r.stageNamed(from.Text, i))
		}
	}
	visit(stage)
	return slices.Sorted(maps.Keys(seen))
}

// stageNamed returns the stage with a name or number among those before another, or -1.
func (r *reader) stageNamed(name string, before int) int {
	if _, is := r.further(name); is {
		return -1
	}
	for i := before - 1; i >= 0; i-- {
		if r.stages[i].Name != "" && strings.EqualFold(r.stages[i].Name, name) {
			return i
		}
	}
	if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < before {
		return i
	}
	return -1
}

// further returns the further context that a name means, before any stage or image.
func (r *reader) further(name string) (context string, is bool) {
	if r.engine == trial.Podman { // it compares the words
		context, is = r.build.Contexts[name]
		return context, is
	}
	for called, context := range r.build.Contexts {
		if buildcontext.Name(called) == buildcontext.Name(name) {
			return context, true
		}
	}
	return "", false
}

// froms returns the images and stages that COPY and mounts take files from.
func (r *reader) froms(s instructions.Stage) (all []Need) {
	for _, command := range s.Commands {
		switch c := command.(type) {
		case *instructions.CopyCommand:
			if c.From != "" {
				all = append(all, Need{c.From, r.position(c.Location(), c.From)})
			}
		case *instructions.RunCommand:
			for _, mount := range instructions.GetMounts(c) {
				if mount.From != "" {
					all = append(all, Need{mount.From, r.position(c.Location(), mount.From)})
				}
			}
		}
	}
	return all
}

func (r *reader) stage(i int) {
	s := r.stages[i]
	base, _, err := r.lex.ProcessWord(s.BaseName, r.global)
	at, called := r.position(s.Location, s.BaseName), base
	if r.engine == trial.Podman {
		called = s.BaseName // it looks before it replaces arguments
	}
	context, isFurther := r.further(called)
	ref, isImage := trial.ImageContext(context)
	switch {
	case err != nil:
		r.issues.Add(r.file, at, "FROM %s: %v; correct it", s.BaseName, err)
	case isFurther && isImage:
		r.needs.Images = append(r.needs.Images, Need{ref, at})
	case isFurther && r.engine == trial.Podman:
		r.issues.Add(r.file, at, "FROM %s: this context is a folder, and with Podman a stage begins only with an image; write FROM scratch and COPY --from=%s . /", s.BaseName, s.BaseName)
	case isFurther:
	case base == "scratch" || r.stageNamed(base, i) >= 0:
	case strings.Contains(s.BaseName, "$") && !isReference(base):
		r.issues.Add(r.file, at, "FROM %s names no image: it becomes %q; give each argument in it a value that fits, by a default with ARG before the first FROM, or under args", s.BaseName, base)
	default:
		r.needs.Images = append(r.needs.Images, Need{base, at})
	}
	if base != "scratch" && r.stageNamed(base, i) < 0 {
		r.likeStage(base, at, i)
	}
	if platform, unset, err := r.lex.ProcessWord(s.Platform, r.global); err == nil && platform == "" && len(unset) > 0 && r.engine == trial.Docker {
		r.issues.Add(r.file, at, "--platform=%s: no argument before the first FROM has this name; write one that BuildKit sets, such as $BUILDPLATFORM, or declare it", s.Platform)
	}
	for _, f := range r.froms(s) {
		if r.stageNamed(f.Text, i) < 0 {
			r.likeStage(f.Text, f.At, i)
		}
		context, isFurther := r.further(f.Text)
		ref, isImage := trial.ImageContext(context)
		switch {
		case isFurther && isImage:
			r.needs.Images = append(r.needs.Images, Need{ref, f.At})
		case !isFurther && !strings.Contains(f.Text, "$") && f.Text != "scratch" && r.stageNamed(f.Text, i) < 0:
			r.needs.Images = append(r.needs.Images, f)
		}
	}
	r.unset(i)
	r.commands(s)
}

// likeStage warns of a word for an image that is probably meant as a stage: it is the name
// of a later stage, or nearly that of another.
func (r *reader) likeStage(word string, at issue.Position, stage int) {
	if _, is := r.further(word); is || word == "" || strings.ContainsAny(word, "/:.@$") {
		return
	}
	var others []string
	for i, s := range r.stages {
		switch {
		case i >= stage && strings.EqualFold(s.Name, word):
			r.needs.Doubts = append(r.needs.Doubts, Need{fmt.Sprintf("%s is an image here, because the stage of that name does not begin before this one; move it up", word), at})
			return
		case i != stage && s.Name != "":
			others = append(others, s.Name)
		}
	}
	if near := issue.Nearest(word, others); near != "" {
		r.needs.Doubts = append(r.needs.Doubts, Need{fmt.Sprintf("no stage has the name %s, so this is an image; did you mean %s?", word, near), at})
	}
}

// declared are the arguments that a stage declares.
func declared(s instructions.Stage) (names []string) {
	for _, command := range s.Commands {
		if arg, is := command.(*instructions.ArgCommand); is {
			for _, a := range arg.Args {
				names = append(names, a.Key)
			}
		}
	}
	return names
}

// unset warns of arguments that are given, or declared before the first stage: a stage has
// them only if it declares them itself.
func (r *reader) unset(i int) {
	known := []string{}
	for at := i; at >= 0; {
		known = append(known, declared(r.stages[at])...)
		for _, command := range r.stages[at].Commands {
			if env, is := command.(*instructions.EnvCommand); is {
				for _, kv := range env.Env {
					known = append(known, kv.Key)
				}
			}
		}
		base, _, _ := r.lex.ProcessWord(r.stages[at].BaseName, r.global)
		at = r.stageNamed(base, at)
	}
	names := slices.Compact(slices.Sorted(slices.Values(append(slices.Collect(maps.Keys(r.build.Args)), r.meta...))))
	for _, name := range names {
		use := regexp.MustCompile(`\$(?:` + regexp.QuoteMeta(name) + `\b|\{` + regexp.QuoteMeta(name) + `[}:])`)
		for _, command := range r.stages[i].Commands {
			at := command.Location()
			if slices.Contains(known, name) || len(at) == 0 || strings.HasSuffix(strings.ToLower(name), "_proxy") {
				continue
			}
			text := r.text(at)
			if found := use.FindString(text); found != "" && !strings.Contains(text, name+"=") {
				r.needs.Doubts = append(r.needs.Doubts, Need{fmt.Sprintf("%s is not set in this stage, which has no ARG %s; write it after the stage's FROM, also if there is one before the first", found, name), r.position(at, found)})
				break
			}
		}
	}
}

// shellForm warns of a command that looks like JSON and is not JSON.
func (r *reader) shellForm(words []string, at []parser.Range) {
	if len(words) > 0 && strings.HasPrefix(words[0], "[") {
		r.needs.Doubts = append(r.needs.Doubts, Need{fmt.Sprintf("%s is no JSON, so a shell runs it as it stands; write double quotes, and commas between the words", words[0]), r.position(at, words[0])})
	}
}

func isReference(text string) bool {
	_, err := reference.ParseNormalizedNamed(text)
	return err == nil
}

// commands follows the environment of a stage and checks what it copies and runs.
func (r *reader) commands(s instructions.Stage) {
	env := environment{}
	for _, command := range s.Commands {
		switch c := command.(type) {
		case *instructions.ArgCommand:
			r.declare(*c, env, r.global)
		case *instructions.EnvCommand:
			for _, kv := range c.Env {
				env[kv.Key], _, _ = r.lex.ProcessWord(kv.Value, env)
			}
		case *instructions.CopyCommand:
			if c.From == "" {
				r.sources(c.SourcePaths, env, c.Location())
			}
		case *instructions.AddCommand:
			r.sources(c.SourcePaths, env, c.Location())
		case *instructions.EntrypointCommand:
			r.shellForm(c.CmdLine, c.Location())
		case *instructions.CmdCommand:
			r.shellForm(c.CmdLine, c.Location())
		case *instructions.RunCommand:
			r.mounts(c, env)
			if text := strings.Join(c.CmdLine, " "); downloads(text) {
				r.needs.Downloads = append(r.needs.Downloads, Need{firstLine(text), r.position(c.Location(), "")})
			}
		}
	}
}

// mounts records the secrets and agents that a step mounts. It ignores a mount with
// options that only Podman knows.
func (r *reader) mounts(c *instructions.RunCommand, env environment) {
	expand := func(word string) (string, error) {
		text, _, err := r.lex.ProcessWord(word, env)
		return text, err
	}
	if c.Expand(expand) != nil {
		return
	}
	for _, m := range instructions.GetMounts(c) {
		id := cmp.Or(m.Source, m.CacheID)
		switch m.Type {
		case instructions.MountTypeSecret:
			id = cmp.Or(id, path.Base(m.Target))
		case instructions.MountTypeSSH:
			id = cmp.Or(m.CacheID, "default")
		default:
			continue
		}
		r.needs.Mounts = append(r.needs.Mounts, Mount{Need{id, r.position(c.Location(), id)}, m.Type == instructions.MountTypeSSH, m.Required})
	}
}

// sources checks that the context contains what is copied from it.
func (r *reader) sources(sources []string, env environment, at []parser.Range) {
	for _, source := range sources {
		name, unset, err := r.lex.ProcessWord(source, env)
		if err != nil || len(unset) > 0 {
			continue // the base image may set the other variables
		}
		if !isSent(name) {
			r.needs.Fetches = append(r.needs.Fetches, Need{name, r.position(at, source)})
			continue
		}
		name = strings.TrimPrefix(path.Clean("/"+filepath.ToSlash(name)), "/")
		if name == "" || strings.Contains(name, "**") {
			continue
		}
		found, err := fs.Glob(os.DirFS(r.build.Context), name)
		if err != nil {
			continue
		}
		// A build follows links within the context only.
		inside, err := confined.RootPath(r.build.Context, name)
		if err == nil {
			_, err = os.Lstat(inside)
		}
		entries, _ := os.ReadDir(inside) // none of a file
		need, literal := Need{source, r.position(at, source)}, slices.Contains(found, name)
		switch {
		case err == nil && !literal:
			found = append(found, name)
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil && literal:
			r.issues.Add(r.file, need.At, "%s is behind a link that leads out of the context, and a build looks nowhere else; copy the file into the context, or give a wider context", source)
			continue
		}
		switch {
		case len(found) == 0:
			r.needs.Absent = append(r.needs.Absent, need)
		case !slices.ContainsFunc(found, func(f string) bool { return !r.excluded(f) }):
			r.issues.Add(r.file, need.At, "%s is not sent, because the context's %s excludes it; remove it there, or add an exception: !%s", source, r.ignoreFile, name)
		case err == nil && len(entries) == 0 && isFolder(inside):
			r.needs.Empty = append(r.needs.Empty, need)
		}
	}
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// position returns where a command contains the text, or else where it begins.
func (r *reader) position(at []parser.Range, text string) issue.Position {
	if len(at) == 0 {
		return issue.Position{Line: 1, Column: 1}
	}
	for line := at[0].Start.Line; text != "" && line <= at[len(at)-1].End.Line && line <= len(r.lines); line++ {
		if i := bytes.Index(r.lines[line-1], []byte(text)); i >= 0 {
			return issue.Position{Line: line, Column: i + 1}
		}
	}
	return issue.Position{Line: at[0].Start.Line, Column: 1}
}

// downloads reports whether a step appears to download something.
func downloads(command string) bool {
	words := " " + strings.Join(strings.Fields(command), " ") + " "
	return slices.ContainsFunc([]string{
		" apt-get install ", " apt-get update ", " apt-get -y install ", " apt install ", " apk add ", " dnf install ", " yum install ", " microdnf install ",
		" curl ", " wget ", " git clone ", " npm ci ", " npm install ", " yarn install ", " pnpm install ", " pip install ", " pip3 install ",
		" go mod download ", " cargo fetch ", " bundle install ", " gem install ",
	}, func(w string) bool { return strings.Contains(words, w) })
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if len(line) > 60 {
		line = line[:60] + "…"
	}
	return line
}
