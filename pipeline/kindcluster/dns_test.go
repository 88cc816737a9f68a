package kindcluster

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestQuickDNSIsAFolderOfPatchesForKubeadm(t *testing.T) {
	config := readConfig(t, head+"kubeadmConfigPatches: [\"kind: InitConfiguration\"]\n", QuickDNS)
	var patch struct {
		Kind    string
		Patches struct{ Directory string }
	}
	if len(config.KubeadmConfigPatches) != 2 || yaml.Unmarshal([]byte(config.KubeadmConfigPatches[1]), &patch) != nil ||
		patch.Kind != "InitConfiguration" || patch.Patches.Directory != patchesDir {
		t.Errorf("got %q", config.KubeadmConfigPatches)
	}
	if at := OwnPatches(config); strings.Join(at, ".") != "kubeadmConfigPatches.1" {
		t.Errorf("its own folder is at %q", at)
	}
}

func TestCoreDNSGoesToTheServerItself(t *testing.T) {
	var patch struct {
		Spec struct {
			Template struct {
				Spec struct {
					Containers []struct {
						Name string
						Env  []struct{ Name, Value string }
					}
				}
			}
		}
	}
	if err := yaml.Unmarshal([]byte(dnsPatch("fc00::2")), &patch); err != nil {
		t.Fatal(err)
	}
	c := patch.Spec.Template.Spec.Containers
	if len(c) != 1 || c[0].Name != "coredns" || len(c[0].Env) != 2 || c[0].Env[0].Value != "fc00::2" || c[0].Env[1].Value != "6443" {
		t.Errorf("got %+v", c)
	}
}

// TestTheNodeIsPatchedBeforeKubeadm has a node that cannot be found, and no engine.
func TestTheNodeIsPatchedBeforeKubeadm(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for name, c := range map[string]struct {
		patches []string
		step    string
		want    bool
	}{
		"quick":         {[]string{QuickDNS}, " • Starting control-plane 🕹️  ...\n", true},
		"another step":  {[]string{QuickDNS}, " • Writing configuration 📜  ...\n", false},
		"as by default": {[]string{NoFsync}, " • Starting control-plane 🕹️  ...\n", false},
	} {
		see, failed := Options{Name: "a", Config: readConfig(t, head, c.patches...)}.patchDNS(Observer{Log: func(string) {}, Step: func(string) func(error) { return func(error) {} }})
		(&logger{Observer: see}).message(c.step)
		if err := failed(); (err != nil) != c.want {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestVersionsThatKubeadmPatches(t *testing.T) {
	for version, fits := range map[string]bool{"v1.30.13": false, "v1.31.0": true, "v1.34.3": true, "v1.38.0-alpha.1": true, "": false} {
		if err := CheckQuickDNS(version); (err == nil) != fits {
			t.Errorf("%q: got %v", version, err)
		}
	}
}

func TestAFolderOfPatchesOfTheUsersIsFound(t *testing.T) {
	for text, want := range map[string]string{
		"nodes: [{}]\n": "",
		"kubeadmConfigPatches: [\"{kind: JoinConfiguration, patches: {directory: /p}}\"]\n":                                           "",
		"kubeadmConfigPatches: [\"kind: ClusterConfiguration\", \"{kind: InitConfiguration, patches: {directory: /p}}\"]\n":           "kubeadmConfigPatches.1",
		"nodes: [{}, {kubeadmConfigPatches: [\"{kind: InitConfiguration, patches: {directory: /p}}\"]}]\n":                            "nodes.1.kubeadmConfigPatches.0",
		"kubeadmConfigPatchesJSON6902: [{kind: InitConfiguration, patch: \"[{op: add, path: /patches, value: {directory: /p}}]\"}]\n": "kubeadmConfigPatchesJSON6902.0",
	} {
		if at := OwnPatches(readConfig(t, head+text)); strings.Join(at, ".") != want {
			t.Errorf("%s: got %q, want %s", text, at, want)
		}
	}
}
