package classify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
)

const (
	blockSize = 256 << 10
	// partSize is how much of a line is read at a time. A longer line is a row
	// of parts that overlap, so that its length costs neither memory nor time.
	partSize = 4 << 10
	overlap  = 1 << 10
)

// scanner works through one log.
type scanner struct {
	rules     *Classifier
	evidence  func(line int) bool // as in Options
	sightings [2][]sighting       // by voice and rule
	number    int                 // of the line that was read last
	endings   []ending            // the last lines that are not blank, the last first
	steps     steps
	waits     int         // lines in which a part of a node says what it waits for
	waitsIn   trial.Phase // the phase that does

	block  []byte
	echoes []stretch // of block: source text
	tests  []stretch // of block: the output of tests
	within bool      // the next block goes on with the same line

	parts       int   // read so far
	foundIn     []int // by target: the last part in which it was found
	foundAt     []int // by target: where its needle ended there
	found       []find
	text, lower []byte // of the part
}

// find is a target in a part of a line, and where its needle ends there.
type find struct {
	*target
	end int
	// unquoted is set for a rule that was found before quoted commands were
	// blanked, because it may rest on those, too.
	unquoted bool
}

func newScanner(c *Classifier) *scanner {
	s := &scanner{rules: c, foundIn: make([]int, len(c.targets)), foundAt: make([]int, len(c.targets))}
	for v := range s.sightings {
		s.sightings[v] = make([]sighting, len(c.rules))
	}
	return s
}

// read takes the log in blocks of whole lines. A line that fills a block is
// taken in pieces, each of which begins with the end of the one before.
func (s *scanner) read(ctx context.Context, r io.Reader) error {
	buf := make([]byte, blockSize)
	kept := 0
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := io.ReadFull(r, buf[kept:])
		last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !last {
			return fmt.Errorf("reading the log: %w", err)
		}
		data := buf[:kept+n]
		if last {
			s.scan(clean(data))
			s.readEndings()
			return nil
		}
		if cut := bytes.LastIndexByte(data, '\n') + 1; cut > 0 {
			s.scan(clean(data[:cut]))
			kept = copy(buf, data[cut:])
			continue
		}
		piece := clean(data)
		s.scan(piece)
		kept = copy(buf, piece[max(0, len(piece)-overlap):])
	}
}

// scan reads the lines of a block. A carriage return parts a line in two:
// progress bars rewrite theirs with it.
func (s *scanner) scan(block []byte) {
	s.block, s.echoes, s.tests = block, stretches(block, scripts), stretches(block, observations)
	for from := 0; from < len(block); {
		to := lineEnd(block, from)
		if !s.within {
			s.number++
		}
		s.within = block[to-1] != '\n'
		line := bytes.TrimSuffix(block[from:to], []byte{'\n'})
		for at := 0; at < len(line); {
			end := min(len(line), at+partSize)
			next := end - overlap
			if cr := bytes.IndexByte(line[at:end], '\r'); cr >= 0 {
				end, next = at+cr, at+cr+1
			} else if end == len(line) {
				next = end
			}
			s.readPart(line[:end], at, from+at)
			at = next
		}
		from = to
	}
	s.keepEndings()
}

// readPart reads what of a line lies behind at, the offset where in the block.
func (s *scanner) readPart(line []byte, at, where int) {
	evidence := line[at:]
	raw := evidence
	if at == 0 {
		raw = unwrapped(raw) // a rule reads what was said, and not in which job
	}
	cut := len(evidence) - len(raw)
	if s.search(raw); len(s.found) == 0 {
		return
	}
	s.text, s.lower = append(s.text[:0], raw...), appendLower(s.lower[:0], raw)
	for i, f := range s.found {
		s.found[i].unquoted = f.rule != nil && f.rule.restsOn(echoed) && f.pattern.in(statement(s.text, f.end), statement(s.lower, f.end))
	}
	for _, f := range s.found {
		if f.rule == nil && f.quote.opens(s.lower[:f.end]) {
			f.quote.blank(s.text, s.lower, f.end)
		}
	}
	s.found = slices.DeleteFunc(s.found, func(f find) bool {
		return f.rule == nil || !f.unquoted && !f.pattern.in(statement(s.text, f.end), statement(s.lower, f.end))
	})
	if len(s.found) == 0 {
		return
	}
	if at == 0 {
		s.steps.note(line[:min(len(line), textLimit)], s.number)
	}
	is, by := s.judgeLine(line[:min(len(line), partSize)], where)
	for _, f := range s.found {
		if f.rule.Level == Ordinary || !f.rule.restsOn(is) {
			continue
		}
		text := s.text
		if f.unquoted {
			text = raw
		}
		s.sightings[by][f.rule.place].add(f.rule, s.number, statement(text, f.end), text, evidence, cut+f.end)
	}
}

