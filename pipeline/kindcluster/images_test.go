package kindcluster

import (
	"strings"
	"testing"
)

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
