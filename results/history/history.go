// Package history is the long memory of a nightly experiment: many runs on disk, the series
// that they make, where those change and why, and the judgement of the newest run.
//
// A history is a folder. A night is a run's folder in it, below that of its
// host: the environment, the plan and the run's records, slimmed, in the journal
// of package results. A decision is a file. All of it is only ever added to, so
// that histories may be joined by copying, by git, or by stratbench merge.
package history

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/stratbench/stratbench/results"
)

// History is a folder of history as read.
type History struct {
	Dir string
	// Runs are in order of their beginning.
	Runs []*Run
	// Baselines are in order of time.
	Baselines []Baseline
	// Damaged are the lines and files that were passed over.
	Damaged []results.Damage

	now   time.Time
	byKey map[string]*Run
}

func newHistory(dir string, now time.Time) *History {
	return &History{Dir: dir, now: now, byKey: map[string]*Run{}}
}

// content is what one night's folder or one file of a history holds.
type content struct {
	runs      []results.Run
	baselines []Baseline
	damaged   []results.Damage
}

// Read reads the history in the folder dir as it is known at now, and changes nothing. What
// is truncated, doubled, foreign or dated after now is damaged, and all else is used. An
// error is a failure to read. A folder that does not exist is an empty history.
func Read(dir string, now time.Time) (*History, error) {
	h := newHistory(dir, now)
	paths, err := list(dir)
	if err != nil {
		return nil, err
	}
	type part struct {
		content
		nights []*Run
	}
	parts := make([]part, len(paths))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, path := range paths {
		group.Go(func() (err error) {
			p := &parts[i]
			if p.content, err = readPath(path); err != nil {
				return err
			}
			for _, run := range p.runs {
				r, damaged := h.night(run)
				if p.damaged = append(p.damaged, damaged...); r != nil {
					p.nights = append(p.nights, r)
				}
			}
			p.runs = nil // there are very many records
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, p := range parts {
		h.Damaged = append(h.Damaged, p.damaged...)
		for _, b := range p.baselines {
			h.admitBaseline(b)
		}
		for _, r := range p.nights {
			known := h.byKey[r.key]
			if known == nil {
				h.byKey[r.key], h.Runs = r, append(h.Runs, r)
				continue
			}
			// It stands in several places, and is read again from all of them.
			whole, err := records(r.key, append(known.paths, r.paths...))
			if err != nil {
				return nil, err
			}
			joined, damaged := h.night(whole...)
			*known, h.Damaged = *joined, append(h.Damaged, damaged...)
		}
	}
	h.sort()
	return h, nil
}

// fileEnd ends the names of files of decisions, and of nights of an older format.
const fileEnd = ".jsonl"

// list has the paths of a history: the folders of nights, and behind them the files, which are
// decisions and nights of an older format. Of two that hold the same the first is used.
func list(dir string) (paths []string, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing the history in %s: %w", dir, err)
	}
	var files []string
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case e.Type().IsRegular() && strings.HasSuffix(path, fileEnd):
			files = append(files, path)
		case e.IsDir():
			nights, err := os.ReadDir(path)
			if err != nil {
				return nil, fmt.Errorf("listing the history in %s: %w", dir, err)
			}
			for _, night := range nights {
				if night.IsDir() {
					paths = append(paths, filepath.Join(path, night.Name()))
				}
			}
		}
	}
	// Without its end, a file's name comes before those that it is the beginning of.
	slices.SortFunc(files, func(a, b string) int {
		return strings.Compare(strings.TrimSuffix(a, fileEnd), strings.TrimSuffix(b, fileEnd))
	})
	return append(paths, files...), nil
}

func readPath(path string) (content, error) {
	if strings.HasSuffix(path, fileEnd) {
		text, err := os.ReadFile(path)
		if err != nil {
			return content{}, fmt.Errorf("reading the history: %w", err)
		}
		return readLines(path, text), nil
	}
	run, err := results.ReadRun(path)
	if err != nil {
		return content{damaged: []results.Damage{{File: path, Message: err.Error()}}}, nil
	}
	return content{runs: []results.Run{run}, damaged: run.Damaged}, nil
}

// records reads one run from where its records stand.
func records(key string, paths []string) (runs []results.Run, err error) {
	for _, path := range paths {
		c, err := readPath(path)
		if err != nil {
			return nil, err
		}
		runs = append(runs, slices.DeleteFunc(c.runs, func(run results.Run) bool { return identity(run.Environment) != key })...)
	}
	return runs, nil
}

// clockSlack is how far a record may be dated ahead of this host's clock.
const clockSlack = 10 * time.Minute

