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
	// Cached says that the open step was taken from the cache, and from which image
	// if the line names one.
	Cached
	// End closes the open step, which made the image that the line names, if any.
	End
)

// longest is how much of a line is kept for reading. Marks are shorter.
const longest = 64 << 10

// Steps follows the steps of a build. Write the builder's output to it as it
// arrives: the time of a mark is taken when its line is complete.
type Steps struct {
	report func(runtimes.Progress)
	read   func(line string) (Mark, string)
	open   string
	cached bool
	// found are the images that came from the cache.
	found []string
	line  []byte
}

// NewSteps returns Steps that report to report. The function read decides what a
// line marks, and returns the name of a step that starts, or of an image.
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
	cause := ""
	if err != nil {
		cause = err.Error()
	}
	s.end(cause, "")
}

// take passes on a line, or a part of one. Output does not wait until its line is
// complete, because silence counts as a hang.
func (s *Steps) take(piece []byte) {
	keep := min(len(piece), longest-len(s.line))
	s.line = append(s.line, piece[:keep]...)
	mark, name := None, ""
	if piece[len(piece)-1] == '\n' {
		mark, name = s.read(strings.TrimRight(string(s.line), "\r\n"))
		s.line = s.line[:0]
	}
	if mark == Start {
		s.end("", "")
		s.open = name
		s.report(runtimes.Progress{Step: name, Started: time.Now()})
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

// made is the image that a step made, unless it came from the cache. An ID may be
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
