package deploy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"

	"github.com/stratbench/stratbench/experiments/spec"
)

var silent = Observer{Log: func(string) {}, Span: func(string) func(error) { return func(error) {} }}

// read reads manifests as a deployment of one step.
func read(files ...string) ([]Object, error) {
	steps, errs := Prepare([]spec.Step{{Apply: files}}, Server{})
	return Objects(steps), errors.Join(errs...)
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadOrdersWhatOthersNeedFirst(t *testing.T) {
	dir := t.TempDir()
	first := write(t, dir, "10.yaml", `
# a comment alone
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: app, namespace: shop}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: tills.shop.test}
`)
	second := write(t, dir, "20.json", `{"apiVersion": "v1", "kind": "List", "items": [
		{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "app", "namespace": "shop"}},
		{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}]}`)
	single := write(t, t.TempDir(), "any.txt", "apiVersion: shop.test/v1\nkind: Till\nmetadata: {name: one}\n")
	objects, err := read(first, second, single)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range objects {
		got = append(got, o.String())
	}
	want := []string{"Namespace shop", "CustomResourceDefinition tills.shop.test", "Deployment shop/app", "Service shop/app", "Till one"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if n := leading(objects); n != 2 || leading(objects[:n]) != n || leading(objects[n:]) != 0 {
		t.Errorf("%d objects are applied first", n)
	}
}

func TestReadNamesThePlaceOfAFault(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"nameless.yaml": "apiVersion: v1\nkind: Pod\n",
		"broken.yaml":   "a: [\n",
		"second.yaml":   "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\nkind: Pod\n",
	} {
		_, err := read(write(t, dir, name, text))
		if err == nil || !strings.Contains(err.Error(), name+":") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := read(filepath.Join(dir, "none")); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("no such path: got %v", err)
	}
}

func deployment(name string, ready bool) *unstructured.Unstructured {
	count, progressed := int64(0), "False"
	if ready {
		count, progressed = 1, "True"
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": map[string]any{"name": name, "namespace": "shop", "generation": int64(1)},
		"spec":     map[string]any{"replicas": int64(1)},
		"status": map[string]any{
			"observedGeneration": int64(1), "replicas": int64(1), "updatedReplicas": int64(1),
			"readyReplicas": count, "availableReplicas": count,
			"conditions": []any{
				map[string]any{"type": "Available", "status": progressed},
				map[string]any{"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
			},
		},
	}}
}

func TestTrackerWaitsForAllAtTheSameTime(t *testing.T) {
	a, b := deployment("a", true), deployment("b", true)
	tr := newTracker([]Object{{Unstructured: a}, {Unstructured: b}}, silent)
	steps := []struct {
		object  *unstructured.Unstructured
		deleted bool
		over    bool
	}{
		{deployment("a", true), false, false},
		{deployment("a", false), false, false}, // ready no longer
		{deployment("b", true), false, false},
		{deployment("other", true), false, false},
		{deployment("b", true), true, false}, // deleted
		{deployment("a", true), false, false},
		{deployment("b", true), false, true},
	}
	for i, s := range steps {
		if over := tr.see(s.object, s.deleted); over != s.over {
			t.Fatalf("step %d: over is %v; states %+v", i, over, tr.states)
		}
	}
	if waiting := tr.unready(); len(waiting) != 0 {
		t.Errorf("got %v", waiting)
	}
}

func TestTrackerEndsWithAFailureForGood(t *testing.T) {
	job := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "batch/v1", "kind": "Job", "metadata": map[string]any{"name": "seed", "namespace": "shop"},
		"status": map[string]any{"conditions": []any{map[string]any{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}}},
	}}
	tr := newTracker([]Object{{Unstructured: deployment("a", true)}, {Unstructured: job}}, silent)
	if !tr.see(job, false) {
		t.Error("the wait goes on")
	}
	waiting := tr.unready()
	if len(waiting) != 2 || waiting[0].Status != status.NotFoundStatus || waiting[1].Status != status.FailedStatus {
		t.Errorf("got %+v", waiting)
	}
}

