package classify

import (
	"bytes"
	"strings"
)

// pattern is what a rule looks for on a line: pieces of text in that order,
// with anything between them ("dial tcp * connection refused"). ASCII case is
// ignored.
type pattern struct {
	pieces [][]byte
}

func newPattern(text string) pattern {
	var p pattern
	text = strings.ReplaceAll(strings.ToLower(text), " * ", "*")
	for _, piece := range strings.Split(text, "*") {
		if piece != "" {
			p.pieces = append(p.pieces, []byte(piece))
		}
	}
	return p
}

// needle returns the piece to search the log for: the longest, being the
// rarest by rule of thumb.
func (p pattern) needle() string {
	var longest []byte
	for _, piece := range p.pieces {
		if len(piece) > len(longest) {
			longest = piece
		}
	}
	return string(longest)
}

// in reports whether the line, already in lower case, holds the pattern.
func (p pattern) in(lower []byte) bool {
	for _, piece := range p.pieces {
		at := bytes.Index(lower, piece)
		if at < 0 {
			return false
		}
		lower = lower[at+len(piece):]
	}
	return true
}
