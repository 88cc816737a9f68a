package readable

import (
	"errors"
	"os"
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
