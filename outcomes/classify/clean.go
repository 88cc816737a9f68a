package classify

import (
	"bytes"
	"strings"
	"unicode"
)

const escape = 0x1b

// clean removes terminal escape sequences and NUL bytes (of binary noise and of
// UTF-16) from a block: either would hide a message from a search.
func clean(block []byte) []byte {
	if bytes.IndexByte(block, 0) >= 0 {
		block = bytes.ReplaceAll(block, []byte{0}, nil)
	}
	at := bytes.IndexByte(block, escape)
	if at < 0 {
		return block
	}
	kept := block[:at]
	for ; at < len(block); at++ {
		if block[at] == escape {
			at += escapeLength(block[at:]) - 1
		} else {
			kept = append(kept, block[at])
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
		for i, c := range b[2:] {
			switch {
			case c < 0x20:
				return i + 2
			case c >= 0x40:
				return i + 3
			}
		}
		return len(b)
	case ']', 'P', '_', '^': // a string for the terminal, ended by BEL or ESC \
		for i, c := range b[2:] {
			switch c {
			case 0x07:
				return i + 3
			case '\n', '\r', escape:
				return i + 2
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
