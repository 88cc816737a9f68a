package classify

const (
	// textLimit bounds the part of a line that is kept as evidence.
	textLimit = 400
	// tryLimit bounds the text that a rule's regular expressions are run on
	// while the log is read. Beyond it only the latest lines are remembered
	// and tried at the end, because a log that says the same thing a million
	// times would take minutes otherwise.
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
// which what the raw line quotes is blanked out, and with the statement in it.
func (s *sighting) add(r *Rule, number int, statement, text, raw []byte, end int) {
	if r.detail == nil && r.not == nil {
		s.note(number, raw, end)
		return
	}
	if s.tried > tryLimit {
		s.postpone(number, text, end)
		return
	}
	s.tried += len(text)
	if r.accepts(statement, text) {
		s.note(number, raw, end)
	}
}

// accepts asks the detail of the statement that the rule found, and what must
// not be there of the whole line: "pulling failed; trying again" is one thought.
func (r *Rule) accepts(statement, line []byte) bool {
	return (r.detail == nil || r.detail.Match(statement)) && (r.not == nil || !r.not.Match(line))
}

func (s *sighting) note(number int, line []byte, end int) {
	s.count++
	s.last.set(number, line, end)
	if s.count == 1 {
		s.first.set(number, line, end)
	}
}

func (s *sighting) postpone(number int, line []byte, end int) {
	if len(s.latest) < latestLimit {
		s.latest = append(s.latest, place{})
	}
	s.latest[s.postponed%latestLimit].set(number, line, end)
	s.postponed++
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
