package podman

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// TestKillMarked kills one of two processes: the one with the mark.
func TestKillMarked(t *testing.T) {
	m := markOf("")
	marked, other := sleeper(t), sleeper(t)
	limit := unix.Rlimit{Cur: 1 << 29, Max: 1 << 29}
	if err := unix.Prlimit(other.Process.Pid, unix.RLIMIT_LOCKS, &limit, nil); err != nil {
		t.Fatal(err)
	}
	value, err := strconv.ParseUint(string(m), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	limit = unix.Rlimit{Cur: value, Max: value}
	if err := unix.Prlimit(marked.Process.Pid, unix.RLIMIT_LOCKS, &limit, nil); err != nil {
		t.Fatal(err)
	}
	killMarked(m)
	if err := marked.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Errorf("the process with the mark ended with %v", err)
	}
	if err := other.Process.Signal(unix.Signal(0)); err != nil {
		t.Errorf("the other process: %v", err)
	}
}

// TestNoLimitsForARootlessService has a socket that belongs to an ordinary user, and a limit
// that root's service could not raise.
func TestNoLimitsForARootlessService(t *testing.T) {
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "s")
	if err := os.WriteFile(socket, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if got := ulimits(socket); before.Max < wanted && len(got) == 0 {
			t.Errorf("root's service may open %d files and is asked for no limit", before.Max)
		}
		if err := os.Chown(socket, 1000, 1000); err != nil {
			t.Fatal(err)
		}
	}
	if got := ulimits(socket); len(got) > 0 {
		t.Errorf("a rootless service is asked for %v", got)
	}
}

func sleeper(t *testing.T) *exec.Cmd {
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Skipf("there is no sleep on this host: %v", err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd
}
