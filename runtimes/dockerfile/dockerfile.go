// Package dockerfile says what the build of a Dockerfile needs to be there:
// base images, files of its context, a way out. It reads it as BuildKit does.
package dockerfile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"

	"github.com/stratbench/stratbench/internal/issue"
	"github.com/stratbench/stratbench/runtimes/internal/buildcontext"
)

// Needs are what a build needs beside its context.
type Needs struct {
	// Images are the images that stages begin with or copy from.
	Images []Need
	// Syntax is the image of the frontend that the file asks BuildKit for, or
	// nil. Podman does not read it.
	Syntax *Need
	// Fetches are sources that are fetched from elsewhere, and Downloads steps
	// that look as if they did so, too.
	Fetches, Downloads []Need
	// Mounts are the secrets and the agents of ssh that steps mount.
	Mounts []Mount
}

// Mount is a secret, or an agent of ssh, by its id.
type Mount struct {
	Need
	SSH bool
	// Required says that the step fails without it, instead of running without.
	Required bool
}

// Need is one thing that is needed, and where the Dockerfile says so.
type Need struct {
	// Text is an image, an address or a command.
	Text string
	At   issue.Position
}

// Read reads the Dockerfile, a path below the folder context, with the build
// arguments args. Only the stages that lead to the target count, or to the last
// one where that is empty, as others are not built. The error is a *NoStageError,
// or an *issue.List of what is wrong with it, also of the files that it copies and
// the context does not have.
func Read(context, dockerfile, target string, args map[string]string) (*Needs, error) {
	file := filepath.Join(context, filepath.FromSlash(buildcontext.Dockerfile(dockerfile)))
	r := &reader{file: file, context: context, target: target, args: args, global: environment{}, needs: &Needs{}}
	text, err := os.ReadFile(file)
	if err != nil {
		r.issues.Add(file, issue.Position{}, "reading the Dockerfile: %v; make it readable", err)
		return nil, r.issues.Err()
	}
	r.lines = bytes.Split(text, []byte("\n"))
	if r.excluded, err = buildcontext.Excluded(context, dockerfile); err != nil {
		r.issues.Add(filepath.Join(context, ".dockerignore"), issue.Position{}, "%v; correct it", err)
		return nil, r.issues.Err()
	}
	r.read(text)
	if r.noStage != nil {
		return nil, r.noStage
	}
	if err := r.issues.Err(); err != nil {
		return nil, err
	}
	return r.needs, nil
}

// NoStageError says that a Dockerfile has no stage of the target's name.
type NoStageError struct {
	Target string
	// Stages are the names of those that it has.
	Stages []string
}

func (e *NoStageError) Error() string {
	if len(e.Stages) == 0 {
		return fmt.Sprintf("the Dockerfile has no stage %q, nor any other with a name; write FROM … AS %s in it, or take the target out", e.Target, e.Target)
	}
	return fmt.Sprintf("the Dockerfile has no stage %q; correct the target: there are %s", e.Target, strings.Join(e.Stages, ", "))
}

type environment map[string]string

// Get implements shell.EnvGetter.
func (e environment) Get(key string) (string, bool) { v, ok := e[key]; return v, ok }

// Keys implements shell.EnvGetter.
func (e environment) Keys() (keys []string) {
	for key := range e {
		keys = append(keys, key)
	}
	return keys
}

type reader struct {
	file, context string
	target        string
	args          map[string]string
	lines         [][]byte
	lex           *shell.Lex
	global        environment
	stages        []instructions.Stage
	excluded      func(name string) bool
	needs         *Needs
	issues        issue.List
	noStage       *NoStageError
}

func (r *reader) read(text []byte) {
	if syntax, _, at, ok := parser.DetectSyntax(text); ok {
		r.needs.Syntax = &Need{strings.Fields(syntax)[0], r.position(at, syntax)}
	}
	parsed, err := parser.Parse(bytes.NewReader(text))
	var metaArgs []instructions.ArgCommand
	if err == nil {
		r.lex = shell.NewLex(parsed.EscapeToken)
		r.stages, metaArgs, err = instructions.Parse(parsed.AST, nil)
	}
	if err != nil {
		at := issue.Position{Line: 1, Column: 1}
		var located *parser.LocationError
		if errors.As(err, &located) && len(located.Locations) > 0 {
			at = r.position(located.Locations[0], "")
		}
		r.issues.Add(r.file, at, "this is no Dockerfile that BuildKit reads: %v; correct it", err)
		return
	}
	if len(r.stages) == 0 {
		r.issues.Add(r.file, issue.Position{Line: 1, Column: 1}, "the Dockerfile has no FROM; write one")
		return
	}
	if r.target != "" && r.stageNamed(r.target, len(r.stages)) < 0 {
		r.noStage = &NoStageError{Target: r.target}
		for _, s := range r.stages {
			if s.Name != "" {
				r.noStage.Stages = append(r.noStage.Stages, s.Name)
			}
		}
		return
	}
	r.platform()
	for _, arg := range metaArgs {
		r.declare(arg, r.global, nil)
	}
	for _, i := range r.reachable() {
		r.stage(i)
	}
}

