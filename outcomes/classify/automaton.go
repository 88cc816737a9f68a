package classify

// automaton finds all needles in one pass over the text (Aho–Corasick, as a dense table).
// ASCII case is folded. Most lines of a log say nothing: the table rules them out at a few
// nanoseconds a byte, and only what is left meets patterns and regular expressions.
type automaton struct {
	class [256]uint32 // bytes that no needle holds share class 0
	width uint32      // number of classes
	next  []uint32    // [state+class] → state, premultiplied by width; top bit: a needle ends here
	ends  [][]int     // by state number, the needles that end there
}

const endBit = 1 << 31

// newAutomaton makes one for needles in lower case.
func newAutomaton(needles []string) *automaton {
	a := &automaton{width: 1}
	states := 1
	for _, n := range needles {
		states += len(n)
		for i := range len(n) {
			if a.class[n[i]] == 0 {
				a.class[n[i]] = a.width
				a.width++
			}
		}
	}
	for b := 'A'; b <= 'Z'; b++ {
		a.class[b] = a.class[b+'a'-'A']
	}
	// Pages of the table that are never reached cost no memory, growing it would.
	a.next = make([]uint32, 0, states*int(a.width))
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
	// Every gap of the tree is filled with the step its failure link would take,
	// breadth first. Then the states are marked where needles end.
	fail := make([]uint32, len(a.ends))
	for queue := []uint32{0}; len(queue) > 0; queue = queue[1:] {
		state := queue[0]
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
	return a
}

func (a *automaton) newState() uint32 {
	state := uint32(len(a.next))
	a.next = append(a.next, make([]uint32, a.width)...)
	a.ends = append(a.ends, nil)
	return state
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
