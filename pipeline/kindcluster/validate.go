package kindcluster

import (
	"cmp"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"

	"github.com/stratbench/stratbench/internal/issue"
	"github.com/stratbench/stratbench/internal/readable"
)

// Where is the position of a part of a Kind configuration, or of the smallest part
// around it that is there.
func Where(file string, path ...string) issue.Position {
	text, err := readable.File(file)
	if err != nil {
		return issue.Position{}
	}
	return issue.Find(text, path...)
}

// validate checks a configuration, with its defaults, by Kind's rules. Kind's own check
// is internal and names no positions. In addition, no two nodes may publish the same
// port.
func validate(config *v1alpha4.Cluster, file string) []issue.Issue {
	v := &validator{file: file}
	n := config.Networking
	v.port(n.APIServerPort, "networking", "apiServerPort")
	v.oneOf(string(n.IPFamily), []string{"ipv4", "ipv6", "dual"}, "networking", "ipFamily")
	v.oneOf(string(n.KubeProxyMode), []string{"iptables", "ipvs", "nftables", "none"}, "networking", "kubeProxyMode")
	v.subnets(n.PodSubnet, n.IPFamily, "networking", "podSubnet")
	v.subnets(n.ServiceSubnet, n.IPFamily, "networking", "serviceSubnet")
	v.kubeadmPatches(config.KubeadmConfigPatches, nil)
	v.jsonPatches(config.KubeadmConfigPatchesJSON6902, nil)
	for i, patch := range config.ContainerdConfigPatches {
		if _, err := toml.Load(patch); err != nil {
			v.issue(fmt.Sprintf("the patch is not TOML: %v; check its brackets and quotes", err), "containerdConfigPatches", strconv.Itoa(i))
		}
	}
	controlPlanes := 0
	for i, node := range config.Nodes {
		at := []string{"nodes", strconv.Itoa(i)}
		v.oneOf(string(node.Role), []string{"control-plane", "worker"}, append(at, "role")...)
		if node.Role == v1alpha4.ControlPlaneRole {
			controlPlanes++
		}
		v.labels(node, at)
		v.mappings(node.ExtraPortMappings, at)
		v.mounts(node.ExtraMounts, at)
		v.kubeadmPatches(node.KubeadmConfigPatches, at)
		v.jsonPatches(node.KubeadmConfigPatchesJSON6902, at)
	}
	if controlPlanes == 0 {
		v.issue("no node has the role control-plane; give it to one", "nodes")
	}
	return v.issues.List
}

type validator struct {
	file   string
	issues issue.List
	// taken are the host's ports that nodes publish.
	taken []taken
}

type taken struct {
	port     int32
	protocol v1alpha4.PortMappingProtocol
	ip       net.IP
}

func (v *validator) issue(message string, path ...string) {
	v.issues.Add(v.file, Where(v.file, path...), "%s", message)
}

func (v *validator) port(port int32, path ...string) {
	if port < -1 || port > 65535 {
		v.issue(fmt.Sprintf("%d is no port; write a number up to 65535", port), path...)
	}
}

func (v *validator) oneOf(value string, known []string, path ...string) {
	if !slices.Contains(known, value) {
		v.issue(fmt.Sprintf("%q is not known to Kind; write one of %s", value, strings.Join(known, ", ")), path...)
	}
}

func (v *validator) subnets(text string, family v1alpha4.ClusterIPFamily, path ...string) {
	var v4, v6 int
	for _, one := range strings.Split(text, ",") {
		_, subnet, err := net.ParseCIDR(one)
		if err != nil {
			v.issue(fmt.Sprintf("%q is no subnet; write one such as 10.244.0.0/16", one), path...)
			return
		}
		if subnet.IP.To4() != nil {
			v4++
		} else {
			v6++
		}
	}
	switch {
	case family == v1alpha4.DualStackFamily && v4+v6 > 1 && (v4 != 1 || v6 != 1):
		v.issue("with ipFamily dual, write one subnet of each family", path...)
	case family != v1alpha4.DualStackFamily && v4+v6 > 1:
		v.issue("only ipFamily dual has two subnets; write one, or ipFamily: dual", path...)
	case family == v1alpha4.IPv4Family && v4 == 0, family == v1alpha4.IPv6Family && v6 == 0:
		v.issue(fmt.Sprintf("the subnet is not of the ipFamily %s; make both the same", family), path...)
	}
}

