package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestNamesOfCommandsAreShort(t *testing.T) {
	long := strings.Repeat("a", 100)
	for _, c := range []struct{ commands, want []string }{
		{[]string{"make up BUILDS=1", "make up BUILDS=3"}, []string{"BUILDS=1", "BUILDS=3"}},
		{[]string{"make up", "make up BUILDS=3"}, []string{"up", "up_BUILDS=3"}},
		{[]string{"./hack/up-serial.sh --fast", "./hack/up.sh --fast"}, []string{"./hack/up-serial.sh", "./hack/up.sh"}},
		{[]string{"sleep 1", "sleep 0.2"}, []string{"sleep 1", "sleep 0.2"}},
		{[]string{"make up"}, []string{"make up"}},
		{[]string{"A=1 make", "A=2 B=3 make"}, []string{"A=1", "A=2_B=3"}},
		{[]string{"x", "x"}, []string{"x", "x#2"}},
		{[]string{long + "1", long + "2"}, []string{long[:longestName] + "…", long[:longestName] + "…#2"}},
	} {
		if got := shortNames(c.commands); !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q, want %q", c.commands, got, c.want)
		}
	}
}

// TestCleanKnowsWhatAKilledComparisonLeaves kills one that waits for an engine, which
// is a fake that does not answer.
func TestCleanKnowsWhatAKilledComparisonLeaves(t *testing.T) {
	home := t.TempDir()
	l, err := net.Listen("unix", filepath.Join(home, "silent"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	program := func(docker string, args ...string) *exec.Cmd {
		cmd := exec.Command(os.Args[0], args...)
		cmd.Args[0] = "stratbench"
		cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CACHE_HOME="+home, "XDG_RUNTIME_DIR="+home, "TMPDIR="+home,
			"DOCKER_HOST=unix://"+filepath.Join(home, docker), "CONTAINER_HOST=unix://"+filepath.Join(home, "none"))
		return cmd
	}
	left := func() (found []string) {
		for _, pattern := range []string{"stratbench-*", "stratbench/*"} {
			some, _ := filepath.Glob(filepath.Join(home, pattern))
			found = append(found, some...)
		}
		return found
	}
	killed := program("silent", "compare", "true", "false")
	if err := killed.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); len(left()) == 0 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	out, err := program("none", "clean").Output()
	if folders := left(); len(folders) != 1 || err != nil || strings.Contains(string(out), folders[0]) {
		t.Errorf("the folder of one that lives is %q, and clean says %s, %v", folders, out, err)
	}
	killed.Process.Kill()
	killed.Wait()
	folders := left()
	out, err = program("none", "clean", "--yes").Output()
	if len(folders) != 1 || err != nil || !strings.Contains(string(out), folders[0]) || len(left()) > 0 {
		t.Errorf("a killed one left %q, and clean %q; it says %s, %v", folders, left(), out, err)
	}
}
