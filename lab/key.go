package lab

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"runtime"
)

// key hashes the inputs of an artifact. Each part is preceded by its length,
// so that no two lists of parts run together into the same bytes.
func key(parts ...string) string {
	h := sha256.New()
	for _, part := range append([]string{runtime.GOARCH}, parts...) {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// contents returns the paths and bytes of all files below root in the order of
// their names, ready to be parts of a key.
func contents(fsys fs.FS, root string) []string {
	var parts []string
	err := fs.WalkDir(fsys, root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(fsys, path)
		parts = append(parts, path, string(data))
		return err
	})
	if err != nil || len(parts) == 0 {
		panic(fmt.Sprintf("lab: embedded files below %s: %v", root, err))
	}
	return parts
}
