package deploy

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/issue"
)

// Command is a program with its arguments, and where it runs.
type Command struct {
	Args []string          `json:"args"`
	Dir  string            `json:"dir"`
	Env  map[string]string `json:"env,omitempty"`
}

// Step is a step of a deployment as it is done: it applies objects, runs a command, or
// waits.
type Step struct {
	Name    string   `json:"name"`
	Objects []Object `json:"objects,omitempty"`
	// Settle ends the step once its objects are ready, and not once they are applied. A
	// chart's hooks have it.
	Settle  bool       `json:"settle,omitempty"`
	Command *Command   `json:"command,omitempty"`
	Wait    *Condition `json:"wait,omitempty"`
	// Timeout bounds the step. If it is 0, the limit of the phase and Patience do.
	Timeout time.Duration `json:"timeout_ns,omitempty"`
	// Source is the number of the workload's step that it comes from.
	Source int `json:"-"`
}

// Objects are those of all steps.
func Objects(steps []Step) (all []Object) {
	for _, s := range steps {
		all = append(all, s.Objects...)
	}
	return all
}

// SourceError is what is wrong with a workload's step itself, and not with one of its
// files.
type SourceError struct {
	// Source is its number, and Part the key in it that is wrong.
	Source int
	Part   string
	Err    error
}

func (e *SourceError) Error() string { return e.Err.Error() }

// Unwrap returns what is wrong.
func (e *SourceError) Unwrap() error { return e.Err }