func TestNotReadyErrorSaysWhatAndWhy(t *testing.T) {
	err := &NotReadyError{
		Objects: []State{{Object: "Deployment shop/app", Status: status.InProgressStatus, Message: "Available: 0/1"}},
		Reasons: []string{"pod shop/app-1 container app: ErrImageNeverPull: no image"},
		Err:     context.DeadlineExceeded,
	}
	want := "not ready: Deployment shop/app is InProgress (Available: 0/1); pod shop/app-1 container app: ErrImageNeverPull: no image"
	if err.Error() != want || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %q", err)
	}
}

func TestPodReasons(t *testing.T) {
	pod := corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "shop"},
		Status: corev1.PodStatus{
			Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "no memory"}},
			ContainerStatuses: []corev1.ContainerStatus{
				{Name: "pulls", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "Back-off"}}},
				{Name: "crashes", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
					LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"}}},
				{Name: "slow", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}},
				{Name: "fine", Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}},
				{Name: "done", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}},
			},
		},
	}
	want := []string{
		"pod shop/p: Unschedulable: no memory",
		"pod shop/p container pulls: ImagePullBackOff: Back-off",
		"pod shop/p container crashes: CrashLoopBackOff; before that it ended with exit code 137 (OOMKilled)",
		"pod shop/p container slow: running and not ready",
	}
	if got := podReasons(pod); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestWarningsAreTheLastOnes(t *testing.T) {
	var events []corev1.Event
	for i := range 9 {
		e := corev1.Event{Type: corev1.EventTypeWarning, Reason: "Failed", Message: string(rune('a' + i)), LastTimestamp: metav1.NewTime(time.Unix(int64(100-i), 0))}
		events = append(events, e, corev1.Event{Type: corev1.EventTypeNormal, Reason: "Pulled"})
	}
	got := warnings(append(slices.Clone(events), events[0]), time.Time{})
	if len(got) != lastWarnings || !strings.HasSuffix(got[lastWarnings-1], "Failed: a") {
		t.Errorf("got %q", got)
	}
	if got := warnings(events, time.Unix(99, 0)); len(got) != 2 {
		t.Errorf("what was said since the first pod was made: %q", got)
	}
}

func TestOnlyWhatSettlesIsTriedAgain(t *testing.T) {
	pods := schema.GroupResource{Resource: "pods"}
	for _, c := range []struct {
		err   error
		want  string
		limit time.Duration
	}{
		{apierrors.NewForbidden(pods, "p", errors.New(`error looking up service account shop/default: serviceaccount "default" not found`)), "service account exists", aPhase},
		{apierrors.NewForbidden(pods, "p", errors.New(`error looking up service account shop/till: serviceaccount "till" not found`)), "service account exists", settling},
		{apierrors.NewForbidden(pods, "p", errors.New("exceeded quota")), "", 0},
		{fmt.Errorf("applying: %w", apierrors.NewInternalError(errors.New(`failed calling webhook "till.shop.test": no endpoints`))), "webhook till.shop.test answers", 0},
		{&meta.NoKindMatchError{GroupKind: schema.GroupKind{Group: "shop.test", Kind: "Till"}}, "kind Till.shop.test is known", 0},
		{apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "shop"), "namespace exists", 0},
		{apierrors.NewTooManyRequests("later", 1), "API server takes more", settling},
		{apierrors.NewBadRequest("no such field"), "", 0},
		{fmt.Errorf("finding: %w", &url.Error{Op: "Get", URL: "https://127.0.0.1:1/api", Err: os.ErrDeadlineExceeded}), "API server answers", aPhase},
		{fmt.Errorf("finding: %w", &url.Error{Op: "Get", URL: "https://127.0.0.1:1/api", Err: syscall.ECONNREFUSED}), "", 0},
		{nil, "", 0},
	} {
		if got, limit := settles(c.err); got != c.want || limit != c.limit {
			t.Errorf("%v: got %q for %s, want %q for %s", c.err, got, limit, c.want, c.limit)
		}
	}
}

func TestAnswersWaitsFor2xx(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	if err := Answers(t.Context(), []string{server.URL}, silent); err != nil || asked.Load() != 3 {
		t.Errorf("got %v after %d", err, asked.Load())
	}
}

func TestAnswersSaysWhatItSawLast(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := Answers(ctx, []string{server.URL}, silent)
	if err == nil || !strings.Contains(err.Error(), "404 Not Found") || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}
