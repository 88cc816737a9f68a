package enginetest

import (
	"bytes"
	"crypto/rand"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// token is a word that no other process has among its arguments.
func token() string { return "token-" + rand.Text() }

// running waits until a process with the token among its arguments runs, or
// until none does. An engine on this kernel shows its containers' processes.
func running(t *testing.T, token string, want bool) {
	if runtime.GOOS != "linux" {
		t.Log("the processes of the engine's containers cannot be seen from here")
		return
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if found(t, token) == want {
			return
		}
	}
	t.Errorf("after 20 s: a process with %s runs: %t, want %t", token, !want, want)
}

func found(t *testing.T, token string) bool {
	lists, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(lists) == 0 {
		t.Errorf("listing processes: %v", err)
	}
	for _, path := range lists {
		// A process that has ended in the meantime cannot be read.
		if args, err := os.ReadFile(path); err == nil && bytes.Contains(args, []byte(token)) {
			return true
		}
	}
	return false
}
