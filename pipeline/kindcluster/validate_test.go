package kindcluster

import (
	"slices"
	"strings"
	"testing"
)

func TestWhatKindRefusesHasItsPlace(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"older version":       {"kind: Cluster\napiVersion: kind.sigs.k8s.io/v1alpha3\nnodes: [{role: control-plane}]\n", "kind.yaml:2:13: "},
		"template":            {head + "nodes:\n{{- range .Workers }}\n- role: worker\n{{- end }}\n", "kind.yaml:4:1: this is a template"},
		"comments only":       {"# nothing here\n", "kind.yaml:1:1: reading the Kind configuration: it is empty"},
		"text for a switch":   {head + "featureGates:\n  A: \"true\"\n", "kind.yaml:4:1: "},
		"unknown key":         {head + "nodes:\n- role: control-plane\n  extraPorts: []\n", "kind.yaml:5:1: "},
		"no such role":        {head + "nodes:\n- role: control-plane\n- role: master\n", `kind.yaml:5:9: "master" is not known to Kind`},
		"no control plane":    {head + "nodes: [{role: worker}]\n", "kind.yaml:3:8: no node has the role control-plane"},
		"no such proxy mode":  {head + "networking: {kubeProxyMode: ebpf}\n", "kind.yaml:3:29: "},
		"no such port":        {head + "networking: {apiServerPort: 70000}\n", "kind.yaml:3:29: "},
		"subnet of the other": {head + "networking: {podSubnet: \"fd00::/56\"}\n", "kind.yaml:3:25: the subnet is not of the ipFamily ipv4"},
		"patch of no kind":    {head + "kubeadmConfigPatches:\n- |\n  kind: ClusterConfig\n", `kind.yaml:4:3: the patch is of kind "ClusterConfig", so Kind changes nothing by it; write one of ClusterConfiguration`},
		"patch of a node":     {head + "nodes:\n- kubeadmConfigPatches:\n  - |\n    kind: InitConfiguration\n     a: b\n", "kind.yaml:5:5: the patch is not YAML: "},
		"patch, no TOML":      {head + "containerdConfigPatches:\n- |-\n  [plugins\n", "kind.yaml:4:3: the patch is not TOML: "},
		"JSON patch":          {head + "kubeadmConfigPatchesJSON6902: [{kind: Cluster, patch: \"[{op: add, path: /a, value: b}]\"}, {kind: ClusterConfiguration, patch: none}]\n", "kind.yaml:3:39: the patch is of kind \"Cluster\""},
		"half a mount":        {head + "nodes: [{extraMounts: [{hostPath: /a}]}]\n", "kind.yaml:3:24: a mount needs hostPath, a path of this host, and containerPath"},
		"mount at no path":    {head + "nodes: [{extraMounts: [{hostPath: /a, containerPath: a}]}]\n", `kind.yaml:3:54: "a" is a path in the node`},
		"several at once": {head + "networking: {ipFamily: four}\nnodes:\n- extraMounts: [{hostPath: /a, containerPath: /a, readonly: true}]\n- role: node\n",
			"kind.yaml:6:9: \"node\" is not known to Kind"},
		"no such propagation": {head + "nodes:\n- extraMounts: [{hostPath: /a, containerPath: /a, propagation: Both}]\n", "kind.yaml:4:64: reading the Kind configuration: "},
		"no subnet":           {head + "networking: {serviceSubnet: ten}\n", "kind.yaml:3:29: "},
		"port twice in two nodes": {head + "nodes:\n- role: control-plane\n  extraPortMappings: [{containerPort: 80, hostPort: 8080}]\n" +
			"- role: worker\n  extraPortMappings: [{containerPort: 80, hostPort: 8080, listenAddress: 127.0.0.1, protocol: TCP}]\n", "kind.yaml:7:53: port 8080 of the host is published a second time"},
	} {
		if _, err := ReadConfig(file(t, c.text), nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
}

func TestWhatKindTakesIsNotRefused(t *testing.T) {
	for name, text := range map[string]string{
		"two families": head + "networking: {ipFamily: dual, podSubnet: \"10.1.0.0/16,fd00::/56\", kubeProxyMode: none}\n",
		"ports":        head + "nodes:\n- extraPortMappings: [{containerPort: 1, hostPort: 0}, {containerPort: 2, hostPort: -1}, {containerPort: 3, hostPort: 53, protocol: UDP}, {containerPort: 3, hostPort: 53}]\n",
		"addresses":    head + "nodes:\n- extraPortMappings: [{containerPort: 1, hostPort: 80, listenAddress: 127.0.0.1}, {containerPort: 1, hostPort: 80, listenAddress: 127.0.0.2}]\n",
		"patches":      head + "kubeadmConfigPatches: [\"kind: JoinConfiguration\"]\ncontainerdConfigPatches:\n- |-\n  [plugins.\"io.containerd.grpc.v1.cri\".registry.mirrors.\"localhost:5001\"]\n    endpoint = [\"http://registry:5000\"]\n",
		"no role":      head + "nodes: [{}]\n",
	} {
		if _, err := ReadConfig(file(t, text), nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestIneffectivePatches(t *testing.T) {
	config := readConfig(t, head+`
kubeadmConfigPatches: ["{kind: ClusterConfiguration, apiVersion: kubeadm.k8s.io/v1beta4}"]
containerdConfigPatches:
- |-
  [plugins."io.containerd.grpc.v1.cri".registry.mirrors."localhost:5001"]
    endpoint = ["http://registry:5000"]
nodes:
- kubeadmConfigPatches:
  - "{kind: InitConfiguration, apiVersion: kubeadm.k8s.io/v1beta3}"
  - "{kind: InitConfiguration, apiVersion: kubeadm.k8s.io/v1beta4}"
  - "{kind: KubeletConfiguration, apiVersion: kubelet.config.k8s.io/v1beta1}"
- role: worker
  kubeadmConfigPatches: ["{kind: JoinConfiguration, apiVersion: kubeadm.k8s.io/v1beta3}", "kind: ClusterConfiguration"]
`)
	for minor, want := range map[int][]string{
		0:  {"containerdConfigPatches.0"},
		33: {"kubeadmConfigPatches.0", "containerdConfigPatches.0"},
		36: {"nodes.1.kubeadmConfigPatches.0", "containerdConfigPatches.0"},
	} {
		var got []string
		for _, d := range IneffectivePatches(config, minor) {
			got = append(got, strings.Join(d.Path, "."))
		}
		if !slices.Equal(got, want) {
			t.Errorf("1.%d: got %q, want %q", minor, got, want)
		}
	}
}

func TestLabelsThatAKubeletMayNotSet(t *testing.T) {
	for nodes, want := range map[string]string{
		"{labels: {tier: a, node.kubernetes.io/pool: a, kubernetes.io: a, topology.kubernetes.io/zone: a}}": "",
		"{labels: {node-role.kubernetes.io/worker: \"\"}}":                                                  "node-role.kubernetes.io/worker",
		"{labels: {tier: a b}}": "cannot be used",
		"{kubeadmConfigPatches: [\"kind: InitConfiguration\\nnodeRegistration: {kubeletExtraArgs: {node-labels: 'a=b,k8s.io/c=d'}}\"]}": "k8s.io/c",
		"{kubeadmConfigPatches: [\"kind: InitConfiguration\\n# node-labels: k8s.io/c=d\\n\"]}":                                          "",
		"{kubeadmConfigPatches: [\"kind: InitConfiguration\\nnodeRegistration:\\n  kubeletExtraArgs:\\n    node-labels: a=b # c\\n\"]}": "",
	} {
		_, err := ReadConfig(file(t, head+"nodes: ["+nodes+"]\n"), nil)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", nodes, err, want)
		}
	}
}
