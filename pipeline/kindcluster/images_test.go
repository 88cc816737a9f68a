package kindcluster

import (
	"strings"
	"testing"
)

func TestFullName(t *testing.T) {
	for ref, want := range map[string]string{
		"app":                        "docker.io/library/app:latest",
		"app:v1":                     "docker.io/library/app:v1",
		"team/app:v1":                "docker.io/team/app:v1",
		"localhost/app":              "localhost/app:latest",
		"stratbench.local/app:e2e":   "stratbench.local/app:e2e",
		"host:5000/app":              "host:5000/app:latest",
		"docker.io/library/app@sha1": "docker.io/library/app@sha1",
	} {
		if got := fullName(ref); got != want {
			t.Errorf("%s: got %s, want %s", ref, got, want)
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
