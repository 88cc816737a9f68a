package kindcluster

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestMirrorsOfNodes(t *testing.T) {
	certs := t.TempDir()
	hosts := filepath.Join(certs, "docker.io", "hosts.toml")
	err := os.Mkdir(filepath.Dir(hosts), 0o755)
	if err == nil {
		err = os.WriteFile(hosts, []byte("server = \"https://docker.io\"\n\n[host.\"https://mirror.test\"]\ncapabilities = [\"pull\"]\n"), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"patches": {"containerdConfigPatches:\n- |-\n  [plugins.\"io.containerd.grpc.v1.cri\".registry.mirrors.\"localhost:5001\"]\n    endpoint = [\"http://a:5000\", \"b\"]\n" +
			"- |-\n  [plugins.\"io.containerd.grpc.v1.cri\".registry]\n    config_path = \"/etc/containerd/certs.d\"\n", []string{"kind.yaml:4:3 http://a:5000"}},
		"a folder of all": {fmt.Sprintf("nodes: [{extraMounts: [{hostPath: %q, containerPath: /etc/containerd/certs.d}]}]\n", certs), []string{"hosts.toml:3:1 https://mirror.test"}},
		"a folder of one": {fmt.Sprintf("nodes: [{extraMounts: [{hostPath: %q, containerPath: /etc/containerd/certs.d/docker.io/}]}]\n", filepath.Dir(hosts)), []string{"hosts.toml:3:1 https://mirror.test"}},
		"a file":          {fmt.Sprintf("nodes: [{extraMounts: [{hostPath: %q, containerPath: /etc/containerd/certs.d/docker.io/hosts.toml}]}]\n", hosts), []string{"hosts.toml:3:1 https://mirror.test"}},
		"none":            {fmt.Sprintf("nodes: [{extraMounts: [{hostPath: %q, containerPath: /certs}]}]\n", certs), nil},
	} {
		path := file(t, head+c.text)
		config, err := ReadConfig(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range Mirrors(config, path) {
			got = append(got, fmt.Sprintf("%s:%d:%d %s", filepath.Base(m.File), m.At.Line, m.At.Column, m.URL))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
