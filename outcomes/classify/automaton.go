package classify

// automaton finds all needles in one pass over the text, whatever their
// number (Aho–Corasick, as a dense table). ASCII case is folded. It exists
// because a log is mostly lines that say nothing: the table rules them out at
// a few nanoseconds a byte, and only what is left meets patterns and regular
// expressions.
type automaton struct {
	class [256]uint32 // bytes that no needle holds share class 0
	width uint32      // number of classes
	next  []uint32    // [state+class] → state, premultiplied by width; top bit: a needle ends here
	ends  [][]int     // by state number, the needles that end there
}

const endBit = 1 << 31

func newAutomaton(needles []string) *automaton {
	a := &automaton{width: 1}
	for _, n := range needles {
		a.addClasses(n)
	}
	fail := a.addNeedles(needles)
	a.complete(fail)
	return a
}

func (a *automaton) addClasses(needle string) {
	for i := range len(needle) {
		lower, upper := lowerByte(needle[i]), upperByte(needle[i])
		if a.class[lower] == 0 {
			a.class[lower], a.class[upper] = a.width, a.width
			a.width++
		}
	}
}

// addNeedles builds the plain tree of needles and returns room for its
// failure links. The tree has at most a state for each byte; pages of the
// table that are never reached cost no memory, growing it would.
func (a *automaton) addNeedles(needles []string) (fail []uint32) {
	states := 1
	for _, n := range needles {
		states += len(n)
	}
	a.next = make([]uint32, 0, states*int(a.width))
	a.ends = make([][]int, 0, states)
	a.newState()
	for id, n := range needles {
		state := uint32(0)
		for i := range len(n) {
			slot := state + a.class[n[i]]
			if a.next[slot] == 0 {
				a.next[slot] = a.newState()
			}
			state = a.next[slot]
		}
		a.ends[state/a.width] = append(a.ends[state/a.width], id)
	}
	return make([]uint32, len(a.ends))
}

func (a *automaton) newState() uint32 {
	state := uint32(len(a.next))
	a.next = append(a.next, make([]uint32, a.width)...)
	a.ends = append(a.ends, nil)
	return state
}

// complete fills every gap of the tree with the step its failure link would
// take, breadth first, and then marks the states where needles end.
func (a *automaton) complete(fail []uint32) {
	queue := []uint32{0}
	for len(queue) > 0 {
		state := queue[0]
		queue = queue[1:]
		for c := range a.width {
			fallback := uint32(0)
			if state != 0 {
				fallback = a.next[fail[state/a.width]+c]
			}
			to := a.next[state+c]
			if to == 0 {
				a.next[state+c] = fallback
				continue
			}
			fail[to/a.width] = fallback
			a.ends[to/a.width] = append(a.ends[to/a.width], a.ends[fallback/a.width]...)
			queue = append(queue, to)
		}
	}
	for i, to := range a.next {
		if len(a.ends[to/a.width]) > 0 {
			a.next[i] |= endBit
		}
	}
}

// scan calls found for every needle that ends in text, with the offset just
// behind it.
func (a *automaton) scan(text []byte, found func(needle, end int)) {
	state := uint32(0)
	for i, b := range text {
		state = a.next[state&^endBit+a.class[b]]
		if state&endBit == 0 {
			continue
		}
		for _, id := range a.ends[(state&^endBit)/a.width] {
			found(id, i+1)
		}
	}
}

func lowerByte(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

func upperByte(b byte) byte {
	if 'a' <= b && b <= 'z' {
		return b - 'a' + 'A'
	}
	return b
}
