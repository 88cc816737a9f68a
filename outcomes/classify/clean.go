package classify

import (
	"bytes"
	"strings"
	"unicode"
)

const escape = 0x1b

// clean removes terminal escape sequences and NUL bytes (of binary noise and
// of UTF-16) from block, in place: either would hide a message from a search.
func clean(block []byte) []byte {
	if bytes.IndexByte(block, escape) < 0 && bytes.IndexByte(block, 0) < 0 {
		return block
	}
	kept := block[:0]
	for i := 0; i < len(block); {
		switch block[i] {
		case escape:
			i += escapeLength(block[i:])
		case 0:
			i++
		default:
			kept = append(kept, block[i])
			i++
		}
	}
	return kept
}

// escapeLength returns the length of the escape sequence that b starts with.
// A sequence cut short ends at the end of its line, so that it can never
// swallow the next one.
func escapeLength(b []byte) int {
	if len(b) < 2 {
		return 1
	}
	switch b[1] {
	case '[': // control sequence: parameters, then a final byte
		for i := 2; i < len(b); i++ {
			if b[i] < 0x20 {
				return i
			}
			if b[i] >= 0x40 {
				return i + 1
			}
		}
		return len(b)
	case ']', 'P', '_', '^': // a string for the terminal, ended by BEL or ESC \
		for i := 2; i < len(b); i++ {
			switch {
			case b[i] == 0x07:
				return i + 1
			case b[i] == '\n' || b[i] == '\r' || b[i] == escape:
				return i
			}
		}
		return len(b)
	case '(', ')', '*', '+': // choice of a character set
		return min(3, len(b))
	case '\n', '\r', escape:
		return 1
	}
	return 2
}

// printable makes a line of a log fit to show and to marshal.
func printable(line []byte) string {
	text := strings.ToValidUTF8(string(line), "\uFFFD")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text))
}
