package testreport

import (
	"bytes"
	"html"
	"regexp"
	"strings"
)

// markup reads XML as it is found in the field, a token at a time: with control characters,
// bare ampersands, unknown entities, tags that are never closed and an end in the middle of
// anything, which encoding/xml refuses. It holds parts of a text (docs/decisions/013).
type markup struct {
	input
	// cut is set when the input ended inside a tag or a marked section.
	cut bool
	// marked is set inside a CDATA section.
	marked bool
}

// token is a tag, or a part of a text if it has no name.
type token struct {
	// name is in lower case and without its namespace.
	name string
	// opens and closes are both set for <name/>.
	opens, closes bool
	attrs         map[string]string
	text          string
}

// textPart bounds what is held of a text at a time, attributePart and mostName what
// is held of an attribute and of a name.
const (
	textPart      = 32 << 10
	attributePart = 16 << 10
	mostName      = 256
)

// next returns the next token; the error is io.EOF or one of reading.
func (m *markup) next() (token, error) {
	for {
		ahead, err := m.Peek(len("<![CDATA["))
		begins := func(text string) bool { return bytes.HasPrefix(ahead, []byte(text)) }
		switch {
		case len(ahead) == 0:
			m.cut = m.cut || m.marked
			return token{}, err
		case m.marked:
			text, whole := m.until("]]>")
			if m.marked = !whole; text != "" {
				return token{text: text}, nil
			}
		case !begins("<"):
			text, _ := m.until("<")
			return token{text: unescape(text)}, nil
		case begins("<![CDATA["):
			m.skip(len("<![CDATA["))
			m.marked = true
		case begins("<!--"):
			m.passOver("-->")
		case begins("<?"):
			m.passOver("?>")
		case begins("<!DOCTYPE"):
			m.passOver(">")
		case len(ahead) == 1:
			m.skip(1)
			m.cut = true
		default:
			if t, whole := m.tag(); whole {
				return t, nil
			}
			m.cut = true
		}
	}
}

// until reads up to the closing, or as much as is held at a time; whole reports
// whether the closing was reached. It is passed over, unless it opens a tag.
func (m *markup) until(closing string) (text string, whole bool) {
	ahead, err := m.Peek(textPart)
	end := bytes.Index(ahead, []byte(closing))
	if whole = end >= 0; !whole {
		end = len(ahead)
		if err == nil {
			end -= len(closing) - 1 // which may be its beginning
		}
	}
	text = string(ahead[:end])
	m.skip(end)
	if whole && closing != "<" {
		m.skip(len(closing))
	}
	return text, whole
}

func (m *markup) passOver(closing string) {
	for text, whole := m.until(closing); !whole; text, whole = m.until(closing) {
		if text == "" {
			m.cut = true
			return
		}
	}
}

var reference = regexp.MustCompile(`&#?[0-9A-Za-z]{1,10};`)

// unescape resolves the references that are known.
func unescape(text string) string {
	if strings.IndexByte(text, '&') < 0 {
		return text
	}
	return reference.ReplaceAllStringFunc(text, html.UnescapeString)
}

// tag reads a tag; whole is false where the input ends in it. A "<" without a
// name is a text.
func (m *markup) tag() (t token, whole bool) {
	m.skip(1)
	if next, _ := m.Peek(1); next[0] == '/' {
		t.closes = true
		m.skip(1)
	}
	t.opens = !t.closes
	if t.name = m.name(); t.name == "" {
		return token{text: "<"}, true
	}
	return t, m.attributes(&t)
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.' || c == ':' || c >= 0x80
}

// name reads a name without its namespace, in lower case.
func (m *markup) name() string {
	text, _ := m.take(mostName, isNameByte)
	text = strings.ToLower(text)
	return text[strings.LastIndexByte(text, ':')+1:]
}

// attributes reads up to the end of the tag, and returns false where the input
// ends before it. A tag that never ends, because a byte of it is gone, ends
// where the next one of a report begins.
func (m *markup) attributes(t *token) bool {
	for {
		next, _ := m.Peek(2)
		if len(next) == 0 {
			return false
		}
		switch {
		case next[0] == '<':
			return true
		case isNameByte(next[0]):
			name := m.name()
			value, whole := m.attribute()
			if !whole {
				return false
			}
			if t.attrs == nil {
				t.attrs = map[string]string{}
			}
			if _, twice := t.attrs[name]; !twice {
				t.attrs[name] = strings.ToValidUTF8(value, "") // cut inside a letter
			}
			continue
		case string(next) == "/>":
			t.closes = true
		}
		m.skip(1)
		if next[0] == '>' {
			return true
		}
	}
}

// attribute reads ="value", with either type of quotes or none. The value of an attribute
// without one is empty.
func (m *markup) attribute() (value string, whole bool) {
	if _, next := m.take(0, isSpace); next != "=" {
		return "", next != ""
	}
	m.skip(1)
	_, closing := m.take(0, isSpace)
	quoted := closing == `"` || closing == "'"
	if quoted {
		m.skip(1)
	} else {
		closing = " \n\t\r>/"
	}
	value, end := m.take(attributePart, func(c byte) bool { return strings.IndexByte(closing, c) < 0 && (c != '<' || !m.atReportTag()) })
	if quoted && end == closing {
		m.skip(1)
	}
	return unescape(value), end != ""
}

func isSpace(c byte) bool { return strings.IndexByte(" \n\t\r", c) >= 0 }

var reportTag = regexp.MustCompile(`(?i)^</?(?:testcase|testsuite|failure|error|skipped|system-out|system-err|properties)(?:[^\w:.\-]|$)`)

// atReportTag reports whether a tag of a report is next: in an attribute, the quote that
// it should end with is missing.
func (m *markup) atReportTag() bool {
	ahead, _ := m.Peek(len("</properties>"))
	return reportTag.Match(ahead)
}
