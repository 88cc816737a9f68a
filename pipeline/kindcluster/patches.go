package kindcluster

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml"
	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
)

// patched are the kinds in the configuration that Kind gives kubeadm.
var patched = []string{"ClusterConfiguration", "InitConfiguration", "JoinConfiguration", "KubeletConfiguration", "KubeProxyConfiguration"}

// kubeadmPatches checks patches that Kind reads only when it creates the cluster. A
// patch of another kind would change nothing, and nothing would tell.
func (v *validator) kubeadmPatches(patches []string, above []string) {
	for i, patch := range patches {
		at := append(slices.Clone(above), "kubeadmConfigPatches", strconv.Itoa(i))
		var head struct{ Kind string }
		if err := yaml.Unmarshal([]byte(patch), &head); err != nil {
			v.issue(fmt.Sprintf("the patch is not YAML: %s; check its indentation", strings.TrimPrefix(err.Error(), "yaml: ")), at...)
		} else if !slices.Contains(patched, head.Kind) {
			v.issue(fmt.Sprintf("the patch is of kind %q, so Kind changes nothing by it; write one of %s", head.Kind, strings.Join(patched, ", ")), at...)
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

func (v *validator) containerdPatches(patches []string) {
	for i, patch := range patches {
		if _, err := toml.Load(patch); err != nil {
			v.issue(fmt.Sprintf("the patch is not TOML: %v; check its brackets and quotes", err), "containerdConfigPatches", strconv.Itoa(i))
		}
	}
}

func (v *validator) mounts(mounts []v1alpha4.Mount, node []string) {
	for i, m := range mounts {
		if m.HostPath == "" || m.ContainerPath == "" {
			v.issue("a mount needs hostPath, a path of this host, and containerPath, one in the node; write both", append(slices.Clone(node), "extraMounts", strconv.Itoa(i))...)
		}
	}
}
