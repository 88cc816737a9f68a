package history

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/stratbench/stratbench/results"
)

// content is what the lines of one file say, each still by itself.
type content struct {
	file       string
	headers    []placed[Header]
	settings   []placed[Settings]
	trials     []*Trial
	references []*Reference
	baselines  []placed[Baseline]
	faults     []results.Fault
}

// placed is something and where it stands.
type placed[T any] struct {
	value T
	at    place
}

// Read reads the history in the folder dir as it is known at now. What is
// truncated, doubled, foreign, dated after now or in the wrong place is
// reported as a fault; all else is used, and nothing is changed. The error is
// of reading itself. A folder that does not exist is an empty history.
func Read(dir string, now time.Time) (*History, error) {
	names, err := files(dir)
	if err != nil {
		return nil, err
	}
	contents := make([]content, len(names))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, name := range names {
		group.Go(func() (err error) {
			contents[i], err = readFile(filepath.Join(dir, name))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	h := newHistory(dir, now)
	h.admit(contents)
	return h, nil
}

// files lists the files of a history, in the order of their names.
func files(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing the history in %s: %w", dir, err)
	}
	for _, e := range entries {
		if e.Type().IsRegular() && strings.HasSuffix(e.Name(), fileEnd) {
			names = append(names, e.Name())
		}
	}
	// Without its end, a file's name comes before those that it is the beginning of.
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Compare(strings.TrimSuffix(a, fileEnd), strings.TrimSuffix(b, fileEnd))
	})
	return names, nil
}

func readFile(path string) (content, error) {
	c := content{file: path}
	text, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("reading the history: %w", err)
	}
	c.read(text)
	return c, nil
}

var seed = maphash.MakeSeed()

// read decodes the lines of a file.
func (c *content) read(text []byte) {
	for line, n := range numbered(text) {
		trimmed := bytes.TrimSpace(line)
		c.take(trimmed, place{&c.file, n, maphash.Bytes(seed, trimmed)}, len(trimmed) < len(line))
	}
}

// numbered are the lines of a text that are not empty, with their ends, and
// their numbers from 1.
func numbered(text []byte) iter.Seq2[[]byte, int] {
	return func(yield func([]byte, int) bool) {
		n := 0
		for line := range bytes.Lines(text) {
			if n++; len(bytes.TrimSpace(line)) > 0 && !yield(line, n) {
				return
			}
		}
	}
}

// take decodes one line. Lines begin with their kind, as they are written; of
// any other the kind is looked for.
func (c *content) take(text []byte, at place, ended bool) {
	kind := kindOf(text)
	var err error
	switch kind {
	case KindTrial:
		t := &Trial{at: at}
		if err = decode(text, t); err == nil {
			t.share()
			c.trials = append(c.trials, t)
		}
	case KindReference:
		r := &Reference{at: at}
		if err = decode(text, r); err == nil {
			c.references = append(c.references, r)
		}
	case KindHeader:
		c.headers, err = takeOne(c.headers, text, at)
	case KindSettings:
		c.settings, err = takeOne(c.settings, text, at)
	case KindBaseline:
		c.baselines, err = takeOne(c.baselines, text, at)
	default:
		err = errors.New(whatIsWrong(text))
	}
	switch {
	case err != nil && !ended && !json.Valid(text):
		c.faults = append(c.faults, fault(at, "the line is cut off: its writer was stopped in mid-line"))
	case err != nil:
		c.faults = append(c.faults, fault(at, "%v", err))
	}
}

func takeOne[T interface{ check() error }](list []placed[T], text []byte, at place) ([]placed[T], error) {
	var value T
	if err := decode(text, &value); err != nil {
		return list, err
	}
	return append(list, placed[T]{value, at}), nil
}

// decode reads one line and what must be in it.
func decode[T interface{ check() error }](text []byte, value *T) error {
	if err := json.Unmarshal(text, value); err != nil {
		return fmt.Errorf("not a record: %w", err)
	}
	return (*value).check()
}

var kindFirst = []byte(`{"kind":"`)

func kindOf(text []byte) Kind {
	if rest, ok := bytes.CutPrefix(text, kindFirst); ok {
		if kind, _, ok := bytes.Cut(rest, []byte(`"`)); ok {
			return Kind(kind)
		}
	}
	var head struct {
		Kind Kind `json:"kind"`
	}
	if json.Unmarshal(text, &head) != nil {
		return ""
	}
	return head.Kind
}

// whatIsWrong says why a line of no known kind is no record.
func whatIsWrong(text []byte) string {
	var head struct {
		Kind   string `json:"kind"`
		Schema string `json:"schema"`
	}
	switch err := json.Unmarshal(text, &head); {
	case err != nil:
		return "not a record: " + err.Error()
	case head.Schema != "" && head.Schema != Schema:
		return fmt.Sprintf("schema %q is not %q: written by another version, or no history of stratbench", head.Schema, Schema)
	}
	return fmt.Sprintf("kind %q is none of this version's: written by another version, or no history of stratbench", head.Kind)
}

func fault(at place, format string, args ...any) results.Fault {
	return results.Fault{File: *at.file, Line: at.line, Message: fmt.Sprintf(format, args...)}
}
