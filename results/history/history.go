// Package history is the long memory of a nightly experiment: many runs on disk,
// the series that they make, where those change and why, and the judgement of
// the newest run.
//
// A history is a folder. A night is a run's folder in it, below that of its
// host: the environment, the plan and the run's records, slimmed, in the journal
// of package results. A decision is a file. All of it is only ever added to, so
// that histories may be joined by copying, by git, or by stratbench merge.
package history

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stratbench/stratbench/results"
)

// History is a folder of history as read.
type History struct {
	Dir string
	// Runs are in order of their beginning.
	Runs []*Run
	// Baselines are in order of time.
	Baselines []Baseline
	// Faults are the lines and files that were passed over.
	Faults []results.Fault

	now   time.Time
	byKey map[string]*Run
}

// Of returns the runs of an experiment on a host, oldest first.
func (h *History) Of(experiment, host string) (runs []*Run) {
	for _, r := range h.Runs {
		if r.Experiment == experiment && r.Host() == host {
			runs = append(runs, r)
		}
	}
	return runs
}

// Hosts lists the hosts that the experiment was run on, that of its newest run
// last.
func (h *History) Hosts(experiment string) (hosts []string) {
	for _, r := range slices.Backward(h.Runs) {
		if r.Experiment == experiment && !slices.Contains(hosts, r.Host()) {
			hosts = append(hosts, r.Host())
		}
	}
	slices.Reverse(hosts)
	return hosts
}

// Find returns the run of an experiment on a host that name means: a run's id,
// the beginning of one, or the newest for "" and "latest".
func (h *History) Find(experiment, host, name string) (*Run, error) {
	runs := h.Nights(experiment, host).Runs
	if len(runs) == 0 {
		return nil, fmt.Errorf("no run of %s on host %s is in %s", experiment, host, h.Dir)
	}
	if name == "" || name == "latest" {
		return runs[len(runs)-1], nil
	}
	var found []*Run
	for _, r := range runs {
		if r.RunID == name {
			return r, nil
		}
		if strings.HasPrefix(r.RunID, name) {
			found = append(found, r)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, fmt.Errorf("no run of %s on host %s is called %q", experiment, host, name)
	}
	return nil, fmt.Errorf("%q means %d runs of %s, such as %s and %s; write more of the name", name, len(found), experiment, found[0].RunID, found[1].RunID)
}

func (h *History) sort() {
	slices.SortFunc(h.Runs, func(a, b *Run) int {
		return cmp.Or(a.Environment.Started.Compare(b.Environment.Started), cmp.Compare(a.RunID, b.RunID), cmp.Compare(a.key, b.key))
	})
	slices.SortStableFunc(h.Baselines, func(a, b Baseline) int { return cmp.Or(a.When.Compare(b.When), cmp.Compare(a.ID, b.ID)) })
}
