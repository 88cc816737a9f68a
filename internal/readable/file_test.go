//go:build unix

package readable

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"
)

func TestAPipeIsRefusedAtOnce(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := File(pipe); !errors.Is(err, ErrIrregular) {
		t.Errorf("got %v", err)
	}
}
