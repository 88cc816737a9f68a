package lab

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/stratbench/stratbench/internal/trial"
)

func TestEngineKeysDiffer(t *testing.T) {
	keys := map[string]string{}
	for _, suite := range Suites() {
		a, err := engineArtifact(suite)
		if err != nil {
			t.Fatal(err)
		}
		if other := keys[a.key]; other != "" {
			t.Errorf("%s and %s share a key", suite, other)
		}
		keys[a.key] = suite
	}
}

// A user's own root file system gets the configuration of a machine's engines, and
// is known anew when it has changed.
func TestOwnRootFileSystem(t *testing.T) {
	below := t.TempDir()
	own := filepath.Join(t.TempDir(), "podman 6.tar")
	archive := func(text string) artifact {
		t.Helper()
		if err := os.WriteFile(filepath.Join(below, "mine"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("tar", "--create", "--file="+own, "--directory="+below, ".").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		a, err := engineArtifact(own)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	a := archive("text")
	if a.name != "engine-own-podman-6" {
		t.Errorf("it is called %q", a.name)
	}
	dir := t.TempDir()
	if err := a.build(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("tar", "--list", "--file="+filepath.Join(dir, "root.tar")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, name := range []string{"./mine\n", "./etc/containers/containers.conf\n", "./etc/containers/containers.conf.d/99-stratbench.conf\n"} {
		if !strings.Contains(string(out), name) {
			t.Errorf("%q is not in\n%s", name, out)
		}
	}
	if again := archive("another text"); again.key == a.key {
		t.Error("a changed archive keeps its key")
	}
	if _, err := engineArtifact(own + ".tar"); err == nil || !strings.Contains(err.Error(), "relative to the spec") {
		t.Errorf("err = %v, want one with a cure", err)
	}
}

// TestVersionsAreThoseOfTheLab compares the versions that are written here with those in
// the engine roots that are built on this host.
func TestVersionsAreThoseOfTheLab(t *testing.T) {
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for suite := range versions {
		a, err := engineArtifact(suite)
		if err != nil {
			t.Fatal(err)
		}
		list, err := os.ReadFile(filepath.Join(cache, "stratbench", "lab", a.String(), "packages.txt"))
		if err != nil {
			continue // it is not built
		}
		for line := range strings.Lines(string(list)) {
			name, version, _ := strings.Cut(strings.TrimSpace(line), " ")
			if r := map[string]trial.Runtime{"docker.io": trial.Docker, "podman": trial.Podman}[name]; r != "" {
				compared++
				if upstream := strings.FieldsFunc(version, func(c rune) bool { return c == '+' || c == '-' })[0]; upstream != EngineVersion(suite, r) {
					t.Errorf("%s of %s is %s, and not %s", name, suite, upstream, EngineVersion(suite, r))
				}
			}
		}
	}
	switch {
	case compared > 0:
	case os.Getenv("CI") == "true" && !testing.Short(): // where the lab is built first
		t.Fatal("no engine root of this version is built here: stratbench lab")
	default:
		t.Skip("no engine root of this version is built here: stratbench lab")
	}
}

func TestUnknownSuiteIsRefused(t *testing.T) {
	if _, err := engineArtifact("sid"); err == nil || !strings.Contains(err.Error(), `"sid"`) {
		t.Errorf("err = %v, want one that names the suite", err)
	}
}

func TestNewGoMeansNewArtifacts(t *testing.T) {
	old, young := origin{Go: "go1.26.1"}, origin{Go: "go1.26.2"}
	if kubernetesArtifact(old.Go).key == kubernetesArtifact(young.Go).key {
		t.Error("Kubernetes would not be compiled anew")
	}
	if goImageArtifact(old, builder{}).key == goImageArtifact(young, builder{}).key {
		t.Error("the Go image would not be made anew")
	}
	if nodeKey("a") == nodeKey("b") {
		t.Error("the node image would not be made anew")
	}
}

func TestModulesArriveWithTheirNames(t *testing.T) {
	for _, name := range []string{"kubernetes", "etcd", "coredns", "kind"} {
		dir := t.TempDir()
		if err := writeModule(name, dir); err != nil {
			t.Fatal(err)
		}
		for _, file := range []string{"go.mod", "go.sum"} {
			if !fileExists(filepath.Join(dir, file)) {
				t.Errorf("module %s has no %s", name, file)
			}
		}
	}
}

// The node files must come from the version of Kind that creates the clusters.
func TestKindIsTheOneThisModuleUses(t *testing.T) {
	version := regexp.MustCompile(`sigs\.k8s\.io/kind (v\S+)`)
	ours, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	pinned, err := moduleFiles.ReadFile("modules/kind/go.mod.txt")
	if err != nil {
		t.Fatal(err)
	}
	if a, b := version.FindSubmatch(ours), version.FindSubmatch(pinned); a == nil || b == nil || string(a[1]) != string(b[1]) {
		t.Errorf("go.mod has %q, the lab %q", a, b)
	}
}

func TestKubernetesModuleHasTheVersionItStates(t *testing.T) {
	mod, err := moduleFiles.ReadFile("modules/kubernetes/go.mod.txt")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(mod), "k8s.io/kubernetes "+kubernetesVersion) {
		t.Errorf("the module does not require k8s.io/kubernetes %s", kubernetesVersion)
	}
	if flags := kubernetesFlags(); !strings.Contains(flags, "gitVersion="+kubernetesVersion) || !strings.Contains(flags, "gitMinor=34") {
		t.Errorf("flags = %s", flags)
	}
}

func TestEveryNodeFileHasAPlace(t *testing.T) {
	elsewhere := map[string]bool{"finish.sh": true, "iptables": true}
	for file := range slices.Chunk(contents(nodeFiles, "node"), 2) {
		name := strings.TrimPrefix(file[0], "node/")
		if _, ok := nodePlaces[name]; !ok && !elsewhere[name] {
			t.Errorf("node/%s is embedded and goes nowhere", name)
		}
	}
}

func TestProgramOfAReference(t *testing.T) {
	for ref, want := range map[string]string{
		"registry.example/coredns/coredns:v1.12.1": "coredns",
		"registry.example:5000/etcd:3.6.5-0":       "etcd",
	} {
		if got := program(ref); got != want {
			t.Errorf("program(%q) = %q, want %q", ref, got, want)
		}
	}
}

func TestClusterConfigIsForKind(t *testing.T) {
	var config struct {
		Kind                    string
		FeatureGates            map[string]bool `yaml:"featureGates"`
		ContainerdConfigPatches []string        `yaml:"containerdConfigPatches"`
	}
	if err := yaml.Unmarshal(ClusterConfig, &config); err != nil {
		t.Fatal(err)
	}
	if config.Kind != "Cluster" || !config.FeatureGates["KubeletInUserNamespace"] || len(config.ContainerdConfigPatches) != 1 {
		t.Errorf("config = %+v", config)
	}
}

func TestMissingPackages(t *testing.T) {
	none := func(string) (string, error) { return "", os.ErrNotExist }
	all := func(p string) (string, error) { return p, nil }
	yes, no := func(string) bool { return true }, func(string) bool { return false }
	if got := missingPackages(toBuild, all, yes); len(got) != 0 {
		t.Errorf("a complete machine lacks %q", got)
	}
	if got := missingPackages(nil, all, no); len(got) != 1 || got[0] != "debian-archive-keyring" {
		t.Errorf("without the keyring: %q", got)
	}
	if got := missingPackages(toBuild, none, yes); len(got) != len(toBuild) {
		t.Errorf("an empty machine lacks only %q", got)
	}
}
