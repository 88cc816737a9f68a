//go:build e2e

// Package e2e tests the workload in a cluster. It talks to the services
// through their node ports and makes incidents through the Kubernetes API.
package e2e

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stratbench/stratbench/experiments/workload/internal/api"
	"github.com/stratbench/stratbench/experiments/workload/internal/controller"
	"github.com/stratbench/stratbench/experiments/workload/internal/kube"
)

const (
	callTime  = 5 * time.Second
	reachTime = 10 * time.Second // for node ports to open after the pods are ready
	phaseTime = 10 * time.Second // for an incident to reach a phase
	pollPause = 25 * time.Millisecond
)

var (
	datastoreURL  = cmp.Or(os.Getenv("DATASTORE_URL"), "http://127.0.0.1:18081")
	analysisURL   = cmp.Or(os.Getenv("ANALYSIS_URL"), "http://127.0.0.1:18082")
	controllerURL = cmp.Or(os.Getenv("CONTROLLER_URL"), "http://127.0.0.1:18083")
	namespace     = cmp.Or(os.Getenv("WORKLOAD_NAMESPACE"), "workload")
	client        = &http.Client{Timeout: callTime}
)

// TestMain waits until the addresses answer. It runs the tests in any case, because
// they decide whether the answers are right.
func TestMain(m *testing.M) {
	deadline := time.Now().Add(reachTime)
	for _, base := range []string{datastoreURL, analysisURL, controllerURL} {
		for !answers(base) && time.Now().Before(deadline) {
			time.Sleep(pollPause)
		}
	}
	os.Exit(m.Run())
}

func answers(base string) bool {
	response, err := client.Get(base + "/healthz")
	if err != nil {
		return false
	}
	response.Body.Close()
	return true
}

// answer is a service's whole response.
type answer struct {
	code   int
	header http.Header
	body   []byte
}

// call sends body, unless it is empty. The header is a name and a value, or nothing.
func call(t *testing.T, method, address, body string, header ...string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	if len(header) == 2 {
		request.Header.Set(header[0], header[1])
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%s %s: read answer: %v", method, address, err)
	}
	return answer{code: response.StatusCode, header: response.Header, body: got}
}

func (a answer) want(t *testing.T, code int) answer {
	t.Helper()
	if a.code != code {
		t.Fatalf("got status %d, want %d: %s", a.code, code, a.body)
	}
	return a
}

func read[T any](t *testing.T, a answer) T {
	t.Helper()
	var value T
	if err := json.Unmarshal(a.body, &value); err != nil {
		t.Fatalf("read %s: %v", a.body, err)
	}
	return value
}

func encode(t *testing.T, v any) string {
	t.Helper()
	encoded, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

// unique gives each use a name of its own, so that tests share nothing and the
// suite can be run again on the same cluster.
func unique(prefix string) string {
	return fmt.Sprintf("%s-%x", prefix, time.Now().UnixNano())
}

func record(id string) string { return datastoreURL + "/v1/records/" + id }

// newRecord returns an id no record has, and removes what the test leaves there.
func newRecord(t *testing.T) string {
	t.Helper()
	id := unique("e2e")
	removeAfter(t, id)
	return id
}

func removeAfter(t *testing.T, id string) {
	t.Cleanup(func() {
		request, err := http.NewRequest(http.MethodDelete, record(id), nil)
		if err != nil {
			t.Error(err)
			return
		}
		response, err := client.Do(request)
		if err != nil {
			t.Error(err)
			return
		}
		response.Body.Close()
	})
}

func analyse(t *testing.T, incident api.Incident) api.Verdict {
	t.Helper()
	return read[api.Verdict](t, call(t, "POST", analysisURL+"/v1/analyses", encode(t, incident)).want(t, http.StatusOK))
}

func apiServer(t *testing.T) *kube.Client {
	t.Helper()
	path, err := kubeconfigPath()
	if err != nil {
		t.Fatal(err)
	}
	connected, err := connect(path)
	if err != nil {
		t.Fatal(err)
	}
	return connected
}

// incident is one incident in the cluster.
type incident struct {
	name string
	kube *kube.Client
}

func newIncident(t *testing.T, data map[string]string) incident {
	t.Helper()
	i := incident{name: unique("incident"), kube: apiServer(t)}
	object := kube.ConfigMap{
		Meta: kube.Meta{Name: i.name, Namespace: namespace, Labels: map[string]string{controller.Domain + "incident": "true"}},
		Data: data,
	}
	if _, err := i.kube.Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	// The test's own context has ended by then; a test may have deleted it itself.
	t.Cleanup(func() { _ = i.kube.Delete(context.Background(), namespace, i.name) })
	return i
}

func (i incident) edit(t *testing.T, data map[string]string) {
	t.Helper()
	if _, err := i.kube.Merge(t.Context(), namespace, i.name, kube.ConfigMap{Data: data}); err != nil {
		t.Fatal(err)
	}
}

// await returns the annotations as soon as they hold the value.
func (i incident) await(t *testing.T, key, value string) map[string]string {
	t.Helper()
	for deadline := time.Now().Add(phaseTime); ; time.Sleep(pollPause) {
		object, err := i.kube.Get(t.Context(), namespace, i.name)
		if err != nil {
			t.Fatal(err)
		}
		if object.Meta.Annotations[key] == value {
			return object.Meta.Annotations
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is not %q after %s: %v", key, value, phaseTime, object.Meta.Annotations)
		}
	}
}