// Prepare reads, builds and renders everything that is applied, so that the deployment
// itself needs only the cluster, and gives every step a name that no other one has. All
// files are local. The errors are *issue.List and *SourceError.
func Prepare(sources []spec.Step, server Server) (steps []Step, errs []error) {
	seen := map[string]int{}
	for i, source := range sources {
		name := nameOf(source)
		if seen[name]++; seen[name] > 1 {
			name = fmt.Sprintf("%s (%d)", name, seen[name])
		}
		made, err := prepare(source, server, Objects(steps))
		if of, is := errors.AsType[*SourceError](err); is {
			of.Source = i
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, s := range made {
			s.Source, s.Timeout = i, time.Duration(source.Timeout)
			s.Name = cmp.Or(s.Name, name)
			steps = append(steps, s)
		}
	}
	return steps, errs
}

func prepare(s spec.Step, server Server, before []Object) ([]Step, error) {
	switch {
	case s.Kustomize != "":
		objects, err := buildKustomization(s.Kustomize)
		if err != nil {
			return nil, &SourceError{Part: "kustomize", Err: err}
		}
		return []Step{{Objects: objects}}, nil
	case s.Helm != nil:
		return Chart(*s.Helm).render(server, before)
	case len(s.Command) > 0:
		return []Step{{Command: &Command{Args: s.Command, Dir: s.Dir, Env: s.Env}}}, nil
	case s.Wait != nil:
		w := Condition(*s.Wait)
		return []Step{{Wait: &w}}, w.check()
	}
	r := &reader{}
	for _, file := range s.Apply {
		r.readFile(file)
	}
	if len(r.objects) == 0 && len(r.issues.List) == 0 && len(s.Apply) > 0 {
		r.issues.Add(s.Apply[0], issue.Position{Line: 1, Column: 1}, "the manifests describe no object: there are only comments; list the files that describe what is deployed")
	}
	return []Step{{Objects: inOrder(r.objects)}}, r.issues.Err()
}

// inOrder puts namespaces first and resource definitions second. All other objects keep
// their order.
func inOrder(objects []Object) []Object {
	slices.SortStableFunc(objects, func(a, b Object) int { return order(a) - order(b) })
	return objects
}

func order(o Object) int {
	switch o.GetKind() {
	case "Namespace":
		return 0
	case "CustomResourceDefinition":
		return 1
	}
	return 2
}

func nameOf(s spec.Step) string {
	switch {
	case s.Name != "":
		return s.Name
	case s.Kustomize != "":
		return "kustomize " + filepath.Base(s.Kustomize)
	case s.Helm != nil:
		return "helm " + s.Helm.Release
	case len(s.Command) > 0:
		return "command " + filepath.Base(s.Command[0])
	case s.Wait != nil:
		return "wait " + Condition(*s.Wait).String()
	}
	return "apply"
}

// waits checks that what each step waits for is applied before it, or may be created
// by something in the cluster.
func (c *checker) waits(steps []Step, report func(step Step, certain bool, text string)) {
	var before []Object
	commands := false
	for i, s := range steps {
		before = append(before, s.Objects...)
		commands = commands || s.Command != nil
		w := s.Wait
		if w == nil || w.For == "delete" {
			continue
		}
		kind, name := w.kindAndName()
		if commands { // which may have created it
			if longer := w.longer(c, before); longer != "" {
				report(s, false, fmt.Sprintf("it waits for %s %s in the namespace %s, and the steps before it apply one that is called %s; correct the name, unless a command creates it", kind, name, w.namespace(), longer))
			}
			continue
		}
		own := w.ownKind()
		if selector, err := labels.Parse(w.Selector); err == nil && w.Selector != "" && own.resource == "pods" {
			given, _ := selector.Requirements()
			if !slices.ContainsFunc(given, func(r labels.Requirement) bool { return slices.Contains(addedToPods, r.Key()) }) &&
				!c.foreign && !c.mayBeMade(makers...) && !strings.HasPrefix(w.namespace(), "kube-") && !slices.Contains(c.Namespaces, w.namespace()) && len(newChecker(before, c.Server).podsIn(w.namespace(), selector)) == 0 {
				report(s, !c.mutated(), fmt.Sprintf("no pod of the steps before it has the labels %s in the namespace %s, and nothing in the cluster may create one; correct the selector or the namespace, or put it after that step", w.Selector, w.namespace()))
			}
		}
		if name == "" || strings.Contains(w.namespace(), "kube-") || w.matches(c, before) {
			continue
		}
		switch {
		case w.matches(c, Objects(steps[i+1:])):
			report(s, true, fmt.Sprintf("it waits for %s %s, which a later step applies; put it after that step", kind, name))
		case own.byHand && !c.mayBeMade(own.resource):
			report(s, true, fmt.Sprintf("it waits for %s %s in the namespace %s, which no step before it applies and nothing in the cluster may create; correct the name, or apply it first", kind, name, w.namespace()))
		case own.byHand:
			report(s, false, fmt.Sprintf("it waits for %s %s in the namespace %s, which no step before it applies; something in the cluster must create it", kind, name, w.namespace()))
		}
	}
}

// addedToPods are labels that Kubernetes gives pods.
var addedToPods = []string{"job-name", "batch.kubernetes.io/job-name", "controller-uid", "batch.kubernetes.io/controller-uid", "pod-template-hash", "controller-revision-hash", "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index"}

// longer is the name of an object that differs from the condition's only by a prefix, as a
// kustomization or a chart adds one, if the condition's own object is not among the
// objects.
func (w Condition) longer(c *checker, objects []Object) (name string) {
	kind, own := w.kindAndName()
	if own == "" || w.matches(c, objects) {
		return ""
	}
	for _, o := range objects {
		if strings.HasSuffix(o.GetName(), "-"+own) {
			w.Object = kind + "/" + o.GetName()
			if w.matches(c, []Object{o}) {
				return o.GetName()
			}
		}
	}
	return ""
}

// matches reports whether the condition's object is among these.
func (w Condition) matches(c *checker, objects []Object) bool {
	kind, name := w.kindAndName()
	singular, _, _ := strings.Cut(kind, ".")
	resource := w.ownKind().resource
	return slices.ContainsFunc(objects, func(o Object) bool {
		is := strings.ToLower(o.GetKind())
		return o.GetName() == name && (is == singular || is+"s" == singular || is+"s" == resource) &&
			(c.clusterWide(o) || o.namespace() == w.namespace())
	})
}
