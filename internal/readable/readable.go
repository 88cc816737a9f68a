// Package readable reads text from unknown sources, and recognises what is not text.
package readable

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
	"golang.org/x/text/transform"
)

// ErrIrregular means that a path leads to something that may never be read to its end.
var ErrIrregular = errors.New("it is no file but a pipe, a socket or a device; give a file")

// File reads a file. Anything else at the path is refused at once: reading a pipe would
// wait for whoever writes into it.
func File(path string) ([]byte, error) {
	if err := Regular(path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// Regular returns nil for a file or a folder, and for what is not there.
func Regular(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return &os.PathError{Op: "read", Path: path, Err: ErrIrregular}
	}
	return nil
}

// packed has the first bytes of archives and compressed files, and the command that
// prints their content.
var packed = []struct{ start, name, print string }{
	{"\x1f\x8b", "gzip", "gzip -dc"},
	{"PK\x03\x04", "zip", "unzip -p"},
	{"\x28\xb5\x2f\xfd", "zstd", "zstd -dc"},
	{"\xfd7zXZ\x00", "xz", "xz -dc"},
	{"BZh", "bzip2", "bzip2 -dc"},
}

// Check returns nil if a file begins like a text, in whatever encoding, and otherwise
// an error with what it is. Zero bytes are skipped: UTF-16 has them, and so do logs
// that were cut off while they were written.
func Check(start []byte) error {
	for _, p := range packed {
		if bytes.HasPrefix(start, []byte(p.start)) {
			return fmt.Errorf("it is compressed (%s); give what it holds: %s FILE | stratbench …, with - for the file", p.name, p.print)
		}
	}
	if bytes.HasPrefix(start, []byte{0xFF, 0xFE}) || bytes.HasPrefix(start, []byte{0xFE, 0xFF}) {
		return nil // the mark of UTF-16
	}
	all, controls, invalid := 0, 0, 0
	for len(start) > 0 {
		r, size := utf8.DecodeRune(start)
		start = start[size:]
		switch {
		case r == 0:
			continue
		case r == utf8.RuneError && size == 1:
			invalid++
		case r < ' ' && !bytes.ContainsRune([]byte("\a\b\t\n\v\f\r\x16\x1b"), r):
			controls++
		}
		all += size
	}
	switch {
	case all == 0:
		return errors.New("it holds nothing but zero bytes; give the file as it was written")
	case controls*100 >= 3*all && invalid*100 >= 10*all:
		return errors.New("it is no text; give the log or report itself")
	}
	return nil
}

// UTF8 converts a text to UTF-8 that is in UTF-16 or UTF-32 by its byte order mark, as
// Windows shells write it, or in UTF-16 by its zero bytes; wide reports whether it
// did. The mark of a text in UTF-8 is dropped.
func UTF8(r io.Reader) (text io.Reader, wide bool) {
	in := bufio.NewReader(r)
	start, _ := in.Peek(64) // a short text is all that there is
	begins := func(mark string) bool { return bytes.HasPrefix(start, []byte(mark)) }
	letters := func(first int) bool { // between zeros
		return len(start) >= 4 && start[first] != 0 && start[first+2] != 0 && start[1-first] == 0 && start[3-first] == 0
	}
	var from encoding.Encoding
	switch {
	case begins("\uFEFF"):
		_, _ = in.Discard(3) // has been peeked at
	case bytes.IndexByte(start, 0) < 0:
	case begins("\xFF\xFE\x00\x00"), begins("\x00\x00\xFE\xFF"):
		from = utf32.UTF32(utf32.LittleEndian, utf32.UseBOM)
	case begins("\xFF\xFE"), begins("\xFE\xFF"):
		from = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case letters(0):
		from = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	case letters(1):
		from = unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	}
	if from == nil {
		return in, false
	}
	return transform.NewReader(in, from.NewDecoder()), true
}
