package history

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/stratbench/stratbench/results"
)

// Added is what was added of a run, and where.
type Added struct {
	// Dir is the night's folder.
	Dir string
	// Records is how many were added.
	Records int
	// Second is the folder of records that differ from those of the night, if any.
	Second string
	// Damaged are records of the night that cannot be used.
	Damaged []results.Damage
}

// Add adds to the history what of a run is not in it yet: nothing when all of
// it is known, the rest when the run was resumed and has grown.
func (h *History) Add(run results.Run) (Added, error) {
	added, err := add(h.Dir, run, false)
	if err != nil {
		return added, fmt.Errorf("adding the run in %s to the history: %w", run.Dir, err)
	}
	night, err := results.ReadRun(added.Dir)
	if err != nil {
		return added, err
	}
	r, damaged := h.night(night)
	added.Damaged = append(night.Damaged, damaged...)
	switch {
	case r == nil:
	case h.byKey[r.key] != nil:
		*h.byKey[r.key] = *r
	default:
		h.byKey[r.key], h.Runs = r, append(h.Runs, r)
		h.sort()
	}
	return added, nil
}

// add appends to the night of a run in the history dir what it lacks. Records that differ
// from the night's own are kept in a folder beside it, if both are wanted.
func add(dir string, run results.Run, both bool) (added Added, err error) {
	env := run.Environment
	if env.RunID == "" || env.Started.IsZero() {
		return added, errors.New("its environment has no run id, or no time at which it began")
	}
	added.Dir = filepath.Join(dir, cmp.Or(env.HostID, "unknown-host"), env.RunID)
	if there, err := results.ReadEnvironment(added.Dir); err == nil && identity(there) != identity(env) {
		added.Dir += "-" + identity(env) // of two hosts without a name
	}
	j, err := openNight(added.Dir, run)
	if err != nil {
		return added, err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	night, err := results.ReadRun(added.Dir)
	if err != nil {
		return added, err
	}
	known := map[recordKey]*results.Record{}
	for i := range night.Records {
		known[keyOf(&night.Records[i])] = &night.Records[i]
	}
	var fresh, other []results.Record
	for _, r := range run.Records {
		if r.Kind.Prepares() {
			continue
		}
		slim := r.Slim()
		there := known[keyOf(&slim)]
		switch {
		case there == nil:
			known[keyOf(&slim)] = &slim
			fresh = append(fresh, slim)
		case both && slim.Imported == nil && there.Imported == nil && !same(&slim, there):
			other = append(other, slim)
		}
	}
	added.Records = len(fresh)
	if err := j.Append(fresh...); err != nil || len(other) == 0 {
		return added, err
	}
	text, err := json.Marshal(other)
	if err != nil {
		return added, err
	}
	second := added.Dir + "-" + hashOf(4, text)
	if _, err := os.Stat(second); err == nil {
		return added, nil
	}
	k, err := openNight(second, run)
	if err != nil {
		return added, err
	}
	added.Second, added.Records = second, added.Records+len(other)
	return added, errors.Join(k.Append(other...), k.Close())
}

// lockPatience is how long another writer of the same night is waited for.
const lockPatience = time.Minute

// openNight opens the journal of a night, and makes its folder if need be.
func openNight(dir string, run results.Run) (*results.Journal, error) {
	began := time.Now()
	j, err := results.OpenJournal(dir)
	for errors.Is(err, results.ErrInUse) && time.Since(began) < lockPatience {
		time.Sleep(20 * time.Millisecond)
		j, err = results.OpenJournal(dir)
	}
	if err != nil {
		return nil, err
	}
	// The environment is last: with it the folder is a run.
	err = j.WriteOnce(results.PlanFile, run.Plan)
	if err == nil || errors.Is(err, fs.ErrExist) {
		err = j.WriteOnce(results.EnvironmentFile, run.Environment)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, errors.Join(err, j.Close())
	}
	return j, nil
}

// Merged is what Merge did.
type Merged struct {
	// Runs are those of the sources. Records of them and Decisions were added.
	Runs, Records, Decisions int
	// Conflicts are folders of second versions: records that differ from those of
	// the destination. Both are kept, and the reader reports them.
	Conflicts []string
	// Damaged are lines and files of the sources that are no history, and were left there.
	Damaged []results.Damage
}

// Merge adds to the history in the folder dst what the folders srcs have and it has not, in
// the format of today. Merging again adds nothing, and the order of merging changes only
// which of two different versions of a record comes first.
func Merge(dst string, srcs ...string) (merged Merged, err error) {
	var paths []string
	for _, src := range srcs {
		info, err := os.Stat(src)
		if err != nil {
			return merged, fmt.Errorf("looking for the history to merge: %w", err)
		}
		if !info.IsDir() {
			return merged, fmt.Errorf("%s is not a folder; name the folder of a history", src)
		}
		in, err := list(src)
		if err != nil {
			return merged, err
		}
		paths = append(paths, in...)
	}
	for _, path := range paths {
		c, err := readPath(path)
		if err != nil {
			return merged, err
		}
		merged.Damaged = append(merged.Damaged, c.damaged...)
		for _, run := range c.runs {
			a, err := add(dst, run, true)
			if err != nil {
				return merged, fmt.Errorf("merging %s: %w", run.Dir, err)
			}
			merged.Runs++
			merged.Records += a.Records
			if a.Second != "" {
				merged.Conflicts = append(merged.Conflicts, a.Second)
			}
		}
		for _, b := range c.baselines {
			isNew, err := keep(dst, b)
			if err != nil {
				return merged, err
			}
			if isNew {
				merged.Decisions++
			}
		}
	}
	return merged, nil
}

// Updated is what Update did and could not do.
type Updated struct {
	// Experiment is the one that was named, or that of the newest run.
	Experiment string
	Added      []Added
	// Passed is why runs, or records of them, were not added.
	Passed []error
	// Refused is the newest run folder of the experiment, by its name, if it is newer than
	// all of its runs in the history: a check would judge an older run in its place. A run
	// that is still being recorded is not yet due.
	Refused string
}

// Update adds what the runs in the folder root have and the history has not, of one
// experiment; if none is named, of that of the newest run in either. A run that cannot be
// read, is still being recorded or has no trial that could count is passed over.
func (h *History) Update(root, experiment string) (u Updated, err error) {
	dirs, err := results.Runs(root)
	if err != nil {
		return u, err
	}
	if u.Experiment = experiment; experiment == "" {
		u.Experiment = h.newest(dirs)
	}
	for _, dir := range dirs {
		env, err := results.ReadEnvironment(dir)
		if err != nil {
			u.Passed = append(u.Passed, err)
			continue
		}
		if Experiment(env.RunID, env.States) != u.Experiment || h.whole(env) {
			continue
		}
		inUse := results.InUse(dir)
		run, err := results.ReadRun(dir)
		switch {
		case inUse:
			err = fmt.Errorf("%s is still being recorded; a check after its end adds it", dir)
		case err == nil && onlyInjected(run):
			err = fmt.Errorf("%s does not count as a night: a fault was injected into each of its trials", dir)
		}
		if err != nil {
			u.Passed = append(u.Passed, err)
			continue
		}
		if run.Import != nil {
			continue
		}
		a, err := h.Add(run)
		if err != nil {
			return u, err
		}
		if a.Records > 0 {
			u.Added = append(u.Added, a)
		}
		for _, f := range append(run.Damaged, a.Damaged...) {
			u.Passed = append(u.Passed, errors.New(f.String()))
		}
	}
	for _, dir := range slices.Backward(dirs) {
		if id := filepath.Base(dir); Experiment(id, nil) == u.Experiment && !results.InUse(dir) {
			if !slices.ContainsFunc(h.Runs, func(r *Run) bool { return r.Experiment == u.Experiment && r.RunID >= id }) {
				u.Refused = dir
			}
			break
		}
	}
	return u, nil
}

// newest is the experiment of the newest run in the folders and the history; empty for none.
func (h *History) newest(dirs []string) string {
	newest := ""
	for _, r := range h.Runs {
		if len(r.Environment.States) == 0 {
			newest = max(newest, r.RunID)
		}
	}
	for _, dir := range slices.Backward(dirs) {
		if env, err := results.ReadEnvironment(dir); err == nil && len(env.States) == 0 {
			newest = max(newest, env.RunID)
			break
		}
	}
	return Experiment(newest, nil)
}

// onlyInjected is true for a run whose trials all have an injected fault.
func onlyInjected(run results.Run) bool {
	injected := 0
	for _, t := range run.Trials() {
		switch t.Standing() {
		case results.InjectedFault:
			injected++
		case results.Counts, results.NotMeasured:
			return false
		}
	}
	return injected > 0
}

// whole is true when all of a run is there: its journal need not be read again.
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
