package cgroup

import (
	"io/fs"
	"path/filepath"
	"sync"
)

// lostKills adds up OOM kills on version 1, where each group counts only its
// own and takes its count along when its container is removed.
type lostKills struct {
	mu   sync.Mutex
	seen map[string]int64
	gone int64
}

// count returns the kills in dir and below, now and before.
func (l *lostKills) count(dir, file string) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := map[string]int64{}
	total := int64(0)
	// A group that goes away during the walk is one that is gone.
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return nil
		}
		if n, err := readField(path, file, "oom_kill"); err == nil {
			now[path] = int64(n)
			total += int64(n)
		}
		return nil
	})
	for path, n := range l.seen {
		if _, still := now[path]; !still {
			l.gone += n
		}
	}
	l.seen = now
	return l.gone + total
}
