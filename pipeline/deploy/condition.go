package deploy

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/agext/levenshtein"
	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/util/jsonpath"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/issue"
	"github.com/stratbench/stratbench/pipeline/kubewatch"
)

// Condition is something to wait for, in the notation of kubectl wait.
type Condition spec.Wait

// String is a short name for spans: "certificate/shop Ready".
func (w Condition) String() string {
	what, _ := strings.CutPrefix(w.For, "condition=")
	return w.Object + " " + what
}

func (w Condition) namespace() string { return cmp.Or(w.Namespace, "default") }

func (w Condition) kindAndName() (kind, name string) {
	kind, name, _ = strings.Cut(w.Object, "/")
	return strings.ToLower(kind), name
}

// forPods reports whether the condition is met only after pods of the object have
// started.
func (w Condition) forPods() bool {
	name, value, _ := strings.Cut(strings.TrimPrefix(w.For, "condition="), "=")
	return slices.Contains([]string{"Available", "Complete", "Ready"}, name) && value != "False"
}

// met reports whether an object meets a condition, and what state it is in.
type met func(o *unstructured.Unstructured) (ok bool, how string)

func (w Condition) check() error {
	if _, err := w.judge(); err != nil {
		return &SourceError{Part: "wait.for", Err: err}
	}
	kind, name := w.kindAndName()
	if kind == "" || strings.HasSuffix(w.Object, "/") || strings.Count(w.Object, "/") > 1 {
		return &SourceError{Part: "wait.object", Err: fmt.Errorf("%q names no object; write KIND/NAME, such as deployment/shop, or KIND alone", w.Object)}
	}
	if name != "" && w.Selector != "" {
		return &SourceError{Part: "wait.selector", Err: fmt.Errorf("%s is one object already; take the selector out, or the name", w.Object)}
	}
	if _, err := labels.Parse(w.Selector); err != nil {
		return &SourceError{Part: "wait.selector", Err: fmt.Errorf("%q is no selector: %w; write one such as app=shop", w.Selector, err)}
	}
	return nil
}

// ownKind is a kind of Kubernetes' own.
type ownKind struct {
	resource, group string
	// byHand is true if Kubernetes itself creates no objects of the kind.
	byHand bool
	// conditions are those that Kubernetes gives the objects; nil if others may add some.
	conditions []string
}

// ownKinds are Kubernetes' kinds by each name that kubectl accepts.
var ownKinds = func() map[string]ownKind {
	kinds := map[string]ownKind{}
	for _, k := range []struct {
		names, group string
		byHand       bool
		conditions   string
	}{
		{"pods pod po", "", false, "Ready ContainersReady Initialized PodScheduled PodReadyToStartContainers DisruptionTarget PodResizePending PodResizeInProgress"},
		{"deployments deployment deploy", "apps", true, "Available Progressing ReplicaFailure"},
		{"replicasets replicaset rs", "apps", false, "ReplicaFailure"},
		{"statefulsets statefulset sts", "apps", true, ""},
		{"daemonsets daemonset ds", "apps", true, ""},
		{"jobs job", "batch", true, "Complete Failed Suspended SuccessCriteriaMet FailureTarget"},
		{"persistentvolumeclaims persistentvolumeclaim pvc", "", false, "Resizing FileSystemResizePending ControllerResizeError NodeResizeError ModifyingVolume ModifyVolumeError"},
		{"customresourcedefinitions customresourcedefinition crd crds", "apiextensions.k8s.io", true, "Established NamesAccepted NonStructuralSchema KubernetesAPIApprovalPolicyConformant Terminating"},
		{"services service svc", "", true, "?"},
		{"namespaces namespace ns", "", true, "?"},
	} {
		names := strings.Fields(k.names)
		own := ownKind{names[0], k.group, k.byHand, nil}
		if k.conditions != "?" {
			own.conditions = strings.Fields(k.conditions)
		}
		for _, name := range names {
			kinds[name] = own
		}
	}
	return kinds
}()

