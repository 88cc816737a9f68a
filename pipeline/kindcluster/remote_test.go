package kindcluster

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	kindexec "sigs.k8s.io/kind/pkg/exec"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
)

func TestMain(m *testing.M) {
	Main()
	os.Exit(m.Run())
}

// losing is a fake podman. It runs the command of an exec on this host, and loses most
// of the input or output of the first ones.
const losing = `#!/bin/sh
[ "$1" = exec ] || { echo "$@"; exit; }
shift
while [ "$1" = --privileged ] || [ "$1" = -i ]; do shift; done
shift
n=$(cat "$LOST" 2>/dev/null || echo 0)
echo $((n + 1)) > "$LOST"
if [ "$n" -ge "$LOSES" ]; then exec "$@"; fi
case "$*" in
*sha256sum*) head -c 3 | "$@" ;;
*) "$@" | head -c 3 ;;
esac
`

// podmanOf puts this program in the place of a podman that loses the input or output of
// so many execs.
func podmanOf(t *testing.T, loses string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "podman"), []byte(losing), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv("LOST", filepath.Join(dir, "lost"))
	t.Setenv("LOSES", loses)
	t.Setenv(realPodman, "")
	o := Options{Endpoint: runtimes.Endpoint{Runtime: trial.Podman, Address: "tcp://127.0.0.1:1"}, Kubeconfig: filepath.Join(dir, "work", "kubeconfig")}
	if err := o.guardRemote(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestLostInputIsGivenAgain(t *testing.T) {
	dir := podmanOf(t, "2")
	file := filepath.Join(dir, "kubeadm.conf")
	text := strings.Repeat("kind: ClusterConfiguration\n", 100)
	cmd := exec.Command("podman", "exec", "--privileged", "-i", "node", "cp", "/dev/stdin", file)
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != text {
		t.Errorf("%d of %d bytes are there, %v", len(got), len(text), err)
	}
	if err := os.Remove(filepath.Join(dir, "lost")); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("podman", "exec", "--privileged", "node", "cat", file).Output(); err != nil || string(out) != text {
		t.Errorf("%d of %d bytes were read, %v", len(out), len(text), err)
	}
}

func TestOtherCommandsPass(t *testing.T) {
	podmanOf(t, "0")
	if out, err := exec.Command("podman", "ps", "-a").Output(); err != nil || string(out) != "ps -a\n" {
		t.Errorf("ps said %q, %v", out, err)
	}
	var exit *exec.ExitError
	if err := exec.Command("podman", "exec", "--privileged", "node", "sh", "-c", "exit 7").Run(); !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("a command that fails with 7 ends with %v", err)
	}
}

// Input that is lost each time must not count as a failure of the engine.
func TestWhatGoesOnBeingLostIsOurs(t *testing.T) {
	podmanOf(t, "99")
	cmd := kindexec.Command("podman", "exec", "--privileged", "-i", "node", "cp", "/dev/stdin", "/kind/kubeadm.conf")
	var out bytes.Buffer
	err := explain(cmd.SetStdin(strings.NewReader("a long text")).SetStdout(&out).SetStderr(&out).Run())
	var lost *InvalidError
	if !errors.As(err, &lost) || lost.Cause != trial.CauseLostInput || !strings.Contains(err.Error(), "did not arrive") {
		t.Errorf("got %v", err)
	}
	if err := explain(errors.New("exit status 1")); errors.As(err, &lost) {
		t.Error("an engine's own error is ours")
	}
}
