//go:build e2e

package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/stratbench/stratbench/experiments/workload/internal/api"
	"github.com/stratbench/stratbench/experiments/workload/internal/controller"
)

func outOfMemory() map[string]string {
	return map[string]string{
		"service": "shop", "signal": "OOMKilled", "severity": "critical", "restarts": "4",
		"log": "starting\nserving",
	}
}

func TestIncidentPassesAllPhases(t *testing.T) {
	got := newIncident(t, outOfMemory()).await(t, controller.PhaseKey, "Completed")
	if phases := got[controller.PhasesKey]; phases != "Investigating,Analyzing,Recording,Completed" {
		t.Errorf("phases: %s", phases)
	}
	if got[controller.ActionKey] != "raise-memory-limit" {
		t.Errorf("action: %s", got[controller.ActionKey])
	}
}

func TestIncidentFindingIsStored(t *testing.T) {
	got := newIncident(t, outOfMemory()).await(t, controller.PhaseKey, "Completed")
	stored := read[api.Record](t, call(t, "GET", record(got[controller.RecordKey]), "").want(t, http.StatusOK))
	finding := read[api.Finding](t, answer{body: stored.Body})
	if finding.Verdict.Rule != "out-of-memory" || finding.Incident.Restarts != 4 || len(finding.Incident.Log) != 2 {
		t.Errorf("stored: %+v", finding)
	}
}

func TestInvalidIncidentFails(t *testing.T) {
	got := newIncident(t, map[string]string{"signal": "OOMKilled"}).await(t, controller.PhaseKey, "Failed")
	if message := got[controller.MessageKey]; message != "service is missing" {
		t.Errorf("message: %s", message)
	}
}

func TestEditedIncidentIsAnalysedAgain(t *testing.T) {
	incident := newIncident(t, outOfMemory())
	incident.await(t, controller.PhaseKey, "Completed")
	incident.edit(t, map[string]string{"signal": "ImagePullBackOff"})
	got := incident.await(t, controller.RuleKey, "image-missing")
	if got[controller.PhaseKey] != "Completed" || got[controller.ActionKey] != "fix-image" {
		t.Errorf("after the edit: %v", got)
	}
}

func TestDeletedIncidentIsForgotten(t *testing.T) {
	incident := newIncident(t, outOfMemory())
	id := incident.await(t, controller.PhaseKey, "Completed")[controller.RecordKey]
	if err := incident.kube.Delete(t.Context(), namespace, incident.name); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(phaseTime); ; time.Sleep(pollPause) {
		code := call(t, "GET", record(id), "").code
		if code == http.StatusNotFound {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the finding is still there after %s: status %d", phaseTime, code)
		}
	}
}
