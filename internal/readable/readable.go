// Package readable tells text that strangers hand in from what is none.
package readable

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"
)

// packed are the first bytes of archives and compressed files, and the command
// that prints what is in them.
var packed = []struct{ start, name, print string }{
	{"\x1f\x8b", "gzip", "gzip -dc"},
	{"PK\x03\x04", "zip", "unzip -p"},
	{"\x28\xb5\x2f\xfd", "zstd", "zstd -dc"},
	{"\xfd7zXZ\x00", "xz", "xz -dc"},
	{"BZh", "bzip2", "bzip2 -dc"},
}

// Check returns nil if the beginning of a file is one of a text, in whatever
// encoding, and says what it is otherwise. Zero bytes are passed over: UTF-16
// has them, and logs that were cut off while they were written.
func Check(start []byte) error {
	for _, p := range packed {
		if bytes.HasPrefix(start, []byte(p.start)) {
			return fmt.Errorf("it is compressed (%s); give what it holds: %s FILE | stratbench …, with - for the file", p.name, p.print)
		}
	}
	if bytes.HasPrefix(start, []byte{0xFF, 0xFE}) || bytes.HasPrefix(start, []byte{0xFE, 0xFF}) {
		return nil // UTF-16, which says so
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
