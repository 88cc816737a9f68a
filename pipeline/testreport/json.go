package testreport

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
)

// jsonText reads JSON as it is found in the field and hands on each value with
// its place, so that no document is ever held as a whole. It takes control
// characters in strings, bad escapes, several documents after one another,
// text between them, and an end in the middle of anything, all of which
// encoding/json refuses.
type jsonText struct {
	in *bufio.Reader
	// value is called for each value that is no object or array.
	value func(path []string, text string)
	// leave is called at the end of each object.
	leave func(path []string)

	open []byte // '{' or '['
	path []string
	// cut is set when the input ended inside a value.
	cut bool
}

// element is the part of a path that stands for an element of an array.
const element = "[]"

// deepest bounds how deep values may lie in one another; what is deeper is
// read as if it lay at that depth.
const deepest = 200

func newJSON(r io.Reader) *jsonText { return &jsonText{in: bufio.NewReaderSize(r, 64<<10)} }

// read reads all; the error is one of reading.
func (j *jsonText) read() error {
	for {
		c, err := j.in.ReadByte()
		if errors.Is(err, io.EOF) {
			j.cut = j.cut || len(j.open) > 0
			return nil
		}
		if err != nil {
			return err
		}
		switch c {
		case ' ', '\n', '\t', '\r', ',', ':':
		case '{', '[':
			j.enter(c)
		case '}', ']':
			j.exit()
		case '"':
			j.text()
		default:
			_ = j.in.UnreadByte() // was read just now
			j.word()
		}
	}
}

func (j *jsonText) enter(c byte) {
	if len(j.open) >= deepest {
		return
	}
	j.open = append(j.open, c)
	if c == '[' {
		j.path = append(j.path, element)
	} else {
		j.path = append(j.path, "")
	}
}

func (j *jsonText) exit() {
	if len(j.open) == 0 {
		return
	}
	last := len(j.open) - 1
	if j.open[last] == '{' {
		j.leave(j.path[:last])
	}
	j.open, j.path = j.open[:last], j.path[:last]
}

// text reads a string, which is a key when a colon follows.
func (j *jsonText) text() {
	text, whole := j.quoted()
	text = strings.ToValidUTF8(text, "") // cut inside a letter
	if !whole {
		j.cut = true
		return
	}
	if inObject := len(j.open) > 0 && j.open[len(j.open)-1] == '{'; inObject && j.colonFollows() {
		j.path[len(j.path)-1] = text
		return
	}
	j.value(j.path, text)
}

func (j *jsonText) colonFollows() bool {
	ahead, _ := j.in.Peek(16)
	return bytes.HasPrefix(bytes.TrimLeft(ahead, " \t\r\n"), []byte(":"))
}

// longestString is what is held of a string: its beginning and its end.
const longestString = 64 << 10

// quoted reads a string after its opening quote. A line's end in it is damage:
// where the next line looks like the next member, the closing quote is missing.
func (j *jsonText) quoted() (text string, whole bool) {
	var held []byte
	for {
		c, err := j.in.ReadByte()
		if err != nil {
			return "", false
		}
		switch c {
		case '"':
			return string(held), true
		case '\\':
			held = append(held, j.escape()...)
		case '\n':
			ahead, _ := j.in.Peek(64)
			if next := bytes.TrimLeft(ahead, " \t\r\n"); len(next) > 0 && strings.IndexByte(`"{}[]`, next[0]) >= 0 {
				return string(held), true
			}
			held = append(held, c)
		default:
			held = append(held, c)
		}
		if len(held) > 2*longestString {
			held = append(held[:longestString/2], held[len(held)-longestString/2:]...)
		}
	}
}

// escape reads what follows a backslash.
func (j *jsonText) escape() string {
	c, err := j.in.ReadByte()
	if err != nil {
		return ""
	}
	switch c {
	case 'n':
		return "\n"
	case 't':
		return "\t"
	case 'r':
		return "\r"
	case 'b':
		return "\b"
	case 'f':
		return "\f"
	case 'u':
		return string(j.unit())
	}
	return string([]byte{c}) // a quote, a slash, or no escape at all: part of a letter
}

// unit reads four hexadecimal digits, and a second escape after a first half.
func (j *jsonText) unit() rune {
	first, ok := j.hex(0)
	if !ok {
		return '\uFFFD'
	}
	_, _ = j.in.Discard(4) // has been peeked at
	if !utf16.IsSurrogate(first) {
		return first
	}
	if ahead, _ := j.in.Peek(2); string(ahead) == `\u` {
		if second, ok := j.hex(2); ok {
			_, _ = j.in.Discard(6) // has been peeked at
			return utf16.DecodeRune(first, second)
		}
	}
	return '\uFFFD'
}

// hex looks at the four digits behind the next bytes.
func (j *jsonText) hex(behind int) (rune, bool) {
	ahead, err := j.in.Peek(behind + 4)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseUint(string(ahead[behind:]), 16, 32)
	return rune(n), err == nil
}

// word reads a number, a literal, or anything else that is no JSON.
func (j *jsonText) word() {
	var held []byte
	for {
		c, err := j.in.ReadByte()
		if err != nil {
			break
		}
		if strings.IndexByte(" \n\t\r,:{}[]\"", c) >= 0 {
			_ = j.in.UnreadByte() // was read just now
			break
		}
		if len(held) < 64 {
			held = append(held, c)
		}
	}
	if len(j.open) > 0 {
		j.value(j.path, string(held))
	}
}
