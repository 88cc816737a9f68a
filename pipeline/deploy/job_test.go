package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

func job(name string, conditions ...any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "batch/v1", "kind": "Job", "metadata": map[string]any{"name": name, "namespace": "shop"},
		"status": map[string]any{"startTime": "2026-01-01T00:00:00Z", "active": int64(1), "conditions": conditions},
	}}
}

func condition(kind, reason, message string) any {
	return map[string]any{"type": kind, "status": "True", "reason": reason, "message": message}
}

func TestJobIsReadyWhenItIsComplete(t *testing.T) {
	for name, c := range map[string]struct {
		object  *unstructured.Unstructured
		deleted bool
		want    status.Status
	}{
		"running":                {job("a"), false, status.InProgressStatus},
		"complete":               {job("a", condition("Complete", "", "")), false, status.CurrentStatus},
		"complete and deleted":   {job("a", condition("SuccessCriteriaMet", "", ""), condition("Complete", "", "")), true, status.CurrentStatus},
		"deleted while running":  {job("a"), true, status.NotFoundStatus},
		"failed":                 {job("a", condition("Failed", "BackoffLimitExceeded", "too often")), false, status.FailedStatus},
		"failed and deleted":     {job("a", condition("Failed", "BackoffLimitExceeded", "too often")), true, status.FailedStatus},
		"about to fail":          {job("a", condition("FailureTarget", "BackoffLimitExceeded", "")), false, status.InProgressStatus},
		"suspended by its owner": {job("a", condition("Suspended", "", "")), false, status.CurrentStatus},
	} {
		if got, _ := stateOf(c.object, c.deleted); got.Status != c.want {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestCompleteJobStaysReadyWhenItIsDeleted(t *testing.T) {
	tr := newTracker([]Object{{Unstructured: deployment("a", true)}, {Unstructured: job("seed")}}, silent)
	tr.see(job("seed", condition("Complete", "", "")), false)
	tr.see(job("seed"), true) // a watch that missed the last state
	if !tr.see(deployment("a", true), false) {
		t.Errorf("the wait goes on: %+v", tr.states)
	}
}

// fakeAPIServer plays an API server for one Job, which ends and is deleted as
// soon as it is created: what a cluster does with ttlSecondsAfterFinished: 0.
type fakeAPIServer struct {
	mu      sync.Mutex
	history []string // watch events; the version of an object is its place here
	// last is the condition with which the Job ends.
	last any
}

func (s *fakeAPIServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	s.mu.Lock()
	history := s.history
	s.mu.Unlock()
	switch query := r.URL.Query(); {
	case r.URL.Path == "/api":
		fmt.Fprint(w, `{"kind": "APIVersions", "versions": ["v1"]}`)
	case r.URL.Path == "/apis":
		fmt.Fprint(w, `{"kind": "APIGroupList", "groups": [{"name": "batch", "versions": [{"groupVersion": "batch/v1", "version": "v1"}]}]}`)
	case r.URL.Path == "/api/v1":
		fmt.Fprint(w, `{"kind": "APIResourceList", "groupVersion": "v1", "resources": [
			{"name": "pods", "namespaced": true, "kind": "Pod", "verbs": ["list"]}, {"name": "events", "namespaced": true, "kind": "Event", "verbs": ["list"]}]}`)
	case r.URL.Path == "/apis/batch/v1":
		fmt.Fprint(w, `{"kind": "APIResourceList", "groupVersion": "batch/v1", "resources": [{"name": "jobs", "namespaced": true, "kind": "Job", "verbs": ["list", "watch", "patch"]}]}`)
	case r.Method == http.MethodPatch:
		s.record("ADDED", job("seed"))
		s.record("MODIFIED", job("seed", s.last))
		s.record("DELETED", job("seed", s.last))
		created := job("seed")
		created.SetResourceVersion("1")
		_ = json.NewEncoder(w).Encode(created)
	case query.Get("watch") != "":
		var from int
		fmt.Sscan(query.Get("resourceVersion"), &from)
		for _, event := range history[from:] {
			fmt.Fprintln(w, event)
		}
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	default:
		fmt.Fprintf(w, `{"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "%d"}, "items": []}`, len(history))
	}
}

func (s *fakeAPIServer) record(kind string, u *unstructured.Unstructured) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.SetResourceVersion(fmt.Sprint(len(s.history) + 1))
	text, _ := json.Marshal(map[string]any{"type": kind, "object": u})
	s.history = append(s.history, string(text))
}

func connectTo(t *testing.T, server *fakeAPIServer) *Client {
	t.Helper()
	served := httptest.NewServer(server)
	t.Cleanup(served.CloseClientConnections)
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}],
clusters: [{name: c, cluster: {server: %q}}], users: [{name: u, user: {}}]}`, served.URL)
	if err := os.WriteFile(kubeconfig, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	client, err := Connect(t.Context(), kubeconfig, silent)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func deployJob(t *testing.T, last any) error {
	t.Helper()
	client := connectTo(t, &fakeAPIServer{last: last})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	manifest := job("seed")
	unstructured.RemoveNestedField(manifest.Object, "status")
	objects := []Object{{Unstructured: manifest}}
	step, over := context.WithCancel(ctx)
	err := client.Apply(step, objects, Patience)
	if over(); err != nil { // what follows the Job outlives its step
		t.Fatal(err)
	}
	waited := client.Until(ctx, Condition{For: "condition=Complete", Object: "job/seed", Namespace: "shop"})
	err = client.Wait(ctx, objects)
	if (waited == nil) != (err == nil) {
		t.Errorf("the wait for the Job alone ends with %v, and that for all objects with %v", waited, err)
	}
	return err
}

func TestJobThatEndedAndWentBeforeAnythingWaited(t *testing.T) {
	if err := deployJob(t, condition("Complete", "", "")); err != nil {
		t.Error(err)
	}
	err := deployJob(t, condition("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit"))
	var notReady *NotReadyError
	if !errors.As(err, &notReady) || notReady.Objects[0].Status != status.FailedStatus || !strings.Contains(err.Error(), "BackoffLimitExceeded: Job has reached the specified backoff limit") {
		t.Errorf("got %v", err)
	}
}
