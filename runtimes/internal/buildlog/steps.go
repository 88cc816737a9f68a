package buildlog

import (
	"bytes"
	"strings"
	"time"

	"github.com/stratbench/stratbench/runtimes"
)

// Mark is what a line of a builder's output means for its steps.
type Mark int

// The marks. A line that marks nothing is output of the step that is open.
const (
	None Mark = iota
	// Start opens a step and closes the one before it.
	Start
	// Cached says that the open step was taken from the cache, from the image
	// that the line names if it names one.
	Cached
	// End closes the open step, which left the image that the line names if it
	// names one.
	End
)

// longest is how much of a line is kept to be read. Marks are shorter.
const longest = 64 << 10

// Steps keeps the book of a build's steps. Write it what the builder prints,
// as it arrives: a moment is taken when the line that marks it is complete.
type Steps struct {
	report func(runtimes.Progress)
	read   func(line string) (Mark, string)
	open   string
	cached bool
	// found are images that the cache had.
	found []string
	line  []byte
}

// NewSteps makes a book that reports to report. What a line marks is up to
// read, which also gives the name of a step that starts, or of an image.
func NewSteps(report func(runtimes.Progress), read func(line string) (Mark, string)) *Steps {
	return &Steps{report: report, read: read}
}

// Write takes a piece of output. It never fails.
func (s *Steps) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		n := bytes.IndexByte(rest, '\n') + 1
		if n == 0 {
			n = len(rest)
		}
		s.take(rest[:n])
		rest = rest[n:]
	}
	return len(p), nil
}

// Close ends the step that is still open, by err if the build failed.
func (s *Steps) Close(err error) {
	if err != nil {
		s.end(err.Error(), "")
		return
	}
	s.end("", "")
}

// take passes on a line, or a part of one: output is never held back until
// its line is complete, because silence is read as a hang.
func (s *Steps) take(piece []byte) {
	keep := min(len(piece), longest-len(s.line))
	s.line = append(s.line, piece[:keep]...)
	mark, name := None, ""
	if piece[len(piece)-1] == '\n' {
		mark, name = s.read(strings.TrimRight(string(s.line), "\r\n"))
		s.line = s.line[:0]
	}
	if mark == Start {
		s.start(name)
	}
	s.report(runtimes.Progress{Step: s.open, Output: bytes.Clone(piece)})
	switch mark {
	case Cached:
		s.cached = true
		if name != "" {
			s.found = append(s.found, name)
		}
	case End:
		s.end("", s.made(name))
	}
}

func (s *Steps) start(name string) {
	s.end("", "")
	s.open = name
	s.report(runtimes.Progress{Step: name, Started: time.Now()})
}

// made is the image that a step left, unless the cache had it: an ID may be
// given in full or in part.
func (s *Steps) made(image string) runtimes.ImageID {
	for _, f := range s.found {
		if strings.HasPrefix(f, image) || strings.HasPrefix(image, f) {
			return ""
		}
	}
	return runtimes.ImageID(image)
}

func (s *Steps) end(cause string, made runtimes.ImageID) {
	if s.open == "" {
		return
	}
	s.report(runtimes.Progress{Step: s.open, Ended: time.Now(), Cached: s.cached, Error: cause, Made: made})
	s.open, s.cached = "", false
}
