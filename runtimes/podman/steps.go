package podman

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
)

// meaning is what a line of a build's output means for its steps.
type meaning int

const (
	// plain output belongs to the open step.
	plain meaning = iota
	// starts a step and ends the one before it.
	starts
	// cached means that the open step came from the cache; the line names the image.
	cached
	// ends the open step, which made the image that the line names.
	ends
)

// exportLine begins the line that Podman prints before it pushes a layer to the cache.
const exportLine = "--> Pushing cache "

// longest is how much of a line is kept for reading. Lines with a meaning are shorter.
const longest = 64 << 10

// steps follows the steps of a build. Write the build's output to it as it arrives:
// the time of a step is taken when its line is complete.
type steps struct {
	report func(runtimes.Progress)
	lines  lines
	open   string
	cached bool
	// found are the images that came from the cache.
	found []string
	line  []byte
}

func (s *steps) write(p []byte) {
	for rest := p; len(rest) > 0; {
		n := bytes.IndexByte(rest, '\n') + 1
		if n == 0 {
			n = len(rest)
		}
		s.take(rest[:n])
		rest = rest[n:]
	}
}

// close ends the step that is still open, with err if the build failed.
func (s *steps) close(err error) {
	cause := ""
	if err != nil {
		cause = err.Error()
	}
	s.end(cause, "")
}

// take passes on a line, or a part of one. Output does not wait until its line is
// complete, because silence counts as a hang.
func (s *steps) take(piece []byte) {
	keep := min(len(piece), longest-len(s.line))
	s.line = append(s.line, piece[:keep]...)
	what, name := plain, ""
	if piece[len(piece)-1] == '\n' {
		what, name = s.lines.read(strings.TrimRight(string(s.line), "\r\n"))
		s.line = s.line[:0]
	}
	if what == starts {
		s.end("", "")
		s.open = name
		s.report(runtimes.Progress{Step: name, Started: time.Now()})
	}
	s.report(runtimes.Progress{Step: s.open, Output: bytes.Clone(piece)})
	switch what {
	case cached:
		s.cached = true
		s.found = append(s.found, name)
	case ends:
		s.end("", s.made(name))
	}
}

// made returns the image that a step made, or nothing if it came from the cache. The
// output may name an image by its ID or by the beginning of it.
func (s *steps) made(image string) runtimes.ImageID {
	for _, f := range s.found {
		if strings.HasPrefix(f, image) || strings.HasPrefix(image, f) {
			return ""
		}
	}
	return runtimes.ImageID(image)
}

func (s *steps) end(cause string, made runtimes.ImageID) {
	if s.open == "" {
		return
	}
	s.report(runtimes.Progress{Step: s.open, Ended: time.Now(), Cached: s.cached, Error: cause, Made: made})
	s.open, s.cached = "", false
}

var (
	fullID    = regexp.MustCompile(`^[0-9a-f]{64}$`)
	stepLine  = regexp.MustCompile(`^(\[\d+/\d+\] )?STEP (\d+)/(\d+): `)
	cacheLine = regexp.MustCompile(`^--> Using cache ([0-9a-f]{12,64})$`)
	layerLine = regexp.MustCompile(`^--> ([0-9a-f]{11,64})$`)
)

// lines recognises the steps in a build's output. A step is open from its own line to
// the one that names its layer. Steps are counted, so that a command's output cannot be
// mistaken for a step.
type lines struct {
	// cache is the repository to which the build exports its cache, or empty.
	cache string
	stage string
	step  int
	total string
	// seen are the stages so far: no stage begins twice.
	seen map[string]bool
}

// read returns what a line means, and the name of the step that starts or the image.
func (l *lines) read(line string) (meaning, string) {
	if m := stepLine.FindStringSubmatch(line); m != nil && l.next(m[1], m[2], m[3]) {
		return starts, line
	}
	if l.commits(line) {
		return starts, line
	}
	if l.cache != "" && strings.HasPrefix(line, exportLine) && strings.Contains(line, l.cache) {
		return starts, trial.ExportStep // it ends with the line that names the layer
	}
	if m := cacheLine.FindStringSubmatch(line); m != nil {
		return cached, m[1]
	}
	if m := layerLine.FindStringSubmatch(line); m != nil {
		return ends, m[1]
	}
	return plain, ""
}

// next reports whether a step is the one that must follow.
func (l *lines) next(stage, step, total string) bool {
	n, err := strconv.Atoi(step)
	if err != nil {
		return false
	}
	if n == 1 && !l.seen[stage] {
		if l.seen == nil {
			l.seen = map[string]bool{}
		}
		l.seen[stage] = true
		l.stage, l.step, l.total = stage, 1, total
		return true
	}
	if l.step == 0 || stage != l.stage || n != l.step+1 || total != l.total {
		return false
	}
	l.step = n
	return true
}

// commits reports whether a line states that the image is put together. That happens once,
// after the last step of a stage, and is measured as a step of its own.
func (l *lines) commits(line string) bool {
	if l.step == 0 || strconv.Itoa(l.step) != l.total || !strings.HasPrefix(line, l.stage+"COMMIT") {
		return false
	}
	l.step = 0
	return true
}
