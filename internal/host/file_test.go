package host

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWriteFileKeepsWhatAFileIs(t *testing.T) {
	dir := t.TempDir()
	real, link, fresh := filepath.Join(dir, "real"), filepath.Join(dir, "link"), filepath.Join(dir, "fresh")
	if err := os.WriteFile(real, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real", link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{link, fresh, os.DevNull} {
		if err := WriteFile(path, []byte("new")); err != nil {
			t.Error(err)
		}
	}
	for path, mode := range map[string]os.FileMode{real: 0o600, fresh: 0o644} {
		text, err := os.ReadFile(path)
		info, failed := os.Lstat(path)
		if err != nil || failed != nil || string(text) != "new" || info.Mode().Perm()&^0o022 != mode&^0o022 {
			t.Errorf("%s is %q, %v, %v", path, text, err, failed)
		}
	}
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Errorf("the link has become something else: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.new")); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	if err := WriteFile(filepath.Join(dir, "missing", "file"), nil); err == nil {
		t.Error("a file was written in a folder that is not there")
	}
}
