package podman

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/stratbench/stratbench/runtimes/internal/buildlog"
)

var (
	fullID    = regexp.MustCompile(`^[0-9a-f]{64}$`)
	stepLine  = regexp.MustCompile(`^(\[\d+/\d+\] )?STEP (\d+)/(\d+): `)
	cacheLine = regexp.MustCompile(`^--> Using cache ([0-9a-f]{12,64})$`)
	layerLine = regexp.MustCompile(`^--> ([0-9a-f]{11,64})$`)
)

// lines finds the steps in what a build prints. A step is open from its line
// to the one that names its layer. Steps are counted, so that a command's
// own output does not pass for one.
type lines struct {
	stage string
	step  int
	total string
	// seen are the stages so far: a stage is not begun twice.
	seen map[string]bool
}

func (l *lines) read(line string) (buildlog.Mark, string) {
	if m := stepLine.FindStringSubmatch(line); m != nil && l.next(m[1], m[2], m[3]) {
		return buildlog.Start, line
	}
	if l.commits(line) {
		return buildlog.Start, line
	}
	if m := cacheLine.FindStringSubmatch(line); m != nil {
		return buildlog.Cached, m[1]
	}
	if m := layerLine.FindStringSubmatch(line); m != nil {
		return buildlog.End, m[1]
	}
	return buildlog.None, ""
}

// next tells whether a step is the one that must come now.
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

// commits tells whether the image is put together, which comes once, after a
// stage's last step, and is measured as a step of its own.
func (l *lines) commits(line string) bool {
	if l.step == 0 || strconv.Itoa(l.step) != l.total || !strings.HasPrefix(line, l.stage+"COMMIT") {
		return false
	}
	l.step = 0
	return true
}