// ownKind is the kind that is waited for, empty if Kubernetes does not have it itself.
func (w Condition) ownKind() ownKind {
	kind, _ := w.kindAndName()
	short, group, _ := strings.Cut(kind, ".")
	if own := ownKinds[short]; group == "" || group == own.group {
		return own
	}
	return ownKind{}
}

// usualConditions are those that many kinds have.
var usualConditions = []string{
	"Ready", "Available", "Complete", "Completed", "Failed", "Established", "Progressing", "Initialized", "Scheduled", "Programmed", "Accepted", "Synced",
	"Healthy", "Succeeded", "Reconciled", "Reconciling", "Stalled", "Degraded", "Issuing", "Approved", "Denied", "Resolved", "ResolvedRefs", "Created", "Running", "Installed", "Deployed",
}

// Doubt is why an object may never have the condition, and what to do; empty if nothing
// speaks against it.
func (w Condition) Doubt() string {
	name, is := strings.CutPrefix(w.For, "condition=")
	name, _, _ = strings.Cut(name, "=")
	if !is || strings.Contains(name, "/") { // one with a domain is somebody's own
		return ""
	}
	known := w.ownKind().conditions
	certain := known != nil
	if !certain {
		known = usualConditions
	}
	if slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, name) }) {
		return ""
	}
	near := issue.Nearest(name, known)
	if !certain && levenshtein.Distance(strings.ToLower(name), strings.ToLower(near), nil) > 1 {
		near = "" // Started is not Stalled, nor Upgraded Degraded
	}
	begins := func(k string) bool { return strings.HasPrefix(strings.ToLower(k), strings.ToLower(name)) }
	if i := slices.IndexFunc(known, begins); near == "" && i >= 0 && len(name) > 2 {
		near = known[i]
	}
	doubt := fmt.Sprintf("no condition %s is known here, so this may never end", name)
	if certain {
		kind, _, _ := strings.Cut(w.Object, "/")
		kind, _, _ = strings.Cut(strings.ToLower(kind), ".")
		doubt = fmt.Sprintf("Kubernetes gives the kind %s no condition %s, so this never ends", kind, name)
	}
	switch {
	case near != "":
		return fmt.Sprintf("%s; did you mean %s?", doubt, near)
	case certain && len(known) == 0:
		return doubt + "; take the step out (after the last step stratbench waits for all objects), or wait for a value, such as jsonpath={.status.readyReplicas}=1"
	case certain:
		return fmt.Sprintf("%s; write one of %s, or wait for a value, such as jsonpath={.status.phase}=Bound", doubt, strings.Join(known, ", "))
	}
	return ""
}

// judge parses For.
func (w Condition) judge() (met, error) {
	if name, ok := strings.CutPrefix(w.For, "condition="); ok {
		name, value, given := strings.Cut(name, "=")
		if name == "" || given && value == "" {
			return nil, fmt.Errorf("%q names no condition; write condition=Ready, or condition=Ready=False", w.For)
		}
		return hasCondition(name, cmp.Or(value, "True")), nil
	}
	if path, ok := strings.CutPrefix(w.For, "jsonpath="); ok {
		return hasValue(path)
	}
	if w.For == "create" || w.For == "delete" {
		return func(*unstructured.Unstructured) (bool, string) { return w.For == "create", "it exists" }, nil
	}
	return nil, fmt.Errorf("%q is nothing that can be waited for; write condition=Ready, jsonpath={.status.phase}=Running, create or delete, as for kubectl wait", w.For)
}

