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

func TestWhatATunnelCarries(t *testing.T) {
	config := readConfig(t, head+`
networking: {apiServerPort: 6443}
nodes:
- role: control-plane
  extraPortMappings:
  - {containerPort: 80, hostPort: 8080}
  - {containerPort: 81, hostPort: 8081, listenAddress: 127.0.0.1}
  - {containerPort: 82, hostPort: 8082, listenAddress: 192.0.2.1}
  - {containerPort: 83, hostPort: 8083, protocol: UDP}
  - {containerPort: 84, hostPort: 8084, listenAddress: "::"}
  - {containerPort: 85}
`, WithAPIServerPort(40000))
	if got, want := Tunnelled(config), []string{"127.0.0.1:40000", "127.0.0.1:8080", "127.0.0.1:8081", "[::1]:8084"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	config.Networking.APIServerAddress = "192.0.2.1" // clients reach it by themselves
	if got := Tunnelled(config); len(got) != 3 {
		t.Errorf("got %q", got)
	}
}

func TestMountsCountFromTheFile(t *testing.T) {
	repository := t.TempDir()
	for _, folder := range []string{".git", "hack/kind/here", "here", "above/file"} {
		if err := os.MkdirAll(filepath.Join(repository, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(repository, "hack/kind/kind.yaml")
	if err := os.WriteFile(path, []byte(head+"nodes: [{extraMounts: [{hostPath: here, containerPath: /a}, {hostPath: ./above/file, containerPath: /b}, {hostPath: gone, containerPath: /c}, {hostPath: /abs, containerPath: /d}]}]"), 0o644); err != nil {
		t.Fatal(err)
	}
	config, err := ReadConfig(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range config.Nodes[0].ExtraMounts {
		got = append(got, strings.TrimPrefix(m.HostPath, repository+"/"))
	}
	if want := []string{"hack/kind/here", "above/file", "hack/kind/gone", "/abs"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestMountsWithoutARepository has a folder above the file, where no repository is.
func TestMountsWithoutARepository(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "above"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "kind"), 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "kind/kind.yaml")
	if err := os.WriteFile(path, []byte(head+"nodes: [{extraMounts: [{hostPath: above, containerPath: /a}, {hostPath: ../above, containerPath: /b}]}]"), 0o644); err != nil {
		t.Fatal(err)
	}
	config, err := ReadConfig(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if m := config.Nodes[0].ExtraMounts; m[0].HostPath != filepath.Join(dir, "kind/above") || m[1].HostPath != filepath.Join(dir, "above") {
		t.Errorf("got %+v", m)
	}
}

// TestWhatAFaultyFileSays: a file with issues is read if its types are right.
func TestWhatAFaultyFileSays(t *testing.T) {
	for text, readable := range map[string]bool{
		"nodes: [{role: leader, image: kindest/node:v1.30.0}]":  true,
		"nodes: [{image: kindest/node:v1.30.0, label: {a: b}}]": false,
		"nodes: {image: kindest/node:v1.30.0}":                  false,
	} {
		config, err := ReadConfig(file(t, head+text), nil)
		if err == nil || (config != nil) != readable || readable && config.Nodes[0].Image != "kindest/node:v1.30.0" {
			t.Errorf("%s: got %+v, %v", text, config, err)
		}
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
