package host

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestWriteFileKeepsWhatAFileIs(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o022))
	dir := t.TempDir()
	real, link, fresh := filepath.Join(dir, "real"), filepath.Join(dir, "link"), filepath.Join(dir, "fresh")
	shared, ahead, later := filepath.Join(dir, "shared"), filepath.Join(dir, "ahead"), filepath.Join(dir, "later")
	if err := errors.Join(os.WriteFile(real, []byte("old"), 0o600), os.WriteFile(shared, nil, 0o600), os.Chmod(shared, 0o664), os.Symlink("later", ahead)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real", link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{link, fresh, shared, ahead, os.DevNull} {
		if err := WriteFile(path, []byte("new")); err != nil {
			t.Error(err)
		}
	}
	for path, mode := range map[string]os.FileMode{real: 0o600, fresh: 0o644, shared: 0o664, later: 0o644} {
		text, err := os.ReadFile(path)
		info, failed := os.Lstat(path)
		if err != nil || failed != nil || string(text) != "new" || info.Mode().Perm() != mode {
			t.Errorf("%s is %q, %v, %v", path, text, err, failed)
		}
	}
	for _, path := range []string{link, ahead} {
		if info, err := os.Lstat(path); err != nil || info.Mode().Type() != os.ModeSymlink {
			t.Errorf("the link %s has become something else: %v", path, err)
		}
	}
	if err := os.Chmod(real, 0o400); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(real, []byte("newer")); err == nil && os.Geteuid() != 0 {
		t.Error("a protected file was replaced")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.new")); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	if err := WriteFile(filepath.Join(dir, "missing", "file"), nil); err == nil {
		t.Error("a file was written in a folder that is not there")
	}
}
