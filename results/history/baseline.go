package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/host"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/history/detect"
	"github.com/stratbench/stratbench/results/study"
)

// Baseline is what a person decided about what runs are judged against. Each
// decision is a file of its own, so that folders can be joined by copying.
type Baseline struct {
	Kind   string `json:"kind"`
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
		return errors.New("the baseline has no experiment, or no time from which it holds")
	}
	return nil
}

// kindBaseline marks a decision among the lines of a history.
const kindBaseline = "baseline"

// admitBaseline adds a decision, once.
func (h *History) admitBaseline(b Baseline) {
	if !slices.ContainsFunc(h.Baselines, func(known Baseline) bool { return known.ID == b.ID }) {
		h.Baselines = append(h.Baselines, b)
	}
}

// Decide keeps a decision in the history. It fills in kind, schema and id.
func (h *History) Decide(b Baseline) (Baseline, error) {
	b.Kind, b.Schema, b.When = kindBaseline, Schema, b.When.UTC().Truncate(time.Second)
	b.ID = hashOf(4, fmt.Appendf(nil, "%+v", b))
	if err := b.check(); err != nil {
		return b, err
	}
	isNew, err := keep(h.Dir, b)
	if isNew {
		h.admitBaseline(b)
		h.sort()
	}
	return b, err
}

// keep writes a decision to a file of its own; isNew is false where it is there.
func keep(dir string, b Baseline) (isNew bool, err error) {
	name := filepath.Join(dir, "baseline-"+b.When.Format("20060102-150405")+"-"+b.ID+fileEnd)
	if _, err := os.Stat(name); err == nil {
		return false, nil
	}
	text, err := json.Marshal(b)
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil {
		err = host.WriteFile(name, append(text, '\n'))
	}
	if err != nil {
		return false, fmt.Errorf("keeping the decision: %w", err)
	}
	return true, nil
}

// Decisions are the baselines of an experiment on a host, oldest first.
func (h *History) Decisions(experiment, host string) []Baseline {
	return slices.DeleteFunc(slices.Clone(h.Baselines), func(b Baseline) bool { return b.Experiment != experiment || b.Host != host })
}

// restarts are decisions as the detector takes them.
func (n Nights) restarts(decisions []Baseline) (restarts []detect.Restart) {
	for _, b := range decisions {
		r := detect.Restart{Night: n.since(b.From), Series: detect.None}
		if b.Do == BaselineAccept {
			r.Series = n.find(b.Cell, b.Metric)
		}
		if r.Night < len(n.Runs) && (b.Do == BaselineSet || r.Series != detect.None) {
			restarts = append(restarts, r)
		}
	}
	return restarts
}

// since is the first night that began at t or later, or the number of nights.
func (n Nights) since(t time.Time) int {
	at, _ := slices.BinarySearchFunc(n.Runs, t, func(r *Run, t time.Time) int { return r.Environment.Started.Compare(t) })
	return at
}

// find is the place of a series, detect.None for none.
func (n Nights) find(cell trial.Cell, m study.Metric) int {
	return slices.IndexFunc(n.Series, func(s Series) bool { return s.Metric == m && s.Cell.Key() == cell.Key() })
}

// Pattern chooses findings: by id, or by the cell's key and the metric, in
// which * stands for anything. What is empty chooses all.
type Pattern struct{ ID, Cell, Metric string }

// Matches reports whether the pattern chooses the finding.
func (p Pattern) Matches(f Finding) bool {
	if p.ID != "" {
		return p.ID == f.ID
	}
	return f.Metric != "" && match(p.Cell, f.Cell.Key()) && match(p.Metric, string(f.Metric))
}

func match(pattern, text string) bool {
	if pattern == "" {
		return true
	}
	literal := strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*")
	return regexp.MustCompile("^" + literal + "$").MatchString(text)
}
