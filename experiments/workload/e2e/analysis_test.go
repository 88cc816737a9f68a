//go:build e2e

package e2e

import (
	"net/http"
	"slices"
	"testing"

	"github.com/stratbench/stratbench/experiments/workload/internal/api"
)

func TestAnalysisHealth(t *testing.T) {
	call(t, "GET", analysisURL+"/healthz", "").want(t, http.StatusOK)
}

func TestAnalysisReady(t *testing.T) {
	call(t, "GET", analysisURL+"/readyz", "").want(t, http.StatusOK)
}

func TestAnalysisListsRules(t *testing.T) {
	rules := read[[]api.Rule](t, call(t, "GET", analysisURL+"/v1/rules", "").want(t, http.StatusOK))
	if !slices.ContainsFunc(rules, func(r api.Rule) bool { return r.Name == "out-of-memory" }) {
		t.Errorf("no rule out-of-memory in %+v", rules)
	}
}

func TestAnalysisJudgesSignal(t *testing.T) {
	got := analyse(t, api.Incident{Service: "shop", Signal: "OOMKilled", Severity: "critical", Restarts: 4})
	if got.Rule != "out-of-memory" || got.Action != "raise-memory-limit" || got.Confidence != 0.95 {
		t.Errorf("got %+v", got)
	}
}

func TestAnalysisReadsLog(t *testing.T) {
	got := analyse(t, api.Incident{
		Service: "shop", Signal: "Error", Severity: "warning",
		Log: []string{"starting", "dial tcp 10.0.0.1:5432: connect: connection refused"},
	})
	if got.Rule != "dependency-away" || got.Action != "check-dependency" {
		t.Errorf("got %+v", got)
	}
}

func TestAnalysisEscalatesUnknownSignal(t *testing.T) {
	got := analyse(t, api.Incident{Service: "shop", Signal: "NeverSeen", Severity: "info"})
	if got.Rule != "" || got.Action != "escalate" || got.Confidence != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestAnalysisRefusesIncompleteIncident(t *testing.T) {
	call(t, "POST", analysisURL+"/v1/analyses", `{"service":"shop"}`).want(t, http.StatusUnprocessableEntity)
}

func TestAnalysisChecksExpressions(t *testing.T) {
	const address = "/v1/expressions"
	good := encode(t, api.Expression{Expression: `log.exists(l, l.contains(service)) && restarts > 2`})
	checked := read[api.Checked](t, call(t, "POST", analysisURL+address, good).want(t, http.StatusOK))
	if checked.Type != "bool" {
		t.Errorf("type: got %q", checked.Type)
	}
	bad := encode(t, api.Expression{Expression: `restarts > "2"`})
	call(t, "POST", analysisURL+address, bad).want(t, http.StatusUnprocessableEntity)
}
