package controller

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/stratbench/stratbench/experiments/workload/internal/api"
	"github.com/stratbench/stratbench/experiments/workload/internal/kube"
)

// Selector picks the ConfigMaps that describe incidents.
const Selector = Domain + "incident=true"

// Domain begins every label and annotation of the workload.
const Domain = "workload.stratbench.local/"

// The annotations the controller writes on an incident.
const (
	PhaseKey    = Domain + "phase"
	PhasesKey   = Domain + "phases" // all phases passed, in order
	ObservedKey = Domain + "observed"
	RuleKey     = Domain + "rule"
	ActionKey   = Domain + "action"
	RecordKey   = Domain + "record"
	MessageKey  = Domain + "message"
)

// Phase is how far the controller is with an incident.
type Phase string

// An incident passes the first four in order, or ends in Failed.
const (
	Investigating Phase = "Investigating"
	Analyzing     Phase = "Analyzing"
	Recording     Phase = "Recording"
	Completed     Phase = "Completed"
	Failed        Phase = "Failed"
)

// RecordID is the id under which the finding for an incident is stored.
func RecordID(name string) string { return "incident." + name }

func parse(data map[string]string) (api.Incident, error) {
	restarts, err := strconv.ParseInt(cmp.Or(data["restarts"], "0"), 10, 64)
	if err != nil {
		return api.Incident{}, fmt.Errorf("restarts: %w", err)
	}
	incident := api.Incident{
		Service:  data["service"],
		Signal:   data["signal"],
		Severity: cmp.Or(data["severity"], "warning"),
		Restarts: restarts,
		Log:      lines(data["log"]),
	}
	return incident, incident.Validate()
}

func lines(text string) []string {
	text = strings.TrimSpace(text)
	if text == "" {
		return []string{}
	}
	return strings.Split(text, "\n")
}

// digest tells one content of an incident from another. A map is encoded in
// the order of its keys.
func digest(data map[string]string) (string, error) {
	encoded, err := json.Marshal(data)
	if err != nil {
		return "", fmt.Errorf("digest: %w", err)
	}
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:8]), nil
}

// settled reports whether nothing is left to do for this content.
func settled(object kube.ConfigMap, digest string) bool {
	phase := Phase(object.Meta.Annotations[PhaseKey])
	return object.Meta.Annotations[ObservedKey] == digest && (phase == Completed || phase == Failed)
}
