package kindcluster

import (
	"context"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"

	"sigs.k8s.io/kind/pkg/cluster/nodes"
	"sigs.k8s.io/kind/pkg/exec"
)

// confused is a node that reads an archive and does not understand it.
type confused struct{ nodes.Node }

func (confused) String() string { return "confused" }

func (confused) CommandContext(ctx context.Context, _ string, _ ...string) exec.Cmd {
	return exec.CommandContext(ctx, "sh", "-c", "cat >/dev/null; echo ctr: unrecognized image format >&2; exit 1")
}

// TestTheCauseOfHalfAnArchive fails to save an archive. What a node says about the rest
// is not the cause, unless the node stopped reading.
func TestTheCauseOfHalfAnArchive(t *testing.T) {
	c := Cluster{Nodes: []nodes.Node{confused{}}}
	gone := errors.New("reference does not exist")
	for saved, want := range map[error]string{gone: gone.Error(), syscall.EPIPE: "unrecognized image format"} {
		err := c.Import(t.Context(), Names{}, func(io.Writer) error { return saved }, io.Discard)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "unrecognized") != errors.Is(saved, syscall.EPIPE) {
			t.Errorf("%v: got %v", saved, err)
		}
	}
}

func TestSnapshotterIsFoundInEitherQuotes(t *testing.T) {
	dump := `
[plugins."io.containerd.grpc.v1.cri".containerd]
  default_runtime_name = "runc"
  snapshotter = %
  [plugins.x.runtimes.runc]
    snapshotter = ""
`
	for _, quote := range []string{`"native"`, `'native'`} {
		text := []byte(strings.ReplaceAll(dump, "%", quote))
		match := snapshotter.FindSubmatch(text)
		if match == nil || string(match[1]) != "native" {
			t.Errorf("%s: got %q", quote, match)
		}
	}
}