// night is what is needed of a run, which may stand in several places. What is
// dated ahead of the clock is not used.
func (h *History) night(places ...results.Run) (*Run, []results.Damage) {
	run, damaged := join(places)
	ahead := func(t time.Time) bool { return t.After(h.now.Add(clockSlack)) }
	date := func(t time.Time) string { return t.UTC().Format(time.DateTime) }
	if e := run.Environment; ahead(e.Started) {
		return nil, []results.Damage{{File: run.Dir, Message: fmt.Sprintf("run %s is dated %s, ahead of this host's clock; it is not used: check the clock", e.RunID, date(e.Started))}}
	}
	run.Records = slices.DeleteFunc(run.Records, func(rec results.Record) bool {
		if ahead(rec.Started) {
			damaged = append(damaged, damage(run.Dir, &rec, "the record is dated %s, ahead of this host's clock; it is not used: check the clock", date(rec.Started)))
			return true
		}
		return false
	})
	r, wrong := runOf(run)
	for _, place := range places {
		r.paths = append(r.paths, place.Dir)
	}
	return r, append(damaged, wrong...)
}

// recordKey tells the records of a run apart.
type recordKey struct {
	kind    results.Kind
	id      string
	attempt int
	started int64
}

func keyOf(r *results.Record) recordKey {
	return recordKey{r.Kind, r.Trial.ID, r.Attempt, r.Started.UnixNano()}
}

// join puts one run together that stands in several places, each record once, in
// order of time. Of two that differ the first is used.
func join(runs []results.Run) (joined results.Run, damaged []results.Damage) {
	joined = runs[0]
	type place struct {
		dir    string
		record *results.Record
	}
	first := make(map[recordKey]place, len(joined.Records))
	joined.Records = make([]results.Record, 0, len(joined.Records))
	for _, run := range runs {
		for i := range run.Records {
			rec := &run.Records[i]
			at, known := first[keyOf(rec)]
			switch {
			case !known:
				first[keyOf(rec)] = place{run.Dir, rec}
				joined.Records = append(joined.Records, *rec)
			case run.Dir != at.dir && rec.Imported != nil:
				// It was converted from the other's format.
			case same(at.record, rec):
				damaged = append(damaged, damage(run.Dir, rec, "the same record is also in %s", damage(at.dir, at.record, "").Place()))
			default:
				damaged = append(damaged, damage(run.Dir, rec, "a different version of this record is in %s; that one is used", damage(at.dir, at.record, "").Place()))
			}
		}
	}
	slices.SortStableFunc(joined.Records, func(a, b results.Record) int { return a.Started.Compare(b.Started) })
	return joined, damaged
}

func damage(path string, r *results.Record, format string, args ...any) results.Damage {
	if !strings.HasSuffix(path, fileEnd) {
		path = filepath.Join(path, results.JournalFile)
	}
	return results.Damage{File: path, Line: r.Line, Message: fmt.Sprintf(format, args...)}
}

// same compares two records as they are written.
func same(a, b *results.Record) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

func (h *History) sort() {
	slices.SortFunc(h.Runs, func(a, b *Run) int {
		return cmp.Or(a.Environment.Started.Compare(b.Environment.Started), cmp.Compare(a.RunID, b.RunID), cmp.Compare(a.key, b.key))
	})
	slices.SortStableFunc(h.Baselines, func(a, b Baseline) int { return cmp.Or(a.When.Compare(b.When), cmp.Compare(a.ID, b.ID)) })
}

// of returns the runs of an experiment on a host, oldest first: its nights, and
// those that compared two states of it to confirm what was suspected.
func (h *History) of(experiment, host string) (nights, compared []*Run) {
	for _, r := range h.Runs {
		switch {
		case r.Experiment != experiment || r.Host() != host:
		case len(r.Environment.States) > 0:
			compared = append(compared, r)
		default:
			nights = append(nights, r)
		}
	}
	return nights, compared
}

// Host is the host of the newest run of an experiment; empty for none.
func (h *History) Host(experiment string) string {
	for _, r := range slices.Backward(h.Runs) {
		if r.Experiment == experiment {
			return r.Host()
		}
	}
	return ""
}

// Find returns the run of an experiment on a host that name means: a run's id,
// the beginning of one, or the newest for "" and "latest".
func (h *History) Find(experiment, host, name string) (*Run, error) {
	runs, _ := h.of(experiment, host)
	if len(runs) == 0 {
		return nil, fmt.Errorf("no run of %s on host %s is in %s", experiment, host, h.Dir)
	}
	if name == "" || name == "latest" {
		return runs[len(runs)-1], nil
	}
	if i := slices.IndexFunc(runs, func(r *Run) bool { return r.RunID == name }); i >= 0 {
		return runs[i], nil
	}
	found := slices.DeleteFunc(runs, func(r *Run) bool { return !strings.HasPrefix(r.RunID, name) })
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, fmt.Errorf("no run of %s on host %s is called %q", experiment, host, name)
	}
	return nil, fmt.Errorf("%q means %d runs of %s, such as %s and %s; write more of the name", name, len(found), experiment, found[0].RunID, found[1].RunID)
}
