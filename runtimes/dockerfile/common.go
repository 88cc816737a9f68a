package dockerfile

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
)

// Common is what several builds have in common.
type Common struct {
	// Stages are the stages that several of the builds need.
	Stages []Stage
	// Steps is how many steps the builds have together: RUN, COPY and ADD.
	Steps int
	// Nearest is nil if there are common stages, or no two to compare.
	Nearest *Difference
}

// Stage is a stage that is the same in several builds.
type Stage struct {
	// Names has the stage's name in the Dockerfile of each of these builds, by the
	// build's place among all. First is the first of them.
	Names map[int]string
	First int
	// Steps is how many steps the stage has itself.
	Steps int
	// Within is true if another common stage needs this one, and is built with it.
	Within bool
}

// Difference is the first difference between the two stages of different builds that have
// the longest common beginning.
type Difference struct {
	Builds [2]int
	Stages [2]string
	// Parts are instructions, or what else differs, and Places are where: file:line.
	Parts, Places [2]string
}

// InCommon finds the stages that several builds have in common: those with a name and
// the same base, instructions, arguments in use and, if they use it, context. Contents
// are not compared, so two folders are never the same context; what an image has under
// ONBUILD is not known. Whether a stage is built again is decided by the engine's cache,
// so a wrong answer costs time and never gives a wrong image. The error is that of Read.
func InCommon(builds []runtimes.Build, engine trial.Runtime) (c Common, err error) {
	var all []*candidate
	known := map[string]*candidate{}
	for n, b := range builds {
		r, err := open(b, engine)
		if err != nil {
			return c, err
		}
		for _, i := range r.reachable(r.last()) {
			steps := r.steps(i)
			c.Steps += steps
			if r.stages[i].Name == "" || steps == 0 {
				continue // nothing by which to build it, or nothing to build
			}
			id := r.identity(i)
			if known[id] == nil {
				known[id] = &candidate{Stage{Names: map[int]string{}, First: n, Steps: steps}, r, i}
				all = append(all, known[id])
			}
			known[id].Names[n] = r.stages[i].Name
		}
	}
	common := slices.DeleteFunc(slices.Clone(all), func(s *candidate) bool { return len(s.Names) < 2 })
	for _, s := range common {
		for _, i := range s.r.reachable(s.index) {
			if needed := known[s.r.identity(i)]; needed != nil && needed != s {
				needed.Within = true
			}
		}
	}
	for _, s := range common {
		c.Stages = append(c.Stages, s.Stage)
	}
	if len(common) == 0 {
		c.Nearest = nearest(all)
	}
	return c, nil
}

// candidate is a stage in the Dockerfile of the first build that needs it.
type candidate struct {
	Stage
	r     *reader
	index int
}

// nearest compares the stages of different builds, none of which are the same.
func nearest(all []*candidate) (d *Difference) {
	longest := -1
	for i, b := range all {
		for _, a := range all[:i] {
			if a.First == b.First {
				continue
			}
			x, y := a.r.parts(a.index), b.r.parts(b.index)
			n := 0
			for n < min(len(x), len(y)) && x[n].is == y[n].is {
				n++
			}
			if n > longest {
				longest = n
				one, other := partAt(x, n), partAt(y, n)
				d = &Difference{Builds: [2]int{a.First, b.First}, Stages: [2]string{a.Names[a.First], b.Names[b.First]}, Parts: [2]string{one.name, other.name},
					Places: [2]string{fmt.Sprintf("%s:%d", a.r.file, one.line), fmt.Sprintf("%s:%d", b.r.file, other.line)}}
			}
		}
	}
	return d
}

// part is something on which the result of a stage depends: its name in messages,
// without values, which may be secret; what it is; and its line in the Dockerfile.
type part struct {
	name, is string
	line     int
}

func partAt(parts []part, n int) part {
	if n < len(parts) {
		return parts[n]
	}
	end := part{name: "its end"}
	for _, p := range parts {
		end.line = max(end.line, p.line)
	}
	return end
}

// identity is the same for stages with the same parts.
func (r *reader) identity(stage int) string {
	if _, known := r.identities[stage]; !known {
		h := sha256.New()
		for _, p := range r.parts(stage) {
			fmt.Fprintf(h, "%q\n", p.is)
		}
		r.identities[stage] = string(h.Sum(nil))
	}
	return r.identities[stage]
}

