package kindcluster

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	kinderrors "sigs.k8s.io/kind/pkg/errors"
	"sigs.k8s.io/kind/pkg/exec"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
)

func TestKindsStatusMessagesBecomeSteps(t *testing.T) {
	var got []string
	log := &logger{Observer: Observer{
		Log: func(string) {},
		Step: func(name string) func(error) {
			got = append(got, "start "+name)
			return func(err error) {
				if err != nil {
					name += " failed"
				}
				got = append(got, "end "+name)
			}
		},
	}}
	log.V(0).Infof("Creating cluster %q ...\n", "c")
	log.V(0).Infof(" • %s  ...\n", "Preparing nodes 📦 📦 ")
	log.V(0).Infof(" ✓ %s\n", "Preparing nodes 📦 📦 ")
	log.V(0).Infof(" • %s  ...\n", "Starting control-plane 🕹️")
	log.V(3).Info("kubeadm's own words")
	log.V(0).Infof(" ✗ %s\n", "Starting control-plane 🕹️")
	want := []string{"start Preparing nodes", "end Preparing nodes", "start Starting control-plane", "end Starting control-plane failed"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestFailedCommandsAreExplained(t *testing.T) {
	err := explain(kinderrors.Wrap(&exec.RunError{Command: []string{"kubeadm", "init"}, Output: []byte("port 6443 is in use"), Inner: errors.New("exit status 1")}, "failed to init"))
	if text := err.Error(); !strings.Contains(text, "failed to init") || !strings.Contains(text, "port 6443 is in use") {
		t.Errorf("got %q", text)
	}
}

func TestCreateIsGivenUpWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		err := await(ctx, func() error { time.Sleep(time.Hour); return nil })
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != time.Minute {
			t.Errorf("got %v after %v", err, took)
		}
		time.Sleep(time.Hour) // what was given up runs on, and ends by itself
	})
}

func node(conditions ...corev1.NodeCondition) *unstructured.Unstructured {
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&corev1.Node{Status: corev1.NodeStatus{Conditions: conditions}})
	if err != nil {
		panic(err)
	}
	return &unstructured.Unstructured{Object: object}
}

func TestNodeState(t *testing.T) {
	cases := map[string]*unstructured.Unstructured{
		"has not reported yet": node(),
		ready:                  node(corev1.NodeCondition{Type: corev1.NodeReady, Status: corev1.ConditionTrue}),
		"KubeletNotReady: cni plugin not initialized": node(corev1.NodeCondition{Type: corev1.NodeReady, Status: corev1.ConditionFalse,
			Reason: "KubeletNotReady", Message: "cni plugin not initialized"}),
	}
	for want, object := range cases {
		if got := nodeState(object, time.Time{}); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	before := node(corev1.NodeCondition{Type: corev1.NodeReady, Status: corev1.ConditionTrue, LastHeartbeatTime: metav1.Unix(100, 0)})
	if got := nodeState(before, time.Unix(101, 5)); got != "has not reported yet" {
		t.Errorf("of a node that has not reported since it was started: %q", got)
	}
	if got := nodeState(before, time.Unix(100, 5)); got != ready {
		t.Errorf("of a node that has reported in the second of its start: %q", got)
	}
	if allReady(map[string]string{"a": ready}, 2) || !allReady(map[string]string{"a": ready, "b": ready}, 2) {
		t.Error("a cluster is ready when all its nodes are")
	}
}

// engineAPI answers like an engine with such a component.
func engineAPI(t *testing.T, component string) runtimes.Endpoint {
	mux := http.NewServeMux()
	mux.HandleFunc("/version", func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte(`{"Version":"1","Components":[{"Name":"` + component + `"}]}`))
	})
	mux.HandleFunc("/containers/c-control-plane/json", func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte(`{"Id":"abc"}`))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return runtimes.Endpoint{Address: "tcp://" + server.Listener.Addr().String()}
}

func TestHostIsWhoeverAnswers(t *testing.T) {
	for component, want := range map[string]trial.Runtime{"Engine": trial.Docker, "Podman Engine": trial.Podman} {
		engine := engineAPI(t, component)
		host, err := hostOf(t.Context(), engine, "c-control-plane")
		if err != nil || host != want {
			t.Errorf("%s: got %s, %v", component, host, err)
		}
		if _, err := hostOf(t.Context(), engine, "other"); err == nil {
			t.Errorf("%s: a node that is not there has a host", component)
		}
	}
}
