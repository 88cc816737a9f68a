package kindcluster

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
)

// patched are the kinds in the configuration that Kind gives kubeadm.
var patched = []string{"ClusterConfiguration", "InitConfiguration", "JoinConfiguration", "KubeletConfiguration", "KubeProxyConfiguration"}

// target is what a patch is for.
type target struct {
	Kind       string
	APIVersion string `yaml:"apiVersion"`
}

// kubeadmPatches checks patches that Kind reads only when it creates the cluster. A patch
// of another kind would change nothing, without a message.
func (v *validator) kubeadmPatches(patches []string, above []string) {
	for i, patch := range patches {
		at := append(slices.Clone(above), "kubeadmConfigPatches", strconv.Itoa(i))
		var of target
		if err := yaml.Unmarshal([]byte(patch), &of); err != nil {
			v.issue(fmt.Sprintf("the patch is not YAML: %s; check its indentation", strings.TrimPrefix(err.Error(), "yaml: ")), at...)
		} else if !slices.Contains(patched, of.Kind) {
			v.issue(fmt.Sprintf("the patch is of kind %q, so Kind changes nothing by it; write one of %s", of.Kind, strings.Join(patched, ", ")), at...)
		}
	}
}

func (v *validator) jsonPatches(patches []v1alpha4.PatchJSON6902, above []string) {
	for i, patch := range patches {
		at := append(slices.Clone(above), "kubeadmConfigPatchesJSON6902", strconv.Itoa(i))
		var operations []struct{ Op, Path string }
		if err := yaml.Unmarshal([]byte(patch.Patch), &operations); err != nil {
			v.issue("the patch is not a list of operations; write one such as - {op: add, path: /a, value: b}", append(at, "patch")...)
		} else if !slices.Contains(patched, patch.Kind) {
			v.issue(fmt.Sprintf("the patch is of kind %q, so Kind changes nothing by it; write one of %s", patch.Kind, strings.Join(patched, ", ")), append(at, "kind")...)
		}
	}
}

func (v *validator) mounts(mounts []v1alpha4.Mount, node []string) {
	for i, m := range mounts {
		at := append(slices.Clone(node), "extraMounts", strconv.Itoa(i))
		switch {
		case m == v1alpha4.Mount{}: // it could not be decoded
		case m.HostPath == "" || m.ContainerPath == "":
			v.issue("a mount needs hostPath, a path of this host, and containerPath, one in the node; write both", at...)
		case !strings.HasPrefix(m.ContainerPath, "/"):
			v.issue(fmt.Sprintf("%q is a path in the node, which has no current folder; begin it with /", m.ContainerPath), append(at, "containerPath")...)
		}
	}
}

// Doubt is what may be wrong with the part of a Kind configuration at a path.
type Doubt struct {
	Path    []string
	Message string
}

// IneffectivePatches are patches that Kind or its nodes do not take as they are, for the
// minor version of Kubernetes, which is 0 if it is not known.
func IneffectivePatches(config *v1alpha4.Cluster, minor int) (doubts []Doubt) {
	kubeadm := func(patches []string, above ...string) {
		wants := "kubeadm.k8s.io/v1beta4"
		switch { // as in the version of Kind that is compiled in
		case minor < 23:
			wants = "kubeadm.k8s.io/v1beta2"
		case minor < 36:
			wants = "kubeadm.k8s.io/v1beta3"
		}
		var heads []target
		var in []int // the patch that each head is in
		for i, patch := range patches {
			for documents := yaml.NewDecoder(strings.NewReader(patch)); ; {
				var of target
				if documents.Decode(&of) != nil {
					break // the end: its syntax was checked before
				}
				heads, in = append(heads, of), append(in, i)
			}
		}
		for i, of := range heads {
			if minor > 0 && strings.HasPrefix(of.APIVersion, "kubeadm.k8s.io/") && !slices.Contains(heads, target{of.Kind, wants}) && !slices.Contains(heads, target{of.Kind, ""}) {
				doubts = append(doubts, Doubt{append(above, "kubeadmConfigPatches", strconv.Itoa(in[i])),
					fmt.Sprintf("the patch is for %s, and with Kubernetes 1.%d Kind writes %s, so it changes nothing; add one for that, or take apiVersion out and write extraArgs as a mapping, which fits both", of.APIVersion, minor, wants)})
			}
		}
	}
	kubeadm(config.KubeadmConfigPatches)
	first := slices.IndexFunc(config.Nodes, func(n v1alpha4.Node) bool { return n.Role == v1alpha4.ControlPlaneRole })
	for i, n := range config.Nodes {
		kubeadm(n.KubeadmConfigPatches, "nodes", strconv.Itoa(i))
		reads, other := "JoinConfiguration", "InitConfiguration"
		if i == first {
			reads, other = other, reads
		}
		for j, patch := range n.KubeadmConfigPatches {
			var of target
			if yaml.Unmarshal([]byte(patch), &of) == nil && of.Kind == other {
				doubts = append(doubts, Doubt{[]string{"nodes", strconv.Itoa(i), "kubeadmConfigPatches", strconv.Itoa(j)},
					fmt.Sprintf("this node reads its %s and no %s, so the patch changes nothing; write kind: %s", reads, other, reads)})
			}
		}
	}
	for i, patch := range config.ContainerdConfigPatches {
		if strings.Contains(patch, "registry.mirrors") { // registry.configs is not refused
			doubts = append(doubts, Doubt{[]string{"containerdConfigPatches", strconv.Itoa(i)},
				"nodes since Kind 0.27 take registries from /etc/containerd/certs.d, and containerd may then refuse registry.mirrors, so that no node starts; write HOST/hosts.toml files and mount their folder there (extraMounts)"})
		}
	}
	return doubts
}