// hasCondition checks a condition of the object's present generation.
func hasCondition(name, value string) met {
	return func(o *unstructured.Unstructured) (bool, string) {
		all, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
		for _, one := range all {
			c, _ := one.(map[string]any)
			if kind, _ := c["type"].(string); !strings.EqualFold(kind, name) {
				continue
			}
			is, _ := c["status"].(string)
			if seen, known := c["observedGeneration"].(int64); known && seen < o.GetGeneration() {
				return false, "its condition " + name + " is of an earlier generation"
			}
			why, _ := c["reason"].(string)
			message, _ := c["message"].(string)
			return strings.EqualFold(is, value), fmt.Sprintf("its condition %s is %s (%s)", name, is, strings.Trim(why+": "+message, ": "))
		}
		return false, "it has no condition " + name
	}
}

// hasValue parses "{.status.phase}=Running", with or without the braces.
func hasValue(text string) (met, error) {
	path, value, given := text, "", false
	if end := strings.LastIndexByte(text, '}'); end >= 0 {
		path, value = text[:end+1], text[end+1:]
		value, given = strings.CutPrefix(value, "=")
		if !given && text[end+1:] != "" {
			return nil, fmt.Errorf("%q: only = may follow the path; write jsonpath={.status.phase}=Running", text)
		}
	} else if strings.Contains(text, "{") {
		return nil, fmt.Errorf("%q has no closing brace; write jsonpath={.status.phase}=Running", text)
	} else {
		path, value, given = strings.Cut(text, "=")
		path = "{" + "." + strings.TrimPrefix(path, ".") + "}"
	}
	if given && value == "" {
		return nil, fmt.Errorf("%q has no value after =; write it, or take = out to wait until there is any value", text)
	}
	parsed := jsonpath.New("wait")
	if err := parsed.Parse(path); err != nil {
		return nil, fmt.Errorf("%q is no JSONPath: %w; write one such as {.status.phase}", path, err)
	}
	return func(o *unstructured.Unstructured) (bool, string) {
		found, err := parsed.FindResults(o.Object)
		if err != nil || len(found) == 0 || len(found[0]) == 0 {
			return false, "it has no " + path
		}
		var said bytes.Buffer
		if err := parsed.PrintResults(&said, found[0]); err != nil {
			return false, "its " + path + " cannot be read: " + err.Error()
		}
		if !given {
			v := found[0][0]
			return v.IsValid() && !(v.Kind() == reflect.Interface && v.IsNil()), path + " is " + said.String()
		}
		return said.String() == value, fmt.Sprintf("its %s is %q", path, said.String())
	}, nil
}

// lookEvery is how often something is looked for that cannot be watched.
const lookEvery = 250 * time.Millisecond

