//go:build e2e

package e2e

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/stratbench/stratbench/experiments/workload/internal/api"
)

func TestControllerHealth(t *testing.T) {
	call(t, "GET", controllerURL+"/healthz", "").want(t, http.StatusOK)
}

func TestControllerReady(t *testing.T) {
	call(t, "GET", controllerURL+"/readyz", "").want(t, http.StatusOK)
}

func TestControllerReportsItsWork(t *testing.T) {
	status := read[api.Status](t, call(t, "GET", controllerURL+"/v1/status", "").want(t, http.StatusOK))
	if !status.Synced {
		t.Errorf("not synced: %+v", status)
	}
	metrics := call(t, "GET", controllerURL+"/metrics", "").want(t, http.StatusOK)
	if status.Reconciled > 0 && !bytes.Contains(metrics.body, []byte("controller_reconcile_seconds_count")) {
		t.Errorf("no reconciliation in the metrics: %s", metrics.body)
	}
}
