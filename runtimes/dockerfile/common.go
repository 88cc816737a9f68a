package dockerfile

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

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

// Difference is the first one between the two stages of different builds that are
// alike for longest.
type Difference struct {
	Builds [2]int
	Stages [2]string
	// Parts are instructions, or what else differs.
	Parts [2]string
}

// InCommon finds the stages that several builds have in common: those with a name and
// the same base, instructions, arguments in use and, if they use it, context. Contents
// are not compared, so two folders are never the same context; what an image has under
// ONBUILD is not known. Whether a stage is built again is decided by the engine's cache,
// so a wrong answer costs time and never gives a wrong image. The error is that of Read.
func InCommon(builds []runtimes.Build) (c Common, err error) {
	var all []*candidate
	known := map[string]*candidate{}
	for n, b := range builds {
		r, err := open(b)
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
				d = &Difference{Builds: [2]int{a.First, b.First}, Stages: [2]string{a.Names[a.First], b.Names[b.First]}, Parts: [2]string{nameAt(x, n), nameAt(y, n)}}
			}
		}
	}
	return d
}

// part is something on which the result of a stage depends: its name in messages,
// without values, which may be secret; and what it is.
type part struct{ name, is string }

func nameAt(parts []part, n int) string {
	if n == len(parts) {
		return "its end"
	}
	return parts[n].name
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
	// what is the identity of a stage, whose name does not matter, or else an image.
	what := func(name string) string {
		if i := r.stageNamed(name, stage); i >= 0 {
			return r.identity(i)
		}
		return name
	}
	add := func(name, is string) { all = append(all, part{name, is}) }
	base, _, _ := r.lex.ProcessWord(s.BaseName, r.global)
	platform, _, _ := r.lex.ProcessWord(s.Platform, r.global)
	add("FROM "+s.BaseName, what(base))
	add("the platform", b.Platform+" "+platform)
	env, sent, mounts := environment{}, false, false
	for _, command := range s.Commands {
		text := r.text(command.Location())
		is := text
		if c, copies := command.(*instructions.CopyCommand); copies && r.stageNamed(c.From, stage) >= 0 {
			is = strings.Replace(text, "--from="+c.From, "--from", 1) // what the stage is, is a part of its own
		}
		add(firstLine(text), is)
		switch c := command.(type) {
		case *instructions.ArgCommand:
			r.declare(*c, env, r.global)
			for _, arg := range c.Args {
				add("the argument "+arg.Key, env[arg.Key])
			}
		case *instructions.CopyCommand:
			sent = sent || c.From == "" && slices.ContainsFunc(c.SourcePaths, isSent)
		case *instructions.AddCommand:
			sent = sent || slices.ContainsFunc(c.SourcePaths, isSent)
		case *instructions.RunCommand:
			mounts = mounts || strings.Contains(text, "--mount")
		}
	}
	for _, from := range r.froms(s) {
		add("what is copied from "+from.Text, what(from.Text))
	}
	if sent || mounts {
		context := b.Context
		for _, suffix := range []string{".dockerignore", ".containerignore"} {
			ignored, _ := os.ReadFile(r.file + suffix) // few Dockerfiles have one of their own
			context += "\n" + string(ignored)
		}
		add("the context", context)
	}
	if mounts {
		add("the secrets or agents of ssh", fmt.Sprint(b.Secrets, b.SSH))
	}
	for _, name := range slices.Sorted(maps.Keys(b.Args)) {
		if needsNoARG(name) {
			add("the argument "+name, name+"="+b.Args[name])
		}
	}
	if r.needs.Syntax != nil {
		add("the frontend", r.needs.Syntax.Text)
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
