package history

import (
	"errors"
	"fmt"
)

// What a line must have to be of use. The texts are what the user reads
// behind file and line.

func (h Header) check() error {
	switch {
	case h.Schema != Schema:
		return fmt.Errorf("schema %q is not %q: written by another version, or no history of stratbench", h.Schema, Schema)
	case h.Run == "" || h.RunID == "" || h.Environment.Started.IsZero():
		return errors.New("the header does not say which run it is of, or when that began")
	}
	return nil
}

func (s Settings) check() error {
	if s.Run == "" || s.Cell < 0 {
		return errors.New("the settings do not say which cell of which run they are of")
	}
	return nil
}

func (t Trial) check() error {
	switch {
	case t.Run == "" || t.ID == "" || t.Outcome == "":
		return errors.New("the record has no run, no trial or no outcome")
	case t.Started.IsZero():
		return errors.New("the record does not say when the trial began")
	case t.Cell < 0 || t.Elapsed < 0 || t.Setup < 0 || t.PeakMemory < 0:
		return errors.New("the record has a negative figure")
	}
	return nil
}

func (r Reference) check() error {
	switch {
	case r.Run == "" || r.Started.IsZero():
		return errors.New("the reference does not say which run it is of, or when it began")
	case r.Elapsed <= 0:
		return errors.New("the reference took no time")
	}
	return nil
}

// key tells the lines of all runs apart.
type key struct {
	kind    Kind
	run, id string
	// number is the attempt, or the cell.
	number  int
	started int64
}

func (h Header) key() key   { return key{kind: KindHeader, run: h.Run} }
func (s Settings) key() key { return key{kind: KindSettings, run: s.Run, number: s.Cell} }
func (t Trial) key() key {
	return key{KindTrial, t.Run, t.ID, t.Attempt, t.Started.UnixNano()}
}
func (r Reference) key() key {
	return key{KindReference, r.Run, r.ID, r.Attempt, r.Started.UnixNano()}
}
