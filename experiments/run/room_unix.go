//go:build unix

package run

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// freeRoom is what the disk of a folder, or of the nearest that exists above
// it, has left for us.
func freeRoom(dir string) (uint64, bool) {
	if dir == "" {
		return 0, false
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			break
		}
	}
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, false
	}
	return uint64(s.Bavail) * uint64(s.Bsize), true
}
