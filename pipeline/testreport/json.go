package testreport

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"
)

// jsonText reads JSON as it is found in the field and hands on each value with its place, so
// that no document is ever held as a whole. It takes bad escapes, control characters, text
// between documents and an end in the middle of anything, which encoding/json refuses.
type jsonText struct {
	input
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

// read reads all; the error is one of reading.
func (j *jsonText) read() error {
	for {
		c, err := j.ReadByte()
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
			if len(j.open) < deepest {
				j.open, j.path = append(j.open, c), append(j.path, element)
			}
		case '}', ']':
			if last := len(j.open) - 1; last >= 0 {
				if j.open[last] == '{' {
					j.leave(j.path[:last])
				}
				j.open, j.path = j.open[:last], j.path[:last]
			}
		case '"':
			j.text()
		default:
			// A number, a literal, or anything else that is no JSON.
			_ = j.UnreadByte() // was read just now
			word, _ := j.take(64, func(c byte) bool { return strings.IndexByte(" \n\t\r,:{}[]\"", c) < 0 })
			if len(j.open) > 0 {
				j.value(j.path, word)
			}
		}
	}
}

// text reads a string, which is a key when a colon follows.
func (j *jsonText) text() {
	text, whole := j.quoted()
	if !whole {
		j.cut = true
		return
	}
	ahead, _ := j.Peek(16)
	inObject := len(j.open) > 0 && j.open[len(j.open)-1] == '{'
	if inObject && bytes.HasPrefix(bytes.TrimLeft(ahead, " \t\r\n"), []byte(":")) {
		j.path[len(j.path)-1] = text
		return
	}
	j.value(j.path, text)
}

// longestString is what is held of a string: its beginning and its end.
const longestString = 64 << 10

// quoted reads a string after its opening quote. A line's end in it is damage:
// where the next line looks like the next member, the closing quote is missing.
func (j *jsonText) quoted() (text string, whole bool) {
	var held []byte
	for escaped := false; ; {
		c, err := j.ReadByte()
		if err != nil {
			return "", false
		}
		if c == '\n' {
			ahead, _ := j.Peek(64)
			next := bytes.TrimLeft(ahead, " \t\r\n")
			whole = len(next) > 0 && strings.IndexByte(`"{}[]`, next[0]) >= 0
		}
		if whole || c == '"' && !escaped {
			return unquote(held), true
		}
		escaped = c == '\\' && !escaped
		if held = append(held, c); len(held) > 2*longestString {
			held = append(held[:longestString/2], held[len(held)-longestString/2:]...)
		}
	}
}

var escapeInJSON = regexp.MustCompile(`(?s)\\(?:u[0-9a-fA-F]{4}(?:\\u[dD][c-fC-F][0-9a-fA-F]{2})?|.)`)

// unquote resolves the escapes of a string. A backslash that begins none is
// dropped.
func unquote(held []byte) string {
	if bytes.IndexByte(held, '\\') < 0 {
		return strings.ToValidUTF8(string(held), "") // cut inside a letter
	}
	var text string
	if json.Unmarshal([]byte(`"`+string(held)+`"`), &text) == nil {
		return text
	}
	held = escapeInJSON.ReplaceAllFunc(held, func(escape []byte) []byte {
		if json.Unmarshal([]byte(`"`+string(escape)+`"`), &text) == nil {
			return []byte(text)
		}
		return escape[1:]
	})
	return strings.ToValidUTF8(string(held), "")
}
