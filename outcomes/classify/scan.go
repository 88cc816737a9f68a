package classify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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
	sightings []sighting // by rule
	lines     int        // line ends passed
	final     int        // the last line that is not blank

	block   []byte
	counted int   // how far into block lines have been counted
	checked []int // by target: up to where in block it has been checked
	line    window
}

// window is the line that is being looked at, or the part of a long line.
// Many needles fall on one line, so what it costs to find is kept.
type window struct {
	from, to int
	until    int // needles that end behind this deserve a window of their own
	number   int
	lower    []byte
}

func newScanner(c *Classifier) *scanner {
	return &scanner{rules: c, sightings: make([]sighting, len(c.rules)), checked: make([]int, len(c.search))}
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
	s.block, s.counted = block, seen
	s.line = window{lower: s.line.lower}
	clear(s.checked)
	s.rules.needles.scan(block, func(needle, end int) {
		if end > seen && end > s.checked[needle] {
			s.check(needle, end)
		}
	})
	s.finish()
}

// finish counts the lines that no needle made the scanner count.
func (s *scanner) finish() {
	rest := s.block[s.counted:]
	ends := bytes.Count(rest, []byte{'\n'})
	if said := bytes.TrimRight(rest, " \t\r\n"); len(said) > 0 {
		s.final = s.lines + ends - bytes.Count(rest[len(said):], []byte{'\n'}) + 1
	}
	s.lines += ends
}

// check looks at the line around a needle for what the rule wants of it.
func (s *scanner) check(needle, end int) {
	t := s.rules.search[needle]
	r := &s.rules.rules[t.rule]
	if r.Excerpt > 0 && s.lines >= r.Excerpt {
		return
	}
	if end > s.line.until {
		s.open(end)
	}
	s.checked[needle] = s.line.until
	if len(r.patterns[t.pattern].pieces) > 1 && !r.patterns[t.pattern].in(s.line.lower) {
		return
	}
	s.sightings[t.rule].add(r, s.line.number, s.block[s.line.from:s.line.to], end-s.line.from)
}

// open makes the line around offset end-1 the one to look at.
func (s *scanner) open(end int) {
	from, to, whole := lineAround(s.block, end)
	if from > s.counted {
		s.lines += bytes.Count(s.block[s.counted:from], []byte{'\n'})
		s.counted = from
	}
	s.line = window{from: from, to: to, until: to, number: s.lines + 1, lower: appendLower(s.line.lower[:0], s.block[from:to])}
	if !whole {
		s.line.until -= reach / 4
	}
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
