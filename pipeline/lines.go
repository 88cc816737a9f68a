package pipeline

import (
	"bytes"
	"sync"
)

// longestLine bounds a line of the log; what is longer is broken up.
const longestLine = 32 << 10

// lines is a writer that hands on whole lines.
type lines struct {
	mu   sync.Mutex
	rest []byte
	emit func(string)
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		end := bytes.IndexByte(l.rest, '\n')
		if end < 0 && len(l.rest) < longestLine {
			return len(p), nil
		}
		if end < 0 {
			end = len(l.rest) - 1
		}
		l.emit(string(bytes.TrimRight(l.rest[:end+1], "\r\n")))
		l.rest = l.rest[end+1:]
	}
}

// flush hands on a last line that has no end.
func (l *lines) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.rest) > 0 {
		l.emit(string(l.rest))
	}
	l.rest = nil
}