// platform sets the arguments that BuildKit does.
func (r *reader) platform() {
	for _, of := range []string{"BUILD", "TARGET"} {
		r.global[of+"PLATFORM"], r.global[of+"OS"] = "linux/"+runtime.GOARCH, "linux"
		r.global[of+"ARCH"], r.global[of+"VARIANT"] = runtime.GOARCH, ""
	}
}

// declare gives arguments their values: as given, or of outer, or by default.
func (r *reader) declare(c instructions.ArgCommand, env, outer environment) {
	for _, arg := range c.Args {
		if value, given := r.args[arg.Key]; given {
			env[arg.Key] = value
		} else if arg.Value != nil {
			env[arg.Key], _, _ = r.lex.ProcessWord(*arg.Value, env)
		} else if value, known := outer[arg.Key]; known {
			env[arg.Key] = value
		}
	}
}

// reachable are the stages that lead to the last one, in the file's order.
func (r *reader) reachable() []int {
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
			visit(r.stageNamed(from.text, i))
		}
	}
	last := len(r.stages) - 1
	if r.target != "" {
		last = r.stageNamed(r.target, len(r.stages))
	}
	visit(last)
	var all []int
	for i := range r.stages {
		if seen[i] {
			all = append(all, i)
		}
	}
	return all
}

// stageNamed is the stage before another that a name or number stands for, or -1.
func (r *reader) stageNamed(name string, before int) int {
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

// from is what a COPY or a mount takes files of.
type from struct {
	text string
	at   []parser.Range
}

func (r *reader) froms(s instructions.Stage) (all []from) {
	for _, command := range s.Commands {
		switch c := command.(type) {
		case *instructions.CopyCommand:
			if c.From != "" {
				all = append(all, from{c.From, c.Location()})
			}
		case *instructions.RunCommand:
			for _, mount := range instructions.GetMounts(c) {
				if mount.From != "" {
					all = append(all, from{mount.From, c.Location()})
				}
			}
		}
	}
	return all
}

func (r *reader) stage(i int) {
	s := r.stages[i]
	base, _, err := r.lex.ProcessWord(s.BaseName, r.global)
	at := r.position(s.Location, s.BaseName)
	switch {
	case err != nil:
		r.issues.Add(r.file, at, "FROM %s: %v; correct it", s.BaseName, err)
	case base == "" || strings.HasSuffix(base, ":"):
		r.issues.Add(r.file, at, "FROM %s names no image, because an argument in it has no value; give it a default with ARG before the first FROM, or a value under args", s.BaseName)
	case base != "scratch" && r.stageNamed(base, i) < 0:
		r.needs.Images = append(r.needs.Images, Need{base, at})
	}
	for _, f := range r.froms(s) {
		if !strings.Contains(f.text, "$") && f.text != "scratch" && r.stageNamed(f.text, i) < 0 {
			r.needs.Images = append(r.needs.Images, Need{f.text, r.position(f.at, f.text)})
		}
	}
	r.commands(s)
}

// commands follows the environment of a stage and looks at what it copies.
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
		case *instructions.RunCommand:
			r.mounts(c, env)
			if text := strings.Join(c.CmdLine, " "); downloads(text) {
				r.needs.Downloads = append(r.needs.Downloads, Need{firstLine(text), r.position(c.Location(), "")})
			}
		}
	}
}

// mounts notes what a step mounts that is in no context and no image. Podman
// knows options of mounts that BuildKit does not.
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

// sources makes sure that the context has what is copied from it.
func (r *reader) sources(sources []string, env environment, at []parser.Range) {
	for _, source := range sources {
		name, unset, err := r.lex.ProcessWord(source, env)
		if err != nil || len(unset) > 0 {
			continue // a base image's environment may have it
		}
		if strings.Contains(name, "://") || strings.HasPrefix(name, "git@") {
			r.needs.Fetches = append(r.needs.Fetches, Need{name, r.position(at, source)})
			continue
		}
		name = strings.TrimPrefix(path.Clean("/"+filepath.ToSlash(name)), "/")
		if name == "" {
			continue
		}
		found, err := filepath.Glob(filepath.Join(escapeGlob(r.context), filepath.FromSlash(name)))
		if err != nil {
			continue
		}
		if _, statErr := os.Lstat(filepath.Join(r.context, name)); statErr == nil {
			found = append(found, filepath.Join(r.context, name))
		} else if !errors.Is(statErr, fs.ErrNotExist) {
			continue
		}
		switch {
		case len(found) == 0:
			r.issues.Add(r.file, r.position(at, source), "%s is not in the context %s; make it first, or correct the path, which is relative to the context", source, r.context)
		case !slices.ContainsFunc(found, func(f string) bool { return !r.excluded(r.relative(f)) }):
			r.issues.Add(r.file, r.position(at, source), "%s is not sent, because the context's .dockerignore excludes it; take it out there", source)
		}
	}
}

func (r *reader) relative(file string) string {
	name, err := filepath.Rel(r.context, file)
	if err != nil {
		return file
	}
	return filepath.ToSlash(name)
}

func escapeGlob(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

// position is where a command begins, or where it has the text.
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

// downloads says that a step looks as if it needed a way out.
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
		line = fmt.Sprint(line[:60], "…")
	}
	return line
}
