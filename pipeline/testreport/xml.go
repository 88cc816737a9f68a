package testreport

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"html"
	"io"
	"strings"
)

// markup reads XML as it is found in the field, a token at a time. It takes
// control characters, bare ampersands and angle brackets, unknown entities,
// tags that are never closed and an end in the middle of anything; and it
// never holds more than a part of a text. encoding/xml refuses the first and
// holds whole texts (docs/decisions/013).
type markup struct {
	in *bufio.Reader
	// cut is set when the input ended inside a tag or a marked section.
	cut bool
	// marked is set inside a CDATA section.
	marked bool
	// put is a byte that was read and put back.
	put    byte
	hasPut bool
}

type tokenKind int

const (
	tokenText tokenKind = iota
	tokenOpen
	tokenClose
)

type token struct {
	kind tokenKind
	// name is in lower case and without its namespace.
	name  string
	attrs map[string]string
	// empty is set for <name/>.
	empty bool
	text  string
}

func (m *markup) read() (byte, error) {
	if m.hasPut {
		m.hasPut = false
		return m.put, nil
	}
	return m.in.ReadByte()
}

// back puts back the byte that was read last. Nothing is peeked at before it
// is read again.
func (m *markup) back(c byte) { m.put, m.hasPut = c, true }

func newMarkup(r io.Reader) *markup { return &markup{in: bufio.NewReaderSize(r, 64<<10)} }

// textPart and attributePart bound what is held of a text at a time and of an
// attribute at all.
const (
	textPart      = 32 << 10
	attributePart = 16 << 10
)

// next returns the next token; the error is io.EOF or one of reading.
func (m *markup) next() (token, error) {
	for {
		if m.marked {
			return m.section()
		}
		c, err := m.read()
		if err != nil {
			return token{}, err
		}
		if c != '<' {
			return m.text(c)
		}
		t, skip, err := m.tag()
		if err != nil || !skip {
			return t, err
		}
	}
}

// text reads up to the next tag, or as much of it as is held at a time.
func (m *markup) text(first byte) (token, error) {
	text := []byte{}
	for c, err := first, error(nil); ; {
		if c == '&' {
			text = append(text, m.entity()...)
		} else {
			text = append(text, c)
		}
		if len(text) >= textPart {
			break
		}
		if c, err = m.read(); err != nil {
			break // said again at the next token
		}
		if c == '<' {
			m.back(c)
			break
		}
	}
	return token{text: string(text)}, nil
}

// entity reads what follows an ampersand: a reference, or nothing.
func (m *markup) entity() string {
	ahead, _ := m.in.Peek(12)
	end := bytes.IndexByte(ahead, ';')
	if end < 1 {
		return "&"
	}
	reference := "&" + string(ahead[:end+1])
	meant := html.UnescapeString(reference)
	if meant == reference {
		return "&"
	}
	_, _ = m.in.Discard(end + 1) // has been peeked at
	return meant
}

// section reads a part of a CDATA section.
func (m *markup) section() (token, error) {
	text := []byte{}
	// A part does not end in what may be the beginning of the end.
	for len(text) < textPart || text[len(text)-1] == ']' && len(text) < 2*textPart {
		c, err := m.read()
		if err != nil {
			m.cut, m.marked = true, false
			break
		}
		text = append(text, c)
		if c == '>' && bytes.HasSuffix(text, []byte("]]>")) {
			text, m.marked = text[:len(text)-3], false
			break
		}
	}
	return token{text: string(text)}, nil
}

