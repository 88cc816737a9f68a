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
	// reach is how far from a needle its line is looked at. A longer line is
	// taken as a row of overlapping windows, so that its length costs
	// neither memory nor time.
	reach = 1 << 10
)

// scanner works through one log.
type scanner struct {
	rules     *Classifier
	evidence  func(line int) bool // as in Options
	sightings [2][]sighting       // by voice and rule
	lines     int                 // line ends passed
	endings   []ending            // the last lines that are not blank, the last first
	final     int                 // the last line that is not blank
	waits     int                 // lines in which a part of a node tells what it waits for
	waitsIn   trial.Phase         // the phase that does

	block   []byte
	echoes  []stretch // of block
	tests   []stretch // of block: the output of tests
	counted int       // how far into block lines have been counted
	begins  int       // where the line that holds counted begins
	checked []int     // by target: up to where in block it has been checked
	line    window
}

// window is the line that is being looked at, or the part of a long line. It
// is read as a whole once all of its needles are known.
type window struct {
	from, to int
	until    int // needles that end behind this deserve a window of their own
	number   int
	joined   bool   // of several statements
	text     []byte // with what is quoted blanked out
	lower    []byte
	found    []find
}

// find is a needle in a window: which, and where it ends there. Unquoted says
// that its rule was found before quoted commands were blanked, and may rest on
// those, too.
type find struct {
	needle, end int
	unquoted    bool
}

func newScanner(c *Classifier) *scanner {
	s := &scanner{rules: c, checked: make([]int, len(c.search))}
	for v := range s.sightings {
		s.sightings[v] = make([]sighting, len(c.rules))
	}
	return s
}

// read takes the log in blocks of whole lines. A line that fills a block is
// handed on in parts that overlap by reach.
func (s *scanner) read(ctx context.Context, r io.Reader) error {
	buf := make([]byte, blockSize)
	kept, seen := 0, 0 // bytes kept from the last round; of these, bytes already searched
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
			s.scan(clean(data), seen)
			s.readEndings()
			return nil
		}
		if cut := bytes.LastIndexByte(data, '\n') + 1; cut > 0 {
			s.scan(clean(data[:cut]), seen)
			kept, seen = copy(buf, data[cut:]), 0
			continue
		}
		part := clean(data)
		s.scan(part, seen)
		kept = copy(buf, part[max(0, len(part)-reach):])
		seen = kept
	}
}

// scan searches one block, whose first seen bytes were searched before.
func (s *scanner) scan(block []byte, seen int) {
	s.block, s.counted, s.echoes, s.tests = block, seen, echoesIn(block), observedIn(block)
	s.begins = lineStart(block, seen)
	s.line = window{text: s.line.text, lower: s.line.lower, found: s.line.found[:0]}
	clear(s.checked)
	s.rules.needles.scan(block, func(needle, end int) {
		if end > seen && end > s.checked[needle] {
			s.note(needle, end)
		}
	})
	s.readLine()
	s.finish()
}

// finish counts the lines that no needle made the scanner count.
func (s *scanner) finish() {
	rest := s.block[s.counted:]
	ends := bytes.Count(rest, []byte{'\n'})
	if said := bytes.TrimRight(rest, " \t\r\n"); len(said) > 0 {
		s.final = s.lines + ends - bytes.Count(rest[len(said):], []byte{'\n'}) + 1
		s.keepEndings(s.block[:s.counted+len(said)], s.final)
	}
	s.lines += ends
}

// note keeps a needle until its line is read.
func (s *scanner) note(needle, end int) {
	if t := s.rules.search[needle]; t.rule != ofQuotes && s.tooLate(&s.rules.rules[t.rule]) {
		return
	}
	if end > s.line.until {
		s.readLine()
		s.open(end)
	}
	s.checked[needle] = s.line.until
	s.line.found = append(s.line.found, find{needle: needle, end: end - s.line.from})
}

// tooLate reports whether the log is too long for the rule.
func (s *scanner) tooLate(r *Rule) bool { return r.Excerpt > 0 && s.lines >= r.Excerpt }

// open makes the line around offset end-1 the one to look at.
func (s *scanner) open(end int) {
	from, to, whole := lineAround(s.block, end)
	if from > s.counted {
		if passed := s.block[s.counted:from]; bytes.IndexByte(passed, '\n') >= 0 {
			s.lines += bytes.Count(passed, []byte{'\n'})
			s.begins = lineStart(s.block, from)
		}
		s.counted = from
	}
	s.line.from, s.line.to, s.line.until, s.line.number = from, to, to, s.lines+1
	if !whole {
		s.line.until -= reach / 4
	}
}

