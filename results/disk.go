package results

import (
	"golang.org/x/sys/unix"

	"github.com/stratbench/stratbench/internal/trial"
)

// diskFree returns the space that a user may still write below dir, or 0
// where it cannot be read.
func diskFree(dir string) trial.Bytes {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return 0
	}
	return trial.Bytes(int64(fs.Bavail) * int64(fs.Bsize))
}