// findLimit bounds what is looked at in a part: errors that are joined by the hundred
// say little new.
const findLimit = 100

// search finds the targets in a part of a line, each once in a statement.
func (s *scanner) search(part []byte) {
	s.parts++
	s.found = s.found[:0]
	joined := bytes.Contains(part, joint)
	s.rules.needles.scan(part, func(needle, end int) {
		t := &s.rules.targets[needle]
		if t.rule != nil && t.rule.Excerpt > 0 && s.number > t.rule.Excerpt {
			return
		}
		if s.foundIn[needle] == s.parts && (!joined || len(s.found) >= findLimit || !bytes.Contains(part[s.foundAt[needle]:end], joint)) {
			return
		}
		s.foundIn[needle], s.foundAt[needle] = s.parts, end
		s.found = append(s.found, find{target: t, end: end})
	})
}

// joint stands between errors that are joined to one line.
var joint = []byte("; ")

// statement is the part of a line that holds what was found, which ends at end:
// errors that are joined to one line state each its own.
func statement(line []byte, end int) []byte {
	if !bytes.Contains(line, joint) {
		return line
	}
	from, to := 0, len(line)
	if at := bytes.LastIndex(line[:end], joint); at >= 0 && at+len(joint) < end {
		from = at + len(joint)
	}
	if at := bytes.Index(line[end:], joint); at >= 0 {
		to = end + at
	}
	return line[from:to]
}

// judgeLine decides what the line is whose part was searched, and who says it.
func (s *scanner) judgeLine(line []byte, where int) (is standing, by voice) {
	is, by = s.lineAt(line, s.number, where)
	if is == echoed {
		return is, by
	}
	if is == said && by == own && isObserved(line, within(s.tests, where)) {
		is = observed
	}
	for _, f := range s.found {
		if f.rule.Level == Ordinary && f.rule.accepts(statement(s.text, f.end), s.text) {
			if f.rule.Phase != "" {
				s.waits++
				s.waitsIn = f.rule.Phase
			}
			return ordinary, by
		}
	}
	return is, by
}

// lineAt is what a line is by itself and by where it lies in the block.
func (s *scanner) lineAt(line []byte, number, where int) (is standing, by voice) {
	is, by = standingOf(line), voiceOf(line)
	if within(s.echoes, where) {
		is = echoed
	}
	if s.evidence != nil && s.evidence(number) {
		by = witness
	}
	return is, by
}

func appendLower(dst, line []byte) []byte {
	for _, b := range line {
		if 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		dst = append(dst, b)
	}
	return dst
}

const (
	// textLimit bounds the part of a line that is kept as evidence.
	textLimit = 400
	// tryLimit bounds the text that a rule's regular expressions are run on while the log
	// is read. Beyond it only the latest lines are remembered, and tried at the end: a log
	// that says the same thing a million times would take minutes otherwise.
	tryLimit    = 64 << 10
	latestLimit = 32
)

// sighting is where a rule was seen: the first time and the last.
type sighting struct {
	count       int
	first, last place
	tried       int // bytes
	postponed   int
	latest      []place // ring of lines not yet tried
}

// place is a line, or the part of it around what was found.
type place struct {
	line int
	text []byte
}

// add notes the line if the rule's regular expressions agree with its text, in
// which what it quotes is blanked out, and with the statement in it. The needle
// ends at end in the whole line.
func (s *sighting) add(r *Rule, number int, statement, text, line []byte, end int) {
	if r.detail != nil || r.not != nil {
		if s.tried > tryLimit {
			if len(s.latest) < latestLimit {
				s.latest = append(s.latest, place{})
			}
			s.latest[s.postponed%latestLimit].set(number, text, end)
			s.postponed++
			return
		}
		s.tried += len(text)
		if !r.accepts(statement, text) {
			return
		}
	}
	s.note(number, line, end)
}

func (s *sighting) note(number int, line []byte, end int) {
	s.count++
	s.last.set(number, line, end)
	if s.count == 1 {
		s.first.set(number, line, end)
	}
}

// settle tries the lines that were postponed.
func (s *sighting) settle(r *Rule) {
	for _, p := range s.latest {
		if !r.accepts(p.text, p.text) {
			continue
		}
		s.count++
		if p.line >= s.last.line {
			s.last = p
		}
		if s.count == 1 || p.line < s.first.line {
			s.first = p
		}
	}
}

// set keeps the line, or textLimit bytes of it that hold what was found.
func (p *place) set(number int, line []byte, end int) {
	p.line = number
	from := 0
	if len(line) > textLimit {
		from = max(0, min(end-textLimit/2, len(line)-textLimit))
	}
	p.text = append(p.text[:0], line[from:min(len(line), from+textLimit)]...)
}
