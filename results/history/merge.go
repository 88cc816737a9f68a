package history

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/stratbench/stratbench/results"
)

// Merged says what Merge did.
type Merged struct {
	// Files are those of the sources; New were not in the destination, Grown
	// were there in part, Same were there.
	Files, New, Grown, Same int
	// Lines were added.
	Lines int
	// Conflicts are files of second versions: lines of records that the
	// destination has otherwise. Both are kept, and the reader reports them.
	Conflicts []string
	// Faults are lines of the sources that are no history, and were left there.
	Faults []results.Fault
}

// Merge adds to the history in the folder dst what the folders srcs have and
// it has not. It only ever adds: merging again adds nothing, and the order of
// merging changes nothing but which of two different records of the same comes
// first.
func Merge(dst string, srcs ...string) (merged Merged, err error) {
	for _, src := range srcs {
		if err := mustBeFolder(src); err != nil {
			return merged, err
		}
	}
	f, err := hold(dst)
	if err != nil {
		return merged, err
	}
	defer func() { err = errors.Join(err, f.release()) }()
	known, err := knownLines(dst)
	if err != nil {
		return merged, err
	}
	for _, src := range srcs {
		names, err := files(src)
		if err != nil {
			return merged, err
		}
		for _, name := range names {
			if err := merged.file(f, known, src, name); err != nil {
				return merged, err
			}
		}
	}
	return merged, nil
}

func mustBeFolder(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("looking for the history to merge: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is no folder: name a folder of history", dir)
	}
	return nil
}

// known has the lines of a folder by their keys, as hashes of their text.
type known map[key][sha256.Size]byte

func knownLines(dir string) (known, error) {
	names, err := files(dir)
	if err != nil {
		return nil, err
	}
	all := known{}
	for _, name := range names {
		lines, _, err := keyedLines(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		for _, l := range lines {
			if _, first := all[l.key]; !first {
				all[l.key] = l.sum
			}
			all[l.ownKey()] = l.sum
		}
	}
	return all, nil
}

// keyed is a line with what tells it from others.
type keyed struct {
	key  key
	text []byte
	sum  [sha256.Size]byte
}

// ownKey is that of the text itself, so that a second version is known again.
func (l keyed) ownKey() key { return key{kind: "text", id: string(l.sum[:])} }

// keyedLines reads the lines of a file that are history.
func keyedLines(path string) (lines []keyed, faults []results.Fault, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the history: %w", err)
	}
	for line, n := range numbered(text) {
		c := content{file: path}
		line, ended := bytes.TrimSpace(line), bytes.HasSuffix(line, []byte("\n"))
		c.take(line, place{file: &c.file, line: n}, ended)
		for _, k := range c.keys() {
			lines = append(lines, keyed{k, line, sha256.Sum256(line)})
		}
		faults = append(faults, c.faults...)
	}
	return lines, faults, nil
}

// keys tell the lines of a file from others.
func (c content) keys() (keys []key) {
	for _, p := range c.headers {
		keys = append(keys, p.value.key())
	}
	for _, p := range c.settings {
		keys = append(keys, p.value.key())
	}
	for _, t := range c.trials {
		keys = append(keys, t.key())
	}
	for _, r := range c.references {
		keys = append(keys, r.key())
	}
	for _, p := range c.baselines {
		keys = append(keys, key{kind: KindBaseline, id: p.value.ID})
	}
	return keys
}

// file adds what is new in one file of a source.
func (m *Merged) file(f *folder, known known, src, name string) error {
	lines, faults, err := keyedLines(filepath.Join(src, name))
	if err != nil {
		return err
	}
	m.Files++
	m.Faults = append(m.Faults, faults...)
	var fresh, other [][]byte
	seen := false
	for _, l := range lines {
		sum, present := known[l.key]
		_, same := known[l.ownKey()]
		seen = seen || present
		switch {
		case present && (same || sum == l.sum):
			continue
		case present:
			other = append(other, l.text)
		default:
			fresh = append(fresh, l.text)
			known[l.key] = l.sum
		}
		known[l.ownKey()] = l.sum
	}
	m.count(len(fresh), len(other), seen)
	if err := f.append(name, fresh); err != nil {
		return err
	}
	if len(other) == 0 {
		return nil
	}
	second := secondName(name, other)
	m.Conflicts = append(m.Conflicts, filepath.Join(f.dir, second))
	return f.append(second, other)
}

func (m *Merged) count(fresh, other int, seen bool) {
	m.Lines += fresh + other
	switch {
	case fresh+other == 0:
		m.Same++
	case seen:
		m.Grown++
	default:
		m.New++
	}
}

// secondName is for the lines of a run that another version of is there.
func secondName(name string, lines [][]byte) string {
	sum := sha256.Sum256(bytes.Join(lines, []byte("\n")))
	return strings.TrimSuffix(name, fileEnd) + "-" + hex.EncodeToString(sum[:4]) + fileEnd
}
