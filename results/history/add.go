package history

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// Added says what Add did.
type Added struct {
	// File is where the run's lines are.
	File string
	// Records were added; Known were there already.
	Records, Known int
	// Passed are trials that were passed over: of no planned cell.
	Passed []string
}

// Add adds to the history what of a run is not in it yet: nothing when all of
// it is known, the rest when the run was resumed and has grown. Lines are only
// ever added at the end of the run's own file.
func (h *History) Add(run results.Run) (added Added, err error) {
	header := headerOf(run)
	if err := header.check(); err != nil {
		return added, fmt.Errorf("adding the run in %s to the history: %w", run.Dir, err)
	}
	f, err := hold(h.Dir)
	if err != nil {
		return added, err
	}
	defer func() { err = errors.Join(err, f.release()) }()
	added.File = filepath.Join(h.Dir, fileName(header))
	// Another process may have added to the file since it was read.
	if err := h.readAgain(added.File); err != nil {
		return added, err
	}
	lines, err := h.missing(header, run, &added)
	if err != nil {
		return added, err
	}
	if err := f.append(fileName(header), lines); err != nil {
		return added, err
	}
	return added, h.readAgain(added.File)
}

// readAgain admits what a file holds that was not there when it was read.
func (h *History) readAgain(file string) error {
	c, err := readFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	c.faults = nil
	known := map[key]bool{}
	for _, run := range c.headers {
		maps.Copy(known, h.lines(run.value.Run))
	}
	c.headers = slices.DeleteFunc(c.headers, func(p placed[Header]) bool { return known[p.value.key()] })
	c.settings = slices.DeleteFunc(c.settings, func(p placed[Settings]) bool { return known[p.value.key()] })
	c.trials = slices.DeleteFunc(c.trials, func(t *Trial) bool { return known[t.key()] })
	c.references = slices.DeleteFunc(c.references, func(r *Reference) bool { return known[r.key()] })
	h.admit([]content{c})
	return nil
}

// lines are the keys of all lines of a run that are known.
func (h *History) lines(run string) map[key]bool {
	known := map[key]bool{}
	r := h.byKey[run]
	if r == nil {
		return known
	}
	known[r.key()] = true
	for cell, at := range r.settings {
		if at.file != nil {
			known[Settings{Run: run, Cell: cell}.key()] = true
		}
	}
	for _, t := range r.trials {
		known[t.key()] = true
	}
	for _, ref := range r.references {
		known[ref.key()] = true
	}
	return known
}

// missing are the lines of a run that the history lacks.
func (h *History) missing(header Header, run results.Run, added *Added) (lines [][]byte, err error) {
	known := h.lines(header.Run)
	write := func(k key, line any) (bool, error) {
		if known[k] {
			return false, nil
		}
		text, err := encode(line)
		known[k] = true
		lines = append(lines, text)
		return true, err
	}
	if _, err := write(header.key(), header); err != nil {
		return nil, err
	}
	for _, r := range run.Records {
		var k key
		var line any
		switch cell := header.cell(r.Trial.Cell); {
		case r.Kind == results.KindReference && r.Verdict.Outcome == trial.OK:
			ref := referenceOf(header.Run, r)
			k, line = ref.key(), ref
		case r.Kind != results.KindTrial:
			continue
		case cell < 0:
			added.Passed = append(added.Passed, r.Trial.ID)
			continue
		default:
			s, t := Settings{KindSettings, header.Run, cell, r.Settings}, trialOf(header.Run, cell, r)
			if _, err := write(s.key(), s); err != nil {
				return nil, err
			}
			k, line = t.key(), t
		}
		isNew, err := write(k, line)
		if err != nil {
			return nil, err
		}
		added.count(isNew)
	}
	return lines, nil
}

func (a *Added) count(isNew bool) {
	if isNew {
		a.Records++
	} else {
		a.Known++
	}
}

// cell is the place of a cell among the planned ones, -1 for none.
func (h Header) cell(c trial.Cell) int {
	return slices.IndexFunc(h.Cells, func(other trial.Cell) bool { return slices.Equal(other, c) })
}
