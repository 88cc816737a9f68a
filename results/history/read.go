package history

import (
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

// content is what one night's folder or one file of a history holds.
type content struct {
	runs      []results.Run
	baselines []Baseline
	faults    []results.Fault
}

// Read reads the history in the folder dir as it is known at now. What is
// truncated, doubled, foreign or dated after now is reported as a fault; all
// else is used, and nothing is changed. The error is of reading itself. A folder
// that does not exist is an empty history.
func Read(dir string, now time.Time) (*History, error) {
	h := newHistory(dir, now)
	paths, err := list(dir)
	if err != nil {
		return nil, err
	}
	type part struct {
		runs []*Run
		content
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
			for _, run := range p.content.runs {
				r, faults := h.night(run)
				p.runs, p.faults = append(p.runs, r), append(p.faults, faults...)
			}
			p.content.runs = nil // there are very many records
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, p := range parts {
		h.Faults = append(h.Faults, p.faults...)
		for _, b := range p.baselines {
			h.admitBaseline(b)
		}
		for _, r := range p.runs {
			if err := h.admit(r); err != nil {
				return nil, err
			}
		}
	}
	h.sort()
	return h, nil
}

func newHistory(dir string, now time.Time) *History {
	return &History{Dir: dir, now: now, byKey: map[string]*Run{}}
}

// list has the paths of a history: the folders of nights, and behind them the
// files, which are decisions and nights of an older format. Of two that hold
// the same the first is used.
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

// fileEnd ends the names of files of decisions, and of nights of an older format.
const fileEnd = ".jsonl"

func readPath(path string) (content, error) {
	if strings.HasSuffix(path, fileEnd) {
		return readFile(path)
	}
	run, err := results.ReadRun(path)
	if err != nil {
		return content{faults: []results.Fault{{File: path, Message: err.Error()}}}, nil
	}
	return content{runs: []results.Run{run}, faults: run.Faults}, nil
}

// night is what is needed of a run. One that is yet to come has no use.
func (h *History) night(runs ...results.Run) (*Run, []results.Fault) {
	run, faults := join(runs)
	if h.yetToCome(run.Environment.Started) {
		return nil, []results.Fault{{File: run.Dir, Message: fmt.Sprintf("run %s is dated %s, which is yet to come; nothing of it is used",
			run.Environment.RunID, date(run.Environment.Started))}}
	}
	run.Records = slices.DeleteFunc(run.Records, func(rec results.Record) bool {
		ahead := h.yetToCome(rec.Started)
		if ahead {
			faults = append(faults, fault(run, &rec, "the record is dated %s, which is yet to come; it is not used", date(rec.Started)))
		}
		return ahead
	})
	r, wrong := runOf(run)
	for _, run := range runs {
		r.paths = append(r.paths, run.Dir)
	}
	return r, append(faults, wrong...)
}

// clockSlack is how far a record may be dated ahead of this host's clock.
const clockSlack = 10 * time.Minute

func (h *History) yetToCome(t time.Time) bool { return t.After(h.now.Add(clockSlack)) }

func date(t time.Time) string { return t.UTC().Format(time.DateTime) }

// admit takes a run in. One that is there already is read again from all places
// together.
func (h *History) admit(r *Run) error {
	if r == nil {
		return nil
	}
	known := h.byKey[r.key]
	if known == nil {
		h.byKey[r.key], h.Runs = r, append(h.Runs, r)
		return nil
	}
	whole, err := records(r.key, append(known.paths, r.paths...))
	if err != nil {
		return err
	}
	joined, faults := h.night(whole...)
	*known = *joined
	h.Faults = append(h.Faults, faults...)
	return nil
}

// records reads one run from where its records stand.
func records(key string, paths []string) (runs []results.Run, err error) {
	for _, path := range paths {
		c, err := readPath(path)
		if err != nil {
			return nil, err
		}
		for _, run := range c.runs {
			if identity(run.Environment) == key {
				runs = append(runs, run)
			}
		}
	}
	return runs, nil
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
func join(runs []results.Run) (joined results.Run, faults []results.Fault) {
	joined = runs[0]
	joined.Records = nil
	type place struct {
		run    results.Run
		record *results.Record
	}
	first := map[recordKey]place{}
	for _, run := range runs {
		for i := range run.Records {
			rec := &run.Records[i]
			if rec.Elapsed < 0 || rec.Setup != nil && *rec.Setup < 0 {
				faults = append(faults, fault(run, rec, "the record has a negative time; it is not used"))
				continue
			}
			at, known := first[keyOf(rec)]
			switch {
			case !known:
				first[keyOf(rec)] = place{run, rec}
				joined.Records = append(joined.Records, *rec)
			case run.Dir != at.run.Dir && rec.Imported != nil:
				// It was converted from the other's format.
			case same(*at.record, *rec):
				faults = append(faults, fault(run, rec, "the same record stands in %s", where(at.run, at.record)))
			default:
				faults = append(faults, fault(run, rec, "a different record of the same stands in %s; that one is used", where(at.run, at.record)))
			}
		}
	}
	slices.SortStableFunc(joined.Records, func(a, b results.Record) int { return a.Started.Compare(b.Started) })
	return joined, faults
}

func where(run results.Run, r *results.Record) string {
	return fault(run, r, "").Place()
}

func fault(run results.Run, r *results.Record, format string, args ...any) results.Fault {
	file := run.Dir
	if !strings.HasSuffix(file, fileEnd) {
		file = filepath.Join(file, results.JournalFile)
	}
	return results.Fault{File: file, Line: r.Line, Message: fmt.Sprintf(format, args...)}
}

// same compares two records as they are written.
func same(a, b results.Record) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}
