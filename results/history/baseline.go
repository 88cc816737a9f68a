package history

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/history/detect"
	"github.com/stratbench/stratbench/results/study"
)

// Baseline is what a person decided about what runs are judged against. Each
// decision is a file of its own, so that folders can be joined by copying.
type Baseline struct {
	Kind   Kind   `json:"kind"`
	Schema string `json:"schema"`
	// ID tells decisions apart; it is made of all that follows.
	ID string       `json:"id"`
	Do BaselineKind `json:"do"`
	// When it was decided, by whom, and why.
	When   time.Time `json:"when"`
	Who    string    `json:"who"`
	Reason string    `json:"reason"`
	// Experiment and Host are what it holds for.
	Experiment string `json:"experiment"`
	Host       string `json:"host"`
	// RunID is the first run of the new state, and From when it began: runs
	// from then on are compared with none before.
	RunID string    `json:"run_id"`
	From  time.Time `json:"from"`
	// Cell and Metric are the series of an accepted change; set is for all.
	Cell   trial.Cell   `json:"cell,omitempty"`
	Metric study.Metric `json:"metric,omitempty"`
	// Finding is the id of the accepted change.
	Finding string `json:"finding,omitempty"`

	at place
}

// BaselineKind is what was decided.
type BaselineKind string

// The decisions.
const (
	// BaselineSet makes a run the first that others are judged against.
	BaselineSet BaselineKind = "set"
	// BaselineAccept makes a change of a series the new normal.
	BaselineAccept BaselineKind = "accept"
)

func (b Baseline) check() error {
	switch {
	case b.Schema != Schema:
		return fmt.Errorf("schema %q is not %q: written by another version", b.Schema, Schema)
	case b.Do != BaselineSet && b.Do != BaselineAccept:
		return fmt.Errorf("the baseline says %q, which is neither set nor accept", b.Do)
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

// Decide keeps a decision in the history. It fills in kind, schema and id.
func (h *History) Decide(b Baseline) (_ Baseline, err error) {
	b.Kind, b.Schema, b.When = KindBaseline, Schema, b.When.UTC().Truncate(time.Second)
	sum := sha256.Sum256(fmt.Appendf(nil, "%+v", b))
	b.ID = hex.EncodeToString(sum[:4])
	if err := b.check(); err != nil {
		return b, err
	}
	text, err := encode(b)
	if err != nil {
		return b, err
	}
	f, err := hold(h.Dir)
	if err != nil {
		return b, err
	}
	defer func() { err = errors.Join(err, f.release()) }()
	name := "baseline-" + b.When.Format("20060102-150405") + "-" + b.ID + fileEnd
	if err := f.append(name, [][]byte{text}); err != nil {
		return b, err
	}
	file := filepath.Join(h.Dir, name)
	h.admitBaseline(placed[Baseline]{b, place{file: &file, line: 1}})
	return b, nil
}

// Decisions are the baselines of an experiment on a host, oldest first.
func (h *History) Decisions(experiment, host string) (list []Baseline) {
	for _, b := range h.Baselines {
		if b.Experiment == experiment && b.Host == host {
			list = append(list, b)
		}
	}
	return list
}

// restarts are decisions as the detector takes them.
func (n Nights) restarts(decisions []Baseline) (restarts []detect.Restart) {
	for _, b := range decisions {
		night := n.since(b.From)
		if night >= len(n.Runs) {
			continue
		}
		if b.Do == BaselineSet {
			restarts = append(restarts, detect.Restart{Night: night, Series: detect.None})
			continue
		}
		if i := n.find(b.Cell, b.Metric); i != detect.None {
			restarts = append(restarts, detect.Restart{Night: night, Series: i})
		}
	}
	return restarts
}

// since is the first night that began at t or later; as many as there are
// nights for none.
func (n Nights) since(t time.Time) int {
	for i, r := range n.Runs {
		if !r.Environment.Started.Before(t) {
			return i
		}
	}
	return len(n.Runs)
}

// find is the place of a series.
func (n Nights) find(cell trial.Cell, m study.Metric) int {
	for i, s := range n.Series {
		if s.Metric == m && s.Cell.Key() == cell.Key() {
			return i
		}
	}
	return detect.None
}