// readLine looks at the line that is open for what its rules want of it.
func (s *scanner) readLine() {
	l := &s.line
	if len(l.found) == 0 {
		return
	}
	raw := s.block[l.from:l.to]
	l.text, l.lower = append(l.text[:0], raw...), appendLower(l.lower[:0], raw)
	l.joined = bytes.Contains(raw, joint)
	quoted := false
	for i := range l.found {
		f := &l.found[i]
		t := s.rules.search[f.needle]
		if t.rule == ofQuotes {
			quoted = quoted || quotes[t.pattern].opens(l.lower[:f.end])
		} else {
			f.unquoted = s.rules.rules[t.rule].restsOn(echoed) && s.matches(*f)
		}
	}
	if quoted {
		s.blankQuotes()
	}
	l.found = slices.DeleteFunc(l.found, func(f find) bool { return !f.unquoted && !s.matches(f) })
	if len(l.found) > 0 {
		is, by := s.judgeLine()
		for _, f := range l.found {
			i := s.rules.search[f.needle].rule
			text := l.text
			if f.unquoted {
				text = raw
			}
			if r := &s.rules.rules[i]; r.Level != Ordinary && r.restsOn(is) {
				s.sightings[by][i].add(r, l.number, l.statement(text, f.end), text, raw, f.end)
			}
		}
	}
	l.found = l.found[:0]
}

// blankQuotes blanks the commands that the open line quotes.
func (s *scanner) blankQuotes() {
	for _, f := range s.line.found {
		t := s.rules.search[f.needle]
		if t.rule == ofQuotes && quotes[t.pattern].opens(s.line.lower[:f.end]) {
			blank(s.line.text, s.line.lower, f.end, quotes[t.pattern].closing)
		}
	}
}

// matches reports whether the needle's pattern is in the line, and not in what
// the line quotes.
func (s *scanner) matches(f find) bool {
	t := s.rules.search[f.needle]
	if t.rule == ofQuotes {
		return false
	}
	p := s.rules.rules[t.rule].patterns[t.pattern]
	if len(p.pieces) > 1 {
		return p.in(s.line.statement(s.line.lower, f.end))
	}
	return bytes.HasSuffix(s.line.lower[:f.end], p.pieces[0])
}

// joint stands between errors that are joined to one line.
var joint = []byte("; ")

// statement is the part of the line (text, or lower) that holds what was found,
// which ends at end: errors that are joined to one line state each its own.
func (l *window) statement(line []byte, end int) []byte {
	if !l.joined {
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

// judgeLine decides what the open line is, and who says it. A part of a long line
// is judged by the beginning of the line, which may be far in front of it.
func (s *scanner) judgeLine() (is standing, by voice) {
	line := s.block[s.begins:s.line.to]
	if s.line.from > s.begins+4*reach {
		line = line[:4*reach]
	}
	is, by = standingOf(line), voiceOf(line)
	if within(s.echoes, s.line.from) {
		is = echoed
	}
	if s.evidence != nil && s.evidence(s.line.number) {
		by = witness
	}
	if is == echoed {
		return is, by
	}
	if is == said && by == own && isObserved(line, s.inTest(s.line.from)) {
		is = observed
	}
	if i := slices.IndexFunc(s.line.found, s.ordinary); i >= 0 {
		is = ordinary
		if r := s.rules.rules[s.rules.search[s.line.found[i].needle].rule]; r.Phase != "" {
			s.waits++
			s.waitsIn = r.Phase
		}
	}
	return is, by
}

// ordinary reports whether what was found is of a rule that knows the line as
// one of healthy programs.
func (s *scanner) ordinary(f find) bool {
	r := &s.rules.rules[s.rules.search[f.needle].rule]
	return r.Level == Ordinary && r.accepts(s.line.statement(s.line.text, f.end), s.line.text)
}

// lineAround returns the bounds of the line that holds offset end-1, and
// whether they reach the line's end. A carriage return bounds a line too:
// progress bars rewrite theirs with it.
func lineAround(block []byte, end int) (from, to int, whole bool) {
	from = end
	for floor := max(0, end-reach/2); from > floor && !isLineEnd(block[from-1]); {
		from--
	}
	to = end
	ceiling := min(len(block), end+reach)
	for to < ceiling && !isLineEnd(block[to]) {
		to++
	}
	return from, to, to < end+reach
}

func isLineEnd(b byte) bool { return b == '\n' || b == '\r' }

func appendLower(dst, line []byte) []byte {
	at := len(dst)
	dst = append(dst, line...)
	for i, b := range dst[at:] {
		dst[at+i] = lowerByte(b)
	}
	return dst
}