// Until waits until at least one object is selected and all of them meet the
// condition. A Job that has failed for good ends the wait.
func (c *Client) Until(ctx context.Context, w Condition) error {
	judge, err := w.judge()
	if err != nil {
		return err
	}
	kind, name := w.kindAndName()
	where, err := c.resource(ctx, kind, w.namespace())
	if err != nil {
		if w.For == "delete" && ctx.Err() == nil {
			return nil // no such kind, no such object
		}
		return fmt.Errorf("waiting for %s: %w", w, err)
	}
	selector, err := labels.Parse(w.Selector)
	if err != nil {
		return err
	}
	states := &awaited{states: map[string]string{}, judge: judge, name: name, selector: selector}
	if w.For == "delete" {
		return c.gone(ctx, where, states, w)
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	see := func(o *unstructured.Unstructured, deleted bool) bool {
		done, news := states.see(o, deleted)
		if news != "" {
			c.see.Log(news)
		}
		if done {
			stop()
		}
		return done
	}
	if name != "" && where.resource.Resource == "jobs" {
		go func() { // the Job may have ended and been deleted before
			key := strings.Join([]string{batchv1.GroupName, "Job", where.namespace, name}, "/")
			if last := c.jobs.end(watching, key); last != nil {
				see(last, false)
			}
		}()
	}
	err = kubewatch.Until(watching, c.at(where), c.see.Log, see)
	switch over, failed := states.end(); {
	case failed != "":
		return fmt.Errorf("waiting for %s: %s has failed for good", w, failed)
	case over:
		return nil
	}
	return fmt.Errorf("waiting for %s in the namespace %s: %s (%w)", w, w.namespace(), states, cmp.Or(context.Cause(ctx), err))
}

// gone waits until no object is left. It lists objects again and again, because a
// watch does not show that there was none from the start.
func (c *Client) gone(ctx context.Context, where place, states *awaited, w Condition) error {
	for {
		found, err := c.at(where).List(ctx, metav1.ListOptions{LabelSelector: w.Selector})
		if err == nil {
			left := slices.DeleteFunc(found.Items, func(o unstructured.Unstructured) bool { return !states.wants(&o) })
			if len(left) == 0 {
				return nil
			}
			err = fmt.Errorf("%s is still there", describe(&left[0]))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w (%w)", w, err, context.Cause(ctx))
		case <-time.After(lookEvery):
		}
	}
}

// resource finds the resource of a kind by a name that kubectl accepts: "deploy",
// "deployments.apps", "certificate". It waits for a kind that is not there yet.
func (c *Client) resource(ctx context.Context, kind, namespace string) (place, error) {
	full, group := schema.ParseResourceArg(kind)
	for {
		found, err := schema.GroupVersionKind{}, error(nil)
		if full != nil {
			found, err = c.kinds.KindFor(*full)
		}
		if full == nil || err != nil {
			found, err = c.kinds.KindFor(group.WithVersion(""))
		}
		if err == nil {
			mapping, err := c.mapper.RESTMapping(found.GroupKind(), found.Version)
			if err != nil {
				return place{}, err
			}
			if mapping.Scope.Name() == meta.RESTScopeNameRoot {
				namespace = ""
			}
			return place{mapping.Resource, namespace}, nil
		}
		if !meta.IsNoMatchError(err) && !slow(err) {
			return place{}, fmt.Errorf("finding the kind %s: %w", kind, err)
		}
		select {
		case <-ctx.Done():
			return place{}, fmt.Errorf("finding the kind %s: %w (%w)", kind, err, context.Cause(ctx))
		case <-time.After(lookEvery):
			c.mapper.Reset()
		}
	}
}

// awaited holds the states of the objects that a condition is about.
type awaited struct {
	judge    met
	name     string
	selector labels.Selector

	mu     sync.Mutex
	states map[string]string // "" if the condition is met
	over   bool
	failed string // a Job, and why
}

func (a *awaited) wants(o *unstructured.Unstructured) bool {
	return (a.name == "" || a.name == o.GetName()) && a.selector.Matches(labels.Set(o.GetLabels()))
}

// see takes an object from a watch. It returns true once the wait is over, and what is
// new.
func (a *awaited) see(o *unstructured.Unstructured, deleted bool) (done bool, news string) {
	if !a.wants(o) {
		return false, ""
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	object := describe(o)
	if deleted {
		delete(a.states, object)
		return false, object + " was deleted"
	}
	ok, how := a.judge(o)
	if !ok && isJob(o) {
		if state, ended := jobState(o); ended && state.Status == status.FailedStatus {
			a.failed = object + " (" + state.Message + ")"
			return true, object + " has failed: " + state.Message
		}
	}
	if ok {
		how = ""
	}
	if old, known := a.states[object]; !known || old != how {
		news = object + ": " + cmp.Or(how, "as wanted")
	}
	a.states[object] = how
	for _, state := range a.states {
		if state != "" {
			return false, news
		}
	}
	a.over = true
	return true, news
}

// end reports whether the wait is over, and the Job whose failure ended it.
func (a *awaited) end() (over bool, failed string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.over, a.failed
}

// String lists the objects that do not meet the condition.
func (a *awaited) String() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.states) == 0 {
		return "there is no such object"
	}
	var parts []string
	for object, how := range a.states {
		if how != "" {
			parts = append(parts, object+": "+how)
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, "; ")
}
