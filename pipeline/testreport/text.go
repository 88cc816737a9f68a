package testreport

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/transform"

	"github.com/stratbench/stratbench/internal/readable"
)

// asUTF8 makes UTF-8 of a report in whatever encoding it was written:
// PowerShell redirects to UTF-16, older tools write Latin-1 and declare it or
// not. No byte is refused, because the results around it are good.
func asUTF8(r io.Reader) io.Reader {
	text, wide := readable.UTF8(r)
	if wide {
		return text
	}
	in := bufio.NewReaderSize(text, 4<<10)
	start, _ := in.Peek(256) // a short report is all that there is
	if declared := xmlEncoding.FindSubmatch(start); declared != nil {
		if e, err := htmlindex.Get(string(declared[1])); err == nil && !strings.HasPrefix(strings.ToLower(string(declared[1])), "utf") {
			return transform.NewReader(in, e.NewDecoder())
		}
	}
	return transform.NewReader(in, latin1Where{})
}

var xmlEncoding = regexp.MustCompile(`^\s*<\?xml[^>]*encoding=["']([A-Za-z0-9._:-]+)["']`)

// latin1Where reads each byte that is no UTF-8 as Latin-1, which it most often
// is; where Latin-1 has no letter either, it is replaced.
type latin1Where struct{ transform.NopResetter }

func (latin1Where) Transform(dst, src []byte, atEOF bool) (written, read int, err error) {
	for read < len(src) {
		r, size := rune(src[read]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(src[read:])
			if r == utf8.RuneError && size == 1 {
				if !atEOF && !utf8.FullRune(src[read:]) {
					return written, read, transform.ErrShortSrc
				}
				if b := src[read]; b >= 0xA0 {
					r = rune(b)
				}
			}
		}
		if written+utf8.UTFMax > len(dst) {
			return written, read, transform.ErrShortDst
		}
		written += utf8.EncodeRune(dst[written:], r)
		read += size
	}
	return written, read, nil
}

// longestLine bounds the memory that one line can take. What is beyond it is
// dropped: no framing line is that long.
const longestLine = 1 << 20

// eachLine calls line for each line of r, without its end.
func eachLine(r io.Reader, line func(string)) error {
	in := newInput(r)
	var rest []byte
	for {
		part, err := in.ReadSlice('\n')
		if len(rest) < longestLine {
			rest = append(rest, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err == nil || len(rest) > 0 {
			line(string(bytes.TrimRight(rest, "\r\n")))
			rest = rest[:0]
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading test output: %w", err)
		}
	}
}

// input is what a scanner reads and looks ahead in.
type input struct{ *bufio.Reader }

func newInput(r io.Reader) input { return input{bufio.NewReaderSize(r, 64<<10)} }

// skip passes over bytes that have been peeked at.
func (in input) skip(n int) { _, _ = in.Discard(n) }

// take reads as long as bytes belong, and holds at most the first ones of them. next is
// the byte behind them, none at the end.
func (in input) take(most int, belongs func(byte) bool) (held, next string) {
	var text []byte
	for {
		ahead, _ := in.Peek(1)
		if next = string(ahead); next == "" || !belongs(next[0]) {
			return string(text), next
		}
		if len(text) < most {
			text = append(text, next...)
		}
		in.skip(1)
	}
}

// keptOutput bounds what is kept of a failed test's output: its end.
const keptOutput = 16 << 10

// ending is the last part of text that is kept in a record.
func ending(text string) string {
	text = strings.TrimRight(strings.ToValidUTF8(text, "\uFFFD"), "\n")
	if len(text) > keptOutput {
		text = strings.ToValidUTF8(text[len(text)-keptOutput:], "")
	}
	return strings.Clone(text)
}

// tail keeps the end of what is written to it.
type tail struct{ text []byte }

func (t *tail) print(text string) {
	if over := len(text) - 2*keptOutput; over > 0 {
		text = text[over:]
	}
	t.text = append(t.text, text...)
	if over := len(t.text) - keptOutput; over > keptOutput {
		t.text = append(t.text[:0], t.text[over:]...)
	}
}

func (t *tail) String() string { return string(t.text) }

// mostWords bounds a message: it is one line of an error.
const mostWords = 240

var escapes = regexp.MustCompile("\x1b\\[[0-9;?]*[A-Za-z]")

// oneLine makes one readable line of a text of several.
func oneLine(text string) string {
	if len(text) > 8*mostWords {
		text = text[:8*mostWords]
	}
	text = escapes.ReplaceAllString(strings.ToValidUTF8(text, ""), "")
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if len(text) > mostWords {
		text = strings.ToValidUTF8(text[:mostWords], "") + "…"
	}
	return text
}
