// Package api holds the messages that the three services exchange.
package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Incident is what happened to a service of the cluster.
type Incident struct {
	Service  string   `json:"service"`
	Signal   string   `json:"signal"`
	Severity string   `json:"severity"`
	Restarts int64    `json:"restarts"`
	Log      []string `json:"log"`
}

// Severities lists the accepted severities, mildest first.
func Severities() []string { return []string{"info", "warning", "critical"} }

// Validate reports every fault of the incident at once.
func (i Incident) Validate() error {
	var faults []error
	if i.Service == "" {
		faults = append(faults, errors.New("service is missing"))
	}
	if i.Signal == "" {
		faults = append(faults, errors.New("signal is missing"))
	}
	if !slices.Contains(Severities(), i.Severity) {
		faults = append(faults, fmt.Errorf("severity %q is not one of %q", i.Severity, Severities()))
	}
	if i.Restarts < 0 {
		faults = append(faults, fmt.Errorf("restarts is negative: %d", i.Restarts))
	}
	return errors.Join(faults...)
}

// Verdict is the result of analysing an incident.
type Verdict struct {
	// Rule is the rule that decided; Matches are all rules that applied, including it.
	Rule       string   `json:"rule"`
	Cause      string   `json:"cause"`
	Action     string   `json:"action"`
	Confidence float64  `json:"confidence"`
	Matches    []string `json:"matches"`
}

// Finding is the body of the record the controller stores for an incident.
type Finding struct {
	Incident Incident `json:"incident"`
	Verdict  Verdict  `json:"verdict"`
}

// Record is one stored document.
type Record struct {
	ID       string          `json:"id"`
	Revision uint64          `json:"revision"`
	Updated  time.Time       `json:"updated"`
	Body     json.RawMessage `json:"body"`
}

// RecordPage is a part of the record list. Next is empty on the last page.
type RecordPage struct {
	Items []Record `json:"items"`
	Next  string   `json:"next,omitempty"`
}

// Rule is how the analysis describes one of its rules.
type Rule struct {
	Name   string `json:"name"`
	When   string `json:"when"`
	Action string `json:"action"`
}

// Expression is a request to check a rule expression, and Checked the answer.
type Expression struct {
	Expression string `json:"expression"`
}

// Checked is the result type of a valid expression.
type Checked struct {
	Type string `json:"type"`
}

// Fault is the body of every answer that refuses a request.
type Fault struct {
	Error string `json:"error"`
}

// Status is the controller's own account of its work.
type Status struct {
	Synced     bool  `json:"synced"`
	Reconciled int64 `json:"reconciled"`
	Retried    int64 `json:"retried"`
}