// nodeLabels finds the labels that a patch gives a node by the kubelet's arguments.
var nodeLabels = regexp.MustCompile(`(?m)^[^#\n]*node-labels["']?(?:\s*:|\s*\n\s*value:)\s*["']?([^"'\s}]*)`)

// labels checks the labels that a node's kubelet sets. It does not start with others.
func (v *validator) labels(node v1alpha4.Node, at []string) {
	check := func(key, value string, path ...string) {
		domain, _, has := strings.Cut(key, "/")
		ofKubernetes := has && slices.ContainsFunc([]string{"kubernetes.io", "k8s.io"}, func(of string) bool { return domain == of || strings.HasSuffix(domain, "."+of) })
		own := slices.Contains(kubelets, key) || slices.ContainsFunc([]string{"node.kubernetes.io", "kubelet.kubernetes.io"}, func(of string) bool { return domain == of || strings.HasSuffix(domain, "."+of) })
		problems := append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...)
		switch {
		case len(problems) > 0:
			v.issue(fmt.Sprintf("the label %s: %q cannot be used: %s; write another", key, value, problems[0]), path...)
		case ofKubernetes && !own:
			v.issue(fmt.Sprintf("no kubelet may give its node the label %s, so the node does not start; write one without kubernetes.io, or set it by a hook after cluster: kubectl label node", key), path...)
		}
	}
	for key, value := range node.Labels {
		check(key, value, append(slices.Clone(at), "labels", key)...)
	}
	for i, patch := range node.KubeadmConfigPatches {
		if m := nodeLabels.FindStringSubmatch(patch); m != nil {
			for _, label := range strings.Split(m[1], ",") {
				if key, value, is := strings.Cut(label, "="); is {
					check(strings.TrimSpace(key), value, append(slices.Clone(at), "kubeadmConfigPatches", strconv.Itoa(i))...)
				}
			}
		}
	}
}

// kubelets are the labels of Kubernetes that a kubelet may set.
var kubelets = []string{
	"kubernetes.io/hostname", "kubernetes.io/os", "kubernetes.io/arch", "beta.kubernetes.io/os", "beta.kubernetes.io/arch", "beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type",
	"topology.kubernetes.io/zone", "topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region",
}

func (v *validator) mappings(mappings []v1alpha4.PortMapping, node []string) {
	for i, m := range mappings {
		at := append(slices.Clone(node), "extraPortMappings", strconv.Itoa(i))
		v.port(m.HostPort, append(at, "hostPort")...)
		v.port(m.ContainerPort, append(at, "containerPort")...)
		if m.HostPort <= 0 {
			continue // Kind chooses a free port
		}
		ip := net.IPv4zero
		if m.ListenAddress != "" {
			if ip = net.ParseIP(m.ListenAddress); ip == nil {
				v.issue(fmt.Sprintf("%q is no IP address; write one such as 127.0.0.1", m.ListenAddress), append(at, "listenAddress")...)
				continue
			}
		}
		protocol := cmp.Or(m.Protocol, v1alpha4.PortMappingProtocolTCP)
		if slices.ContainsFunc(v.taken, func(t taken) bool {
			return t.port == m.HostPort && t.protocol == protocol && (t.ip.Equal(ip) || t.ip.IsUnspecified() || ip.IsUnspecified())
		}) {
			v.issue(fmt.Sprintf("port %d of the host is published a second time; give each mapping its own", m.HostPort), append(at, "hostPort")...)
		}
		v.taken = append(v.taken, taken{m.HostPort, protocol, ip})
	}
}
