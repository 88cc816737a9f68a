package kindcluster

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"

	"github.com/stratbench/stratbench/internal/issue"
)

const (
	apiVersion = "kind.x-k8s.io/v1alpha4"
	kind       = "Cluster"
)

// NoFsync is a patch by which the cluster's store does not wait for the disk.
const NoFsync = `kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
kubeadmConfigPatches:
- |
  kind: ClusterConfiguration
  etcd: {local: {extraArgs: {unsafe-no-fsync: "true"}}}
`

// ReadConfig reads a Kind config file as kind does, and puts the patches on
// top, in order. No file ("") is Kind's default cluster. Relative host paths
// of mounts count from the file's folder.
//
// The error of a file is an *issue.List. A patch is a Kind config itself,
// strictly read, and merged by these rules:
//   - featureGates and runtimeConfig: key by key, the patch's value wins;
//   - the lists of kubeadm and containerd patches: appended, so that they are
//     applied after the file's own;
//   - networking: each setting that the patch gives wins;
//   - nodes: what a node of the patch gives is added to every node of its role,
//     or to every node when it names no role: labels key by key, mounts, port
//     mappings and kubeadm patches appended, an image replaced. A patch never
//     adds a node;
//   - name: passed over, as clusters are named by the trial.
func ReadConfig(file string, patches []string) (*v1alpha4.Cluster, error) {
	config := &v1alpha4.Cluster{}
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, &issue.List{List: []issue.Issue{{File: file, Message: fmt.Sprintf("reading the Kind configuration: %v; make it readable", err)}}}
		}
		if config, err = parse(text); err != nil {
			return nil, syntaxIssues(file, text, err)
		}
		resolveMounts(config, filepath.Dir(file))
	}
	v1alpha4.SetDefaultsCluster(config)
	if issues := Validate(config, file); len(issues) > 0 {
		return nil, &issue.List{List: issues}
	}
	for i, text := range patches {
		patch, err := parse([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("reading Kind patch %d: %w", i+1, err)
		}
		merge(config, patch)
	}
	return config, nil
}

func parse(text []byte) (*v1alpha4.Cluster, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	config := &v1alpha4.Cluster{}
	err := decoder.Decode(config)
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("it says nothing; write kind: %s and apiVersion: %s, or leave kindConfig out for Kind's default", kind, apiVersion)
	}
	var wrong *yaml.TypeError
	if err != nil && !errors.As(err, &wrong) {
		return nil, err
	}
	// A type error may well come of another version's fields.
	var head struct {
		Kind       string
		APIVersion string `yaml:"apiVersion"`
	}
	if yaml.Unmarshal(text, &head) == nil && (head.APIVersion != apiVersion || head.Kind != kind) {
		return nil, &versionError{head.Kind, head.APIVersion}
	}
	return config, err
}

// versionError says that a file is no Kind config of the version that is read.
type versionError struct{ kind, apiVersion string }

func (e *versionError) Error() string {
	return fmt.Sprintf("it is of kind %q, apiVersion %q, and only kind %s, apiVersion %s is known; write that, and see Kind's documentation for what has changed",
		e.kind, e.apiVersion, kind, apiVersion)
}

// syntaxIssues says where and why a file is no Kind config.
func syntaxIssues(file string, text []byte, err error) *issue.List {
	issues := &issue.List{}
	var wrong *yaml.TypeError
	var version *versionError
	switch {
	case bytes.Contains(text, []byte("{{")):
		line := 1 + bytes.Count(text[:bytes.Index(text, []byte("{{"))], []byte("\n"))
		issues.Add(file, issue.Position{Line: line, Column: 1}, "this is a template and no Kind configuration; render it beforehand and name what that writes")
	case errors.As(err, &version):
		issues.Add(file, issue.Find(text, "apiVersion"), "reading the Kind configuration: %v", err)
	case errors.As(err, &wrong):
		for _, one := range wrong.Errors {
			at, message := issue.YAMLError(one)
			issues.Add(file, at, "reading the Kind configuration: %s; correct it as Kind's documentation has it", message)
		}
	default:
		at, message := issue.YAMLError(err.Error())
		issues.Add(file, at, "reading the Kind configuration: %s", message)
	}
	return issues
}

func resolveMounts(config *v1alpha4.Cluster, dir string) {
	for i := range config.Nodes {
		mounts := config.Nodes[i].ExtraMounts
		for j, m := range mounts {
			if m.HostPath != "" && !filepath.IsAbs(m.HostPath) {
				mounts[j].HostPath = filepath.Join(dir, m.HostPath)
			}
		}
	}
}

func merge(config, patch *v1alpha4.Cluster) {
	config.FeatureGates = mergeMap(config.FeatureGates, patch.FeatureGates)
	config.RuntimeConfig = mergeMap(config.RuntimeConfig, patch.RuntimeConfig)
	config.KubeadmConfigPatches = append(config.KubeadmConfigPatches, patch.KubeadmConfigPatches...)
	config.KubeadmConfigPatchesJSON6902 = append(config.KubeadmConfigPatchesJSON6902, patch.KubeadmConfigPatchesJSON6902...)
	config.ContainerdConfigPatches = append(config.ContainerdConfigPatches, patch.ContainerdConfigPatches...)
	config.ContainerdConfigPatchesJSON6902 = append(config.ContainerdConfigPatchesJSON6902, patch.ContainerdConfigPatchesJSON6902...)
	mergeNetworking(&config.Networking, patch.Networking)
	for _, node := range patch.Nodes {
		for i := range config.Nodes {
			if node.Role == "" || node.Role == config.Nodes[i].Role {
				mergeNode(&config.Nodes[i], node)
			}
		}
	}
}

func mergeNode(node *v1alpha4.Node, patch v1alpha4.Node) {
	override(&node.Image, patch.Image)
	node.Labels = mergeMap(node.Labels, patch.Labels)
	node.ExtraMounts = append(node.ExtraMounts, patch.ExtraMounts...)
	node.ExtraPortMappings = append(node.ExtraPortMappings, patch.ExtraPortMappings...)
	node.KubeadmConfigPatches = append(node.KubeadmConfigPatches, patch.KubeadmConfigPatches...)
	node.KubeadmConfigPatchesJSON6902 = append(node.KubeadmConfigPatchesJSON6902, patch.KubeadmConfigPatchesJSON6902...)
}

func mergeNetworking(n *v1alpha4.Networking, patch v1alpha4.Networking) {
	override(&n.IPFamily, patch.IPFamily)
	override(&n.APIServerPort, patch.APIServerPort)
	override(&n.APIServerAddress, patch.APIServerAddress)
	override(&n.PodSubnet, patch.PodSubnet)
	override(&n.ServiceSubnet, patch.ServiceSubnet)
	override(&n.DisableDefaultCNI, patch.DisableDefaultCNI)
	override(&n.KubeProxyMode, patch.KubeProxyMode)
	override(&n.DNSSearch, patch.DNSSearch)
}

func override[T comparable](value *T, patch T) {
	var none T
	if patch != none {
		*value = patch
	}
}

func mergeMap[M ~map[string]V, V any](m, patch M) M {
	if len(patch) == 0 {
		return m
	}
	merged := maps.Clone(m)
	if merged == nil {
		merged = M{}
	}
	maps.Copy(merged, patch)
	return merged
}
