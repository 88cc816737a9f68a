package lab

import (
	"archive/tar"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Programs are the programs in the PATH of a suite's engine root, as far as
// one is in the cache folder, or nil. Nothing is built.
func Programs(cacheDir, suite string) map[string]bool {
	roots, err := filepath.Glob(filepath.Join(cacheDir, "engine-"+suite+"-*", "root.tar"))
	if err != nil || len(roots) == 0 {
		return nil
	}
	f, err := os.Open(roots[len(roots)-1])
	if err != nil {
		return nil
	}
	defer f.Close()
	folders := strings.Split(strings.TrimPrefix(searchPath, "PATH="), ":")
	found := map[string]bool{}
	for archive := tar.NewReader(f); ; { // which seeks past the files' contents
		h, err := archive.Next()
		if err != nil {
			break
		}
		if name := path.Clean("/" + h.Name); slices.Contains(folders, path.Dir(name)) && h.Typeflag != tar.TypeDir {
			found[path.Base(name)] = true
		}
	}
	if len(found) == 0 {
		return nil
	}
	return found
}
