package spec

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
)

// Setup is a set-up inside the user's own code: a command that builds, makes
// its cluster, loads and deploys, and is run as it is.
type Setup struct {
	// Command is the program and its arguments. {{concurrency}}, {{strategy}},
	// {{schedule}}, {{runtime}} and {{cluster}} in them stand for what the trial
	// is to do.
	Command []string `json:"command" jsonschema:"required,minItems=1"`
	// Dir is the folder to run it in. Default: the workload's.
	Dir string `json:"dir,omitempty" jsonschema:"minLength=1"`
	// Env is added to the environment, as the command with {{…}} replaced. The
	// environment also has KUBECONFIG, KIND_CLUSTER_NAME and the variables that
	// docs/workloads.md lists, such as STRATBENCH_SCHEDULE and STRATBENCH_CLUSTER.
	Env map[string]string `json:"env,omitempty"`
	// Marks find the phases in the lines that the command prints. The command
	// may also call stratbench mark PHASE start, and stratbench mark PHASE end.
	Marks Marks `json:"marks,omitempty"`
	// Prepare is run before each trial, and is not timed; Cleanup after it, on an
	// engine of the user's.
	Prepare []string `json:"prepare,omitempty" jsonschema:"minItems=1"`
	Cleanup []string `json:"cleanup,omitempty" jsonschema:"minItems=1"`
	// Timeout bounds how long the command may take, and Silence how long it may
	// print nothing; inside a phase that its marks show, the limits of the phase
	// count as well. Default 1h, and 10m.
	Timeout Duration `json:"timeout,omitempty" jsonschema:"default=1h"`
	Silence Duration `json:"silence,omitempty" jsonschema:"default=10m"`
}

// Marks are patterns by phase.
type Marks map[trial.Phase]Mark

// Mark is how a phase is seen in lines of output, by regular expressions.
type Mark struct {
	// Start is found in the line with which the phase begins.
	Start string `json:"start" jsonschema:"required,minLength=1"`
	// End is found in the line with which it ends. Without one, it ends when the
	// next phase begins, or with the command.
	End string `json:"end,omitempty" jsonschema:"minLength=1"`
}

// Placeholders are what {{…}} may stand for in a set-up command.
func Placeholders() []string {
	return []string{"cluster", "concurrency", "runtime", "schedule", "strategy"}
}

var placeholder = regexp.MustCompile(`\{\{\s*([^{}]*?)\s*\}\}`)

// Fill replaces {{name}} in a text by the value of that name. What has no value
// may be a template of a program's, and stays.
func Fill(text string, values map[string]string) string {
	return placeholder.ReplaceAllStringFunc(text, func(found string) string {
		if value, known := values[placeholder.FindStringSubmatch(found)[1]]; known {
			return value
		}
		return found
	})
}

// setup resolves a set-up of the user's own.
func (r *resolver) setup(w *Workload) {
	s := w.Setup
	for key, given := range map[string]bool{"kindConfig": w.KindConfig != "", "manifests": len(w.Manifests) > 0, "deploy": len(w.Deploy) > 0, "ready": len(w.Ready.URLs) > 0, "preload": len(w.Preload) > 0} {
		if given {
			r.problem("/"+key, "%s is given beside setup, whose command does the whole set-up; take one of them out", key)
		}
	}
	for i, image := range w.Images {
		if image.Context != "" || image.Tag != "" {
			r.problem(fmt.Sprintf("/images/%d", i), "the set-up command builds the images; give name and weight alone, for strategies to schedule")
		}
	}
	for _, c := range []struct {
		at   string
		args []string
	}{{"/setup/command", s.Command}, {"/setup/prepare", s.Prepare}, {"/setup/cleanup", s.Cleanup}} {
		if len(c.args) > 0 && c.args[0] == "" {
			r.problem(c.at+"/0", "the command has no name; write the program first")
		}
		for i, arg := range c.args {
			r.placeholders(fmt.Sprintf("%s/%d", c.at, i), arg)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Env)) {
		r.placeholders(pointerTo("setup", "env", name), s.Env[name])
	}
	for _, phase := range slices.Sorted(maps.Keys(s.Marks)) {
		mark := s.Marks[phase]
		at := pointerTo("setup", "marks", string(phase))
		r.pattern(at+"/start", mark.Start)
		r.pattern(at+"/end", mark.End)
		if mark.End != "" && mark.End == mark.Start {
			r.problem(at+"/end", "the same line begins and ends the phase %s; find one line for each, or take end out", phase)
		}
	}
	if s.Dir == "" {
		s.Dir = "."
	}
	s.Dir = r.absolute(s.Dir)
	r.folder("/setup/dir", s.Dir)
}

// placeholders reports what is nearly one. Anything else may be a template of
// a program's, such as docker ps --format {{.Names}}.
func (r *resolver) placeholders(at, text string) {
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		if near := nearest(m[1], Placeholders()); near != "" && near != m[1] {
			r.problem(at, "{{%s}} stands for nothing; did you mean %s?", m[1], near)
		}
	}
}

func (r *resolver) pattern(at, text string) {
	if _, err := regexp.Compile(text); err != nil {
		r.problem(at, "%q is no regular expression: %s; correct it, or put \\ before characters that are meant as they stand", text, strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
}

// missing reports the keys that a workload lacks. What it must have depends on
// who does the set-up.
func (l *loader) missing() {
	has := l.workload.has
	need := func(pointer, key, cure string) {
		if !has(pointer + "/" + key) {
			name := strings.ReplaceAll(strings.TrimPrefix(pointer+"/"+key, "/"), "/", ".")
			l.report(l.workload, []problem{{pointer: pointer, message: name + " is missing; " + cure}})
		}
	}
	if has("/setup") {
		return
	}
	need("", "images", "add it, or setup with a command that does the whole set-up")
	need("", "test", "add it")
	if !has("/manifests") && !has("/deploy") {
		need("", "manifests", "add it, or deploy with the steps of the deployment")
	}
	images, _ := l.workload.valueAt("images").([]any)
	for i := range images {
		if _, ok := images[i].(map[string]any); ok {
			need(fmt.Sprintf("/images/%d", i), "context", "add it")
			need(fmt.Sprintf("/images/%d", i), "tag", "add it")
		}
	}
}