// tag reads what follows a "<". skip is set for what says nothing.
func (m *markup) tag() (t token, skip bool, err error) {
	ahead, _ := m.in.Peek(8)
	switch {
	case bytes.HasPrefix(ahead, []byte("![CDATA[")):
		_, _ = m.in.Discard(8)
		m.marked = true
		return token{}, true, nil
	case bytes.HasPrefix(ahead, []byte("!--")):
		return token{}, true, m.passOver("-->")
	case bytes.HasPrefix(ahead, []byte("?")):
		return token{}, true, m.passOver("?>")
	case bytes.HasPrefix(ahead, []byte("!DOCTYPE")):
		return token{}, true, m.passOver(">")
	case len(ahead) == 0:
		m.cut = true
		return token{}, true, nil
	}
	t.kind = tokenOpen
	if ahead[0] == '/' {
		t.kind = tokenClose
		_, _ = m.in.Discard(1)
	}
	if t.name = m.name(); t.name == "" {
		return token{text: "<"}, false, nil // a bare "<" in a text
	}
	if !m.attributes(&t) {
		m.cut = true
		return token{}, true, nil
	}
	return t, false, nil
}

func (m *markup) passOver(closing string) error {
	last := []byte{}
	for {
		c, err := m.read()
		if errors.Is(err, io.EOF) {
			m.cut = true
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the report: %w", err)
		}
		if last = append(last, c); len(last) > len(closing) {
			last = last[1:]
		}
		if string(last) == closing {
			return nil
		}
	}
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.' || c == ':' || c >= 0x80
}

// mostName bounds a name; what is longer is none.
const mostName = 256

// name reads a name without its namespace, in lower case.
func (m *markup) name() string {
	var name []byte
	for len(name) < mostName {
		c, err := m.read()
		if err != nil {
			break
		}
		if !isNameByte(c) {
			m.back(c)
			break
		}
		name = append(name, c)
	}
	text := strings.ToLower(string(name))
	return text[strings.LastIndexByte(text, ':')+1:]
}

// attributes reads up to the end of the tag, and returns false where the input
// ends before it. A tag that never ends, because a byte of it is gone, ends
// where the next one of a report begins.
func (m *markup) attributes(t *token) bool {
	for {
		c, err := m.read()
		switch {
		case err != nil:
			return false
		case c == '>':
			return true
		case c == '/':
			if next, err := m.in.Peek(1); err == nil && next[0] == '>' {
				t.empty = true
			}
		case c == '<':
			m.back(c)
			return true
		case isNameByte(c):
			m.back(c)
			name := m.name()
			value, whole := m.attribute()
			value = strings.ToValidUTF8(value, "") // cut inside a letter
			if !whole {
				return false
			}
			if _, twice := t.attrs[name]; !twice {
				if t.attrs == nil {
					t.attrs = map[string]string{}
				}
				t.attrs[name] = value
			}
		}
	}
}

// attribute reads ="value", in either kind of quotes or none; an attribute
// without a value is as its name.
func (m *markup) attribute() (value string, whole bool) {
	c, err := m.afterSpace()
	if err != nil {
		return "", false
	}
	if c != '=' {
		m.back(c)
		return "", true
	}
	quote, err := m.afterSpace()
	if err != nil {
		return "", false
	}
	var text []byte
	if quote != '"' && quote != '\'' {
		m.back(quote)
		quote = 0
	}
	for {
		c, err := m.read()
		switch {
		case err != nil:
			return "", false
		case c == quote && quote != 0:
			return string(text), true
		case quote == 0 && (c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '>' || c == '/'), c == '<' && m.atReportTag():
			m.back(c)
			return string(text), true
		case len(text) >= attributePart:
		case c == '&':
			text = append(text, m.entity()...)
		default:
			text = append(text, c)
		}
	}
}

func (m *markup) afterSpace() (byte, error) {
	for {
		c, err := m.read()
		if err != nil || c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c, err
		}
	}
}

// atReportTag says whether a tag of a report follows, so that the quote that
// an attribute should end with is missing.
func (m *markup) atReportTag() bool {
	ahead, _ := m.in.Peek(12)
	text := strings.TrimPrefix(strings.ToLower(string(ahead)), "/")
	for _, name := range []string{"testcase", "testsuite", "failure", "error", "skipped", "system-out", "system-err", "properties"} {
		if rest, ok := strings.CutPrefix(text, name); ok && (rest == "" || !isNameByte(rest[0])) {
			return true
		}
	}
	return false
}
