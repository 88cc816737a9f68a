package history

import (
	"errors"
	"path/filepath"
	"slices"

	"github.com/stratbench/stratbench/results"
)

// Update adds what the runs in the folder root have and the history has not,
// of one experiment. A run that cannot be read is told, and the others are
// added.
func (h *History) Update(root, experiment string) (added []Added, told []error, err error) {
	dirs, err := results.Runs(root)
	if err != nil {
		return nil, nil, err
	}
	for _, dir := range dirs {
		env, err := results.ReadEnvironment(dir)
		if err != nil {
			told = append(told, err)
			continue
		}
		if Experiment(env.RunID, env.States) != experiment || h.whole(env) {
			continue
		}
		run, err := results.ReadRun(dir)
		if err != nil {
			told = append(told, err)
			continue
		}
		for _, f := range run.Faults {
			told = append(told, errors.New(f.String()))
		}
		if run.Import != nil {
			continue
		}
		a, err := h.Add(run)
		if err != nil {
			return added, told, err
		}
		if a.Records > 0 {
			added = append(added, a)
		}
		for _, f := range a.Faults {
			told = append(told, errors.New(f.String()))
		}
	}
	return added, told, nil
}

// NotAdded is the newest run folder in root that is of the experiment, by its
// name, and newer than all of its runs in the history; empty for none. A check
// would judge an older run in its place.
func (h *History) NotAdded(root, experiment string) (string, error) {
	dirs, err := results.Runs(root)
	if err != nil {
		return "", err
	}
	newest := ""
	for _, r := range h.Runs {
		if r.Experiment == experiment {
			newest = max(newest, r.RunID)
		}
	}
	for _, dir := range slices.Backward(dirs) {
		if id := filepath.Base(dir); Experiment(id, nil) == experiment && id > newest {
			return dir, nil
		}
	}
	return "", nil
}

// whole is true when all that was planned of a run is in the history, so that
// its journal need not be read again.
func (h *History) whole(env results.Environment) bool {
	r := h.byKey[identity(env)]
	if r == nil {
		return false
	}
	done := 0
	for _, t := range r.Trials {
		if t.Standing == results.Counts || t.Standing == results.InjectedFault {
			done++
		}
	}
	return done >= r.planned
}

// Newest is the experiment of the newest run among those in root and in the
// history; empty for none.
func (h *History) Newest(root string) (string, error) {
	newest, experiment := "", ""
	for _, r := range h.Runs {
		if len(r.Environment.States) == 0 && r.RunID > newest {
			newest, experiment = r.RunID, r.Experiment
		}
	}
	dirs, err := results.Runs(root)
	if err != nil {
		return "", err
	}
	for _, dir := range slices.Backward(dirs) {
		env, err := results.ReadEnvironment(dir)
		if err != nil || len(env.States) > 0 {
			continue
		}
		if env.RunID > newest {
			experiment = Experiment(env.RunID, nil)
		}
		break
	}
	return experiment, nil
}
