package controller

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stratbench/stratbench/experiments/workload/internal/analysis"
	"github.com/stratbench/stratbench/experiments/workload/internal/api"
	"github.com/stratbench/stratbench/experiments/workload/internal/datastore"
	"github.com/stratbench/stratbench/experiments/workload/internal/kube"
	"github.com/stratbench/stratbench/experiments/workload/internal/kube/kubetest"
)

const rules = `
rules:
  - {name: killed, when: signal == "OOMKilled", cause: '"memory"', action: grow, confidence: "0.9"}
  - {name: other, when: "true", cause: '"unknown"', action: look, confidence: "0.1"}
`

// stage is the real services around a controller, in this process.
type stage struct {
	api        *kubetest.Server
	store      *datastore.Store
	reconciler *Reconciler
	away       atomic.Bool // the analysis answers 503
	during     func()      // called while the analysis works
}

func newStage(t *testing.T) *stage {
	t.Helper()
	engine, err := analysis.Load([]byte(rules))
	if err != nil {
		t.Fatal(err)
	}
	store, err := datastore.Open(filepath.Join(t.TempDir(), "records.db"))
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{api: kubetest.New(), store: store}
	judge := analysis.Handler(engine)
	judges := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.away.Load() {
			http.Error(w, "away", http.StatusServiceUnavailable)
			return
		}
		if s.during != nil {
			s.during()
		}
		judge.ServeHTTP(w, r)
	}))
	stores := httptest.NewServer(datastore.Handler(store))
	t.Cleanup(func() {
		// The watch of a controller keeps a connection open.
		s.api.CloseClientConnections()
		s.api.Close()
		judges.Close()
		stores.Close()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	upstream := &Upstream{Analysis: judges.URL, Datastore: stores.URL, HTTP: http.DefaultClient}
	s.reconciler = &Reconciler{Kube: s.api.Client(), Namespace: "ns", Upstream: upstream}
	return s
}

func (s *stage) create(t *testing.T, name string, data map[string]string) {
	t.Helper()
	meta := kube.Meta{Name: name, Namespace: "ns", Labels: map[string]string{Domain + "incident": "true"}}
	if _, err := s.api.Client().Create(t.Context(), kube.ConfigMap{Meta: meta, Data: data}); err != nil {
		t.Fatal(err)
	}
}

func (s *stage) edit(t *testing.T, name string, data map[string]string) {
	t.Helper()
	if _, err := s.api.Client().Merge(t.Context(), "ns", name, kube.ConfigMap{Data: data}); err != nil {
		t.Fatal(err)
	}
}

func (s *stage) reconcile(t *testing.T, name string) map[string]string {
	t.Helper()
	if err := s.reconciler.Reconcile(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	return s.annotations(t, name)
}

func (s *stage) annotations(t *testing.T, name string) map[string]string {
	t.Helper()
	object, err := s.api.Client().Get(t.Context(), "ns", name)
	if err != nil {
		t.Fatal(err)
	}
	return object.Meta.Annotations
}

func oom() map[string]string { return map[string]string{"service": "shop", "signal": "OOMKilled"} }

func TestReconcileCompletes(t *testing.T) {
	s := newStage(t)
	s.create(t, "a", oom())
	got := s.reconcile(t, "a")
	for key, want := range map[string]string{
		PhaseKey:  "Completed",
		PhasesKey: "Investigating,Analyzing,Recording,Completed",
		RuleKey:   "killed", ActionKey: "grow", RecordKey: "incident.a", MessageKey: "memory",
	} {
		if got[key] != want {
			t.Errorf("%s: got %q, want %q", key, got[key], want)
		}
	}
	record, err := s.store.Get("incident.a")
	if err != nil {
		t.Fatal(err)
	}
	var finding api.Finding
	if err := json.Unmarshal(record.Body, &finding); err != nil {
		t.Fatal(err)
	}
	if finding.Verdict.Rule != "killed" || finding.Incident.Service != "shop" {
		t.Errorf("stored: %+v", finding)
	}
}

func TestReconcileLeavesSettledIncident(t *testing.T) {
	s := newStage(t)
	s.create(t, "a", oom())
	s.reconcile(t, "a")
	s.reconcile(t, "a")
	record, err := s.store.Get("incident.a")
	if err != nil {
		t.Fatal(err)
	}
	if record.Revision != 1 {
		t.Errorf("stored %d times", record.Revision)
	}
}

func TestReconcileFollowsEdits(t *testing.T) {
	s := newStage(t)
	s.create(t, "a", oom())
	s.reconcile(t, "a")

	s.edit(t, "a", map[string]string{"signal": "Error"})
	if got := s.reconcile(t, "a"); got[RuleKey] != "other" {
		t.Errorf("after an edit: %v", got)
	}
	s.edit(t, "a", map[string]string{"service": ""})
	if got := s.reconcile(t, "a"); got[PhaseKey] != "Failed" || got[RuleKey] != "" || got[MessageKey] != "service is missing" {
		t.Errorf("after a bad edit: %v", got)
	}
	if _, err := s.store.Get("incident.a"); !errors.Is(err, datastore.ErrNotFound) {
		t.Errorf("finding of a failed incident: %v", err)
	}
}

func TestReconcileFailsOnInvalidIncident(t *testing.T) {
	for name, data := range map[string]map[string]string{
		"empty":    {},
		"number":   {"service": "s", "signal": "x", "restarts": "many"},
		"severity": {"service": "s", "signal": "x", "severity": "dire"},
	} {
		s := newStage(t)
		s.create(t, "a", data)
		if got := s.reconcile(t, "a"); got[PhaseKey] != "Failed" || got[MessageKey] == "" {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestReconcileForgetsDeletedIncident(t *testing.T) {
	s := newStage(t)
	s.create(t, "a", oom())
	s.reconcile(t, "a")
	if err := s.api.Client().Delete(t.Context(), "ns", "a"); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time there is nothing to forget
		if err := s.reconciler.Reconcile(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.store.Get("incident.a"); !errors.Is(err, datastore.ErrNotFound) {
		t.Errorf("finding of a deleted incident: %v", err)
	}
}

func TestReconcileNeedsAnalysis(t *testing.T) {
	s := newStage(t)
	s.create(t, "a", oom())
	s.away.Store(true)
	if err := s.reconciler.Reconcile(t.Context(), "a"); err == nil {
		t.Fatal("no error though the analysis is away")
	}
	if got := s.annotations(t, "a")[PhaseKey]; got != "Analyzing" {
		t.Errorf("phase: %s", got)
	}
	s.away.Store(false)
	if got := s.reconcile(t, "a")[PhaseKey]; got != "Completed" {
		t.Errorf("phase after another try: %s", got)
	}
}

func TestReconcileDoesNotOverwriteAnEdit(t *testing.T) {
	s := newStage(t)
	s.create(t, "a", oom())
	s.during = func() { s.edit(t, "a", map[string]string{"signal": "Error"}) }
	if err := s.reconciler.Reconcile(t.Context(), "a"); !errors.Is(err, kube.ErrConflict) {
		t.Fatalf("got %v, want ErrConflict", err)
	}
	s.during = nil
	if got := s.reconcile(t, "a"); got[RuleKey] != "other" {
		t.Errorf("verdict on the edited incident: %v", got)
	}
}

func TestControllerWorksUntilItEnds(t *testing.T) {
	s := newStage(t)
	s.create(t, "before", oom())
	s.away.Store(true)
	ctx, cancel := context.WithCancel(t.Context())
	c := New(s.reconciler)
	ended := make(chan struct{})
	go func() { c.Run(ctx); close(ended) }()

	eventually(t, "a retry", func() bool { return c.retried.Load() > 0 })
	if err := c.Ready(ctx); err == nil {
		t.Error("ready without the analysis")
	}
	s.away.Store(false)
	eventually(t, "readiness", func() bool { return c.Ready(ctx) == nil })
	s.create(t, "after", oom())
	for _, name := range []string{"before", "after"} {
		eventually(t, name, func() bool { return s.annotations(t, name)[PhaseKey] == "Completed" })
	}
	cancel()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Error("the controller does not end")
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not in time", what)
		}
	}
}

func TestQueueHoldsANameOnce(t *testing.T) {
	q := newQueue()
	q.add("a")
	q.add("b")
	q.add("a")
	for _, want := range []string{"a", "b"} {
		if got, ok := q.next(t.Context()); !ok || got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	q.add("a") // while a is worked on
	if got, ok := q.next(t.Context()); !ok || got != "a" {
		t.Errorf("got %q, want a again", got)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if got, ok := q.next(ended); ok {
		t.Errorf("got %q from an empty queue", got)
	}
}

func TestBackoffIsBounded(t *testing.T) {
	for tries, want := range map[int]time.Duration{0: firstRetry, 1: 2 * firstRetry, 9: lastRetry, 1000: lastRetry} {
		if got := backoff(tries); got != want {
			t.Errorf("try %d: got %s, want %s", tries, got, want)
		}
	}
}
