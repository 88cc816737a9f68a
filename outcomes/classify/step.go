package classify

import (
	"bytes"
	"strconv"
)

// steps is how the steps of builds ended, by the number of the line. Builders go
// on behind a step only if it succeeded, whatever it printed.
type steps struct {
	done, failed map[int]int // of BuildKit, by the number of the step
	first, later int         // of the other builders: the first step of a build, and one behind it
}

// stepLimit bounds the numbers of steps that are kept.
const stepLimit = 10_000

// note remembers a line that begins or ends a step.
func (s *steps) note(line []byte, number int) {
	if step, text := stepOf(line); step > 0 {
		if s.done == nil {
			s.done, s.failed = map[int]int{}, map[int]int{}
		}
		switch {
		case bytes.HasPrefix(text, []byte("DONE ")):
			s.done[step] = number
		case bytes.HasPrefix(text, []byte("ERROR")), bytes.HasPrefix(text, []byte("CANCELED")):
			s.failed[step] = number
		}
		return
	}
	text, _ := content(line)
	if (marks{"STEP ", "Step "}).of(text) == "" {
		return
	}
	step, _, _ := bytes.Cut(text[len("STEP "):], []byte{' '})
	step, _, _ = bytes.Cut(bytes.TrimRight(step, ":"), []byte{'/'})
	switch n, err := strconv.Atoi(string(step)); {
	case err != nil:
	case n <= 1:
		s.first = number
	default:
		s.later = number
	}
}

// survived reports whether the builder went on behind the step that the line is
// of.
func (s *steps) survived(p place) bool {
	if step, _ := stepOf(p.text); step > 0 {
		return s.done[step] > p.line && s.failed[step] < p.line
	}
	return s.first > 0 && s.first < p.line && p.line < s.later
}

// stepOf returns the number of the step of BuildKit that the line is of, and
// what is behind it; 0 if there is none.
func stepOf(line []byte) (int, []byte) {
	number, text := buildStep(passedOn(line))
	n, err := strconv.Atoi(string(number))
	if err != nil || n >= stepLimit {
		return 0, nil
	}
	return n, text
}
