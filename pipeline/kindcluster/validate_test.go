package kindcluster

import (
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
		"no role":      head + "nodes: [{}]\n",
	} {
		if _, err := ReadConfig(file(t, text), nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