// parts are everything on which the result of a stage depends.
func (r *reader) parts(stage int) (all []part) {
	s, b := r.stages[stage], r.build
	// what is a further context, or the identity of a stage, whose name does not matter,
	// or else an image.
	what := func(name string) string {
		if context, is := r.further(name); is {
			return "context " + context
		}
		if i := r.stageNamed(name, stage); i >= 0 {
			return r.identity(i)
		}
		return name
	}
	add := func(line int, name, is string) { all = append(all, part{name, is, line}) }
	begin := r.position(s.Location, "").Line
	base, _, _ := r.lex.ProcessWord(s.BaseName, r.global)
	platform, _, _ := r.lex.ProcessWord(s.Platform, r.global)
	add(begin, "FROM "+s.BaseName, what(base))
	add(begin, "the platform", b.Platform+" "+platform)
	env, sent, mounts := environment{}, 0, 0 // the first lines that use the context, and mounts
	for _, command := range s.Commands {
		line, text := r.position(command.Location(), "").Line, r.text(command.Location())
		is, sends := text, false
		switch c := command.(type) {
		case *instructions.CopyCommand:
			if r.stageNamed(c.From, stage) >= 0 {
				is = strings.Replace(text, "--from="+c.From, "--from", 1) // what the stage is, is a part of its own
			}
			sends = c.From == "" && slices.ContainsFunc(c.SourcePaths, isSent)
		case *instructions.AddCommand:
			sends = slices.ContainsFunc(c.SourcePaths, isSent)
		case *instructions.RunCommand:
			if mounts == 0 && strings.Contains(text, "--mount") {
				mounts = line
			}
		}
		if sends && sent == 0 {
			sent = line
		}
		add(line, firstLine(text), is)
		if c, declares := command.(*instructions.ArgCommand); declares {
			r.declare(*c, env, r.global)
			for _, arg := range c.Args {
				add(line, "the argument "+arg.Key, env[arg.Key])
			}
		}
	}
	for _, from := range r.froms(s) {
		add(from.At.Line, "what is copied from "+from.Text, what(from.Text))
	}
	if line := cmp.Or(sent, mounts); line > 0 {
		context := b.Context
		for _, suffix := range []string{".dockerignore", ".containerignore"} {
			ignored, _ := os.ReadFile(r.file + suffix) // few Dockerfiles have one of their own
			context += "\n" + string(ignored)
		}
		add(line, "the context", context)
	}
	if mounts > 0 {
		add(mounts, "the secrets or ssh agents", fmt.Sprint(b.Secrets, b.SSH))
	}
	for _, name := range slices.Sorted(maps.Keys(b.Args)) {
		if needsNoARG(name) {
			add(begin, "the argument "+name, name+"="+b.Args[name])
		}
	}
	if r.needs.Syntax != nil {
		add(r.needs.Syntax.At.Line, "the frontend", r.needs.Syntax.Text)
	}
	return all
}

// isSent reports whether a source is of the context, and not at another address.
func isSent(source string) bool {
	return !strings.Contains(source, "://") && !strings.HasPrefix(source, "git@")
}

// needsNoARG reports whether engines use a build argument that no ARG declares.
func needsNoARG(name string) bool {
	return strings.HasSuffix(strings.ToLower(name), "_proxy") || strings.HasPrefix(name, "BUILDKIT_") || name == "SOURCE_DATE_EPOCH"
}

// steps counts the instructions of a stage that take time.
func (r *reader) steps(stage int) (n int) {
	for _, command := range r.stages[stage].Commands {
		switch command.(type) {
		case *instructions.RunCommand, *instructions.CopyCommand, *instructions.AddCommand:
			n++
		}
	}
	return n
}

// text is an instruction as it is written, with all its lines.
func (r *reader) text(at []parser.Range) string {
	if len(at) == 0 {
		return ""
	}
	lines := r.lines[at[0].Start.Line-1 : min(at[len(at)-1].End.Line, len(r.lines))]
	return strings.TrimSpace(strings.ReplaceAll(string(bytes.Join(lines, []byte("\n"))), "\r\n", "\n"))
}
