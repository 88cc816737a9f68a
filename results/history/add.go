package history

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/stratbench/stratbench/results"
)

// Added says what was added of a run, and where.
type Added struct {
	// Dir is the night's folder.
	Dir string
	// Records were added; Known were there already.
	Records, Known int
	// Second is the folder of records that the night has otherwise, if any.
	Second string
	// Faults are records of the night that cannot be used.
	Faults []results.Fault
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
	r, faults := h.night(night)
	added.Faults = append(night.Faults, faults...)
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

// add appends to the night of a run in the history dir what it lacks. Records
// that it has otherwise are kept in a folder beside it, if both are wanted.
func add(dir string, run results.Run, both bool) (added Added, err error) {
	env := run.Environment
	if env.RunID == "" || env.Started.IsZero() {
		return added, errors.New("its environment does not say which run it is, or when that began")
	}
	added.Dir = filepath.Join(dir, folderOf(env.HostID), env.RunID)
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
		if r.Kind == results.KindPreparation {
			continue
		}
		slim := r.Slim()
		there := known[keyOf(&slim)]
		switch {
		case there == nil:
			known[keyOf(&slim)] = &slim
			fresh = append(fresh, slim)
		case both && slim.Imported == nil && there.Imported == nil && !same(slim, *there):
			other = append(other, slim)
		default:
			added.Known++
		}
	}
	if err := j.Append(fresh...); err != nil {
		return added, err
	}
	added.Records = len(fresh)
	if len(other) == 0 {
		return added, nil
	}
	second := run
	second.Records = other
	return added, added.keepSecond(second)
}

// keepSecond keeps what a night has otherwise in a folder of its own.
func (a *Added) keepSecond(run results.Run) error {
	text, err := json.Marshal(run.Records)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	dir := a.Dir + "-" + hex.EncodeToString(sum[:4])
	if _, err := os.Stat(dir); err == nil {
		a.Known += len(run.Records)
		return nil
	}
	j, err := openNight(dir, run)
	if err != nil {
		return err
	}
	a.Second, a.Records = dir, a.Records+len(run.Records)
	return errors.Join(j.Append(run.Records...), j.Close())
}

// folderOf is the folder of a host's nights.
func folderOf(host string) string {
	if host == "" {
		return "unknown-host"
	}
	return host
}

// lockPatience is how long another writer of the same night is waited for.
const lockPatience = time.Minute

// openNight opens the journal of a night, and makes its folder where there is
// none.
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
	for _, file := range []struct {
		name  string
		value any
	}{{results.PlanFile, run.Plan}, {results.EnvironmentFile, run.Environment}} {
		if err := j.WriteOnce(file.name, file.value); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, errors.Join(err, j.Close())
		}
	}
	return j, nil
}

// Merged says what Merge did.
type Merged struct {
	// Runs are those of the sources; New were not in the destination, Grown
	// were there in part, Same were there.
	Runs, New, Grown, Same int
	// Records and Decisions were added.
	Records, Decisions int
	// Conflicts are folders of second versions: records that the destination has
	// otherwise. Both are kept, and the reader reports them.
	Conflicts []string
	// Faults are lines and files of the sources that are no history, and were
	// left there.
	Faults []results.Fault
}

// Merge adds to the history in the folder dst what the folders srcs have and
// it has not, in the format of today. It only ever adds: merging again adds
// nothing, and the order of merging changes nothing but which of two different
// records of the same comes first.
func Merge(dst string, srcs ...string) (merged Merged, err error) {
	for _, src := range srcs {
		info, err := os.Stat(src)
		if err != nil {
			return merged, fmt.Errorf("looking for the history to merge: %w", err)
		}
		if !info.IsDir() {
			return merged, fmt.Errorf("%s is no folder: name a folder of history", src)
		}
	}
	for _, src := range srcs {
		paths, err := list(src)
		if err != nil {
			return merged, err
		}
		for _, path := range paths {
			c, err := readPath(path)
			if err != nil {
				return merged, err
			}
			merged.Faults = append(merged.Faults, c.faults...)
			for _, run := range c.runs {
				added, err := add(dst, run, true)
				if err != nil {
					return merged, fmt.Errorf("merging %s: %w", run.Dir, err)
				}
				merged.count(added)
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
	}
	return merged, nil
}

func (m *Merged) count(a Added) {
	m.Runs++
	m.Records += a.Records
	switch {
	case a.Second != "":
		m.Conflicts = append(m.Conflicts, a.Second)
		m.Grown++
	case a.Records == 0:
		m.Same++
	case a.Known > 0:
		m.Grown++
	default:
		m.New++
	}
}
