package history

import (
	"errors"
	"time"
)

// BaselineFile is where decisions on changes are kept.
const BaselineFile = "baselines.jsonl"

// Baseline is a decision of a person about what runs are judged against.
type Baseline struct {
	Kind   Kind   `json:"kind"`
	Schema string `json:"schema"`
	// ID tells decisions apart.
	ID string `json:"id"`
	// Do is what was decided.
	Do BaselineKind `json:"do"`
	// When it was decided, by whom, and why.
	When   time.Time `json:"when"`
	Who    string    `json:"who"`
	Reason string    `json:"reason"`
	// Experiment and Host are what it holds for; no Host is every one.
	Experiment string `json:"experiment"`
	Host       string `json:"host,omitempty"`
	// From is the beginning of the first run that belongs to the new state:
	// nothing is compared with runs before it.
	From time.Time `json:"from"`
	// Cell and Metric narrow an acceptance to series: patterns in which *
	// stands for anything. Empty is every one.
	Cell   string `json:"cell,omitempty"`
	Metric string `json:"metric,omitempty"`

	at place
}

// BaselineKind is what was decided.
type BaselineKind string

// The decisions.
const (
	// BaselineSet makes a run the first that others are judged against.
	BaselineSet BaselineKind = "set"
	// BaselineAccept makes a change the new normal.
	BaselineAccept BaselineKind = "accept"
)

func (b Baseline) check() error {
	switch {
	case b.Do != BaselineSet && b.Do != BaselineAccept:
		return errors.New("the baseline says neither set nor accept")
	case b.ID == "" || b.Experiment == "" || b.From.IsZero():
		return errors.New("the baseline does not say what it is for, or from when")
	}
	return nil
}

func (h *History) admitBaseline(p placed[Baseline]) {
	for _, b := range h.Baselines {
		if b.ID == p.value.ID {
			h.refuse(p.at, "%s", doubled(b.at, p.at))
			return
		}
	}
	p.value.at = p.at
	h.Baselines = append(h.Baselines, p.value)
}
