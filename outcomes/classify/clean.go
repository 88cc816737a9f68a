package classify

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"unicode"

	uni "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
	"golang.org/x/text/transform"
)

const escape = 0x1b

// narrow makes UTF-8 of a log that says it is in UTF-16 or UTF-32, as shells of
// Windows write them, and drops the mark of one that says it is in UTF-8.
func narrow(log io.Reader) io.Reader {
	in := bufio.NewReader(log)
	start, _ := in.Peek(64) // a short log is all that there is
	wide := bytes.IndexByte(start, 0) >= 0
	switch {
	case !wide:
	case bytes.HasPrefix(start, []byte{0xFF, 0xFE, 0, 0}), bytes.HasPrefix(start, []byte{0, 0, 0xFE, 0xFF}):
		return transform.NewReader(in, utf32.UTF32(utf32.LittleEndian, utf32.UseBOM).NewDecoder())
	case bytes.HasPrefix(start, []byte{0xFF, 0xFE}), bytes.HasPrefix(start, []byte{0xFE, 0xFF}):
		return transform.NewReader(in, uni.UTF16(uni.LittleEndian, uni.UseBOM).NewDecoder())
	}
	if bytes.HasPrefix(start, []byte("\uFEFF")) {
		_, _ = in.Discard(3) // has been peeked at
	}
	return in
}

// clean removes terminal escape sequences and NUL bytes (of binary noise and
// of UTF-16) from block, in place: either would hide a message from a search.
func clean(block []byte) []byte {
	if bytes.IndexByte(block, 0) >= 0 {
		kept := block[:0]
		for _, b := range block {
			if b != 0 {
				kept = append(kept, b)
			}
		}
		block = kept
	}
	if bytes.IndexByte(block, escape) < 0 {
		return block
	}
	kept := block[:0]
	for i := 0; i < len(block); {
		if block[i] == escape {
			i += escapeLength(block[i:])
			continue
		}
		kept = append(kept, block[i])
		i++
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
