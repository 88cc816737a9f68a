package kindcluster

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
)

const head = "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n"

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kind.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func readConfig(t *testing.T, text string, patches ...string) *v1alpha4.Cluster {
	t.Helper()
	config, err := ReadConfig(file(t, text), patches)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func TestNoFileIsKindsDefault(t *testing.T) {
	config, err := ReadConfig("", nil)
	if err != nil || len(config.Nodes) != 1 || config.Nodes[0].Role != v1alpha4.ControlPlaneRole {
		t.Errorf("got %+v, %v", config, err)
	}
}

func TestTheUsersFileIsKept(t *testing.T) {
	config := readConfig(t, head+`
networking: {podSubnet: 10.9.0.0/16}
kubeadmConfigPatches: ["kind: InitConfiguration"]
nodes:
- role: control-plane
  extraPortMappings: [{containerPort: 80, hostPort: 8080}]
- role: worker
`, head+`
featureGates: {KubeletInUserNamespace: true}
kubeadmConfigPatches: [patch]
containerdConfigPatches: [oom]
nodes: [{role: control-plane}]
`)
	n := config.Networking
	if n.PodSubnet != "10.9.0.0/16" || !config.FeatureGates["KubeletInUserNamespace"] {
		t.Errorf("got %+v, %v", n, config.FeatureGates)
	}
	if !slices.Equal(config.KubeadmConfigPatches, []string{"kind: InitConfiguration", "patch"}) || !slices.Equal(config.ContainerdConfigPatches, []string{"oom"}) {
		t.Errorf("got patches %q and %q", config.KubeadmConfigPatches, config.ContainerdConfigPatches)
	}
	if len(config.Nodes) != 2 || len(config.Nodes[0].ExtraPortMappings) != 1 {
		t.Errorf("got nodes %+v", config.Nodes)
	}
}

func TestLaterPatchWins(t *testing.T) {
	config := readConfig(t, head+"featureGates: {A: true, B: true}", head+"featureGates: {A: false}", head+"featureGates: {A: true, C: true}")
	if g := config.FeatureGates; !g["A"] || !g["B"] || !g["C"] {
		t.Errorf("got %v", g)
	}
}

func TestMountsCountFromTheFile(t *testing.T) {
	path := file(t, head+"nodes: [{extraMounts: [{hostPath: data, containerPath: /d}, {hostPath: /abs, containerPath: /e}]}]")
	config, err := ReadConfig(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	mounts := config.Nodes[0].ExtraMounts
	if mounts[0].HostPath != filepath.Join(filepath.Dir(path), "data") || mounts[1].HostPath != "/abs" {
		t.Errorf("got %+v", mounts)
	}
}

func TestFaultsAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"unknown key":     head + "nodez: []",
		"other version":   "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha3\n",
		"empty":           "",
		"not yaml at all": "\t{",
	} {
		if _, err := ReadConfig(file(t, text), nil); err == nil || !strings.Contains(err.Error(), "kind.yaml") {
			t.Errorf("%s as a file: got %v", name, err)
		}
		if _, err := ReadConfig("", []string{head, text}); err == nil || !strings.Contains(err.Error(), "patch 2") {
			t.Errorf("%s as a patch: got %v", name, err)
		}
	}
}
