package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"sigs.k8s.io/kind/pkg/apis/config/defaults"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/issue"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/lab"
	"github.com/stratbench/stratbench/pipeline/kindcluster"
)

// cluster inspects the Kind configuration and the cluster that it makes here.
func (c *cellInspection) cluster(ctx context.Context) {
	var err error
	if c.kind, err = kindcluster.ReadConfig(c.workload.KindConfig, nil); err != nil {
		c.wrong(&c.issues, "workload.kindConfig", err)
		return
	}
	c.nodes(ctx)
	for _, doubt := range kindcluster.IneffectivePatches(c.kind, c.minor()) {
		c.in(&c.warnings, doubt.Message, doubt.Path...)
	}
	c.dns()
	c.network()
	c.mounts()
	c.ports()
	c.mirrors(ctx)
	if !c.r.spec.Faulty("ready") {
		c.readyURLs()
	}
}

// kindAt is the file and position of a part of the Kind configuration.
func (c *cellInspection) kindAt(path ...string) (string, issue.Position) {
	if file := c.workload.KindConfig; file != "" {
		return file, kindcluster.Where(file, path...)
	}
	return c.where("workload.kindConfig")
}

func (c *cellInspection) in(to *issue.List, text string, path ...string) {
	file, at := c.kindAt(path...)
	to.Add(file, at, "%s", text)
}

// ownNodeImage is the index of the first node with an image of the user's choice,
// or -1.
func (c *cellInspection) ownNodeImage() int {
	return slices.IndexFunc(c.kind.Nodes, func(n v1alpha4.Node) bool { return n.Image != "" && n.Image != defaults.Image })
}

// nodeImage is the image of a trial's control plane.
func (c *cellInspection) nodeImage() string {
	switch {
	case c.settings.NodeImage != "":
		return c.settings.NodeImage
	case c.site.lab:
		return lab.NodeImageName
	case c.kind != nil && len(c.kind.Nodes) > 0:
		return c.kind.Nodes[0].Image
	}
	return defaults.Image
}

func (c *cellInspection) nodes(ctx context.Context) {
	own := c.ownNodeImage()
	if own >= 0 && c.site.lab && c.settings.NodeImage == "" {
		c.in(&c.issues, fmt.Sprintf("the node image %s would be replaced by the lab's %s, because %s has no other; take image out, or use a running engine (machine: {kind: host} under settings)",
			c.kind.Nodes[own].Image, lab.NodeImageName, c.site.name), "nodes", strconv.Itoa(own), "image")
	}
	if ref := c.settings.NodeImage; ref != "" {
		file, at := c.where("nodeImage")
		c.image(ctx, ref, file, at, "the node image is "+ref, asNode)
	} else if !c.site.lab {
		for i, n := range c.kind.Nodes {
			file, at := c.kindAt("nodes", strconv.Itoa(i), "image")
			c.image(ctx, n.Image, file, at, "the node image is "+n.Image, asNode)
		}
	}
	leading := 0
	for i, n := range c.kind.Nodes {
		if n.Role == v1alpha4.ControlPlaneRole {
			leading++
		}
		if leading == 2 && c.settings.Cluster == trial.ClusterPrebooted {
			c.in(&c.issues, "cluster prebooted: several control planes do not find each other again once they were stopped; keep one, or write cluster: fresh", "nodes", strconv.Itoa(i))
			return
		}
		if leading == 2 && c.site.offline {
			c.in(&c.issues, fmt.Sprintf("for several control planes Kind needs the image of a load balancer, which %s does not have and cannot fetch; keep one%s", c.site.name, c.site.wayOut), "nodes", strconv.Itoa(i))
			return
		}
	}
}

// tagOfKubernetes is the tag of a node image, if it is a version of Kubernetes.
var tagOfKubernetes = regexp.MustCompile(`:v\d+\.\d+\.\d+`)

// dns inspects what dns quick needs. The version of a node image with another tag is
// known only in the trial.
func (c *cellInspection) dns() {
	if c.settings.DNS != trial.DNSQuick {
		return
	}
	if at := kindcluster.OwnPatches(c.kind); at != nil {
		c.in(&c.issues, "dns quick: kubeadm takes patches from one folder, and this one would take the place of stratbench's; take it out, or take dns out and add a patch of the target corednsdeployment to it", at...)
	}
	if c.settings.Cluster == trial.ClusterPrebooted && len(c.kind.Nodes) > 1 {
		c.at(&c.issues, "dns", "dns quick: CoreDNS gets the control plane's address, which may be another one when %d nodes are started again; write dns: default, or cluster: fresh", len(c.kind.Nodes))
	}
	if tag := tagOfKubernetes.FindString(c.nodeImage()); tag != "" {
		if err := kindcluster.CheckQuickDNS(tag[1:]); err != nil {
			c.at(&c.issues, "dns", "%v", err)
		}
	}
}

func (c *cellInspection) network() {
	n := c.kind.Networking
	labNode := c.site.lab && c.nodeImage() == lab.NodeImageName
	if n.DisableDefaultCNI && labNode {
		c.in(&c.warnings, "the lab's node image has a network of its own, which keeps carrying the traffic; a network that the manifests install beside it carries none", "networking", "disableDefaultCNI")
	}
	if labNode && n.IPFamily == v1alpha4.IPv6Family {
		c.in(&c.issues, "the lab's node image supports only IPv4; take ipFamily out, or use a running engine (machine: {kind: host} under settings)", "networking", "ipFamily")
	} else if labNode && n.IPFamily == v1alpha4.DualStackFamily {
		c.in(&c.warnings, "the lab's node image gives pods IPv4 addresses only", "networking", "ipFamily")
	}
	if n.KubeProxyMode == "none" && labNode {
		c.in(&c.warnings, "without kube-proxy no pod of the lab's cluster reaches a service, unless the manifests install a replacement", "networking", "kubeProxyMode")
	}
	if c.site.elsewhere != "" && !c.site.tunnel {
		address := net.ParseIP(n.APIServerAddress)
		if address == nil || address.IsLoopback() || address.IsUnspecified() {
			c.at(&c.issues, "runtime", "the %s engine at %s runs on another host: its cluster listens at that host's %s, which cannot be reached from here; name the engine by an ssh:// address, run stratbench on that host, or set networking.apiServerAddress and apiServerPort in the Kind configuration to an address of it that can and a port",
				c.settings.Runtime, c.site.elsewhere, n.APIServerAddress)
		}
	}
}

func (c *cellInspection) mountsInto(path string) bool {
	return slices.ContainsFunc(c.kind.Nodes, func(n v1alpha4.Node) bool {
		return slices.ContainsFunc(n.ExtraMounts, func(m v1alpha4.Mount) bool { return strings.HasPrefix(m.ContainerPath, path) })
	})
}

// mounts inspects the folders of the host that nodes mount.
func (c *cellInspection) mounts() {
	if c.site.elsewhere != "" {
		return
	}
	for i, n := range c.kind.Nodes {
		for j, m := range n.ExtraMounts {
			at := []string{"nodes", strconv.Itoa(i), "extraMounts", strconv.Itoa(j), "hostPath"}
			if _, err := os.Stat(m.HostPath); err == nil {
				if c.site.lab && !slices.ContainsFunc(c.r.binds(), func(bind string) bool { return isIn(bind, m.HostPath) }) {
					c.in(&c.issues, fmt.Sprintf("an isolated machine sees only the workload's folders, and %s is in none of them; move it beside the workload's file, or use a running engine (machine: {kind: host} under settings)", m.HostPath), at...)
				}
				continue
			}
			text := fmt.Sprintf("%s does not exist on this host", m.HostPath)
			if strings.Contains(m.HostPath, "${") || strings.Contains(m.HostPath, "$(") {
				text += ": variables are not replaced in Kind configurations; write the path out, relative to this file"
			} else {
				text += "; make it first, or correct the path, which counts from this file's folder, or from one above it in its repository"
			}
			if !c.site.lab && c.hooked(trial.PhaseCluster) && !strings.Contains(m.HostPath, "$") {
				c.in(&c.warnings, text+"; or the hook before cluster makes it", at...)
			} else if c.settings.Runtime == trial.Podman || c.site.lab {
				c.in(&c.issues, text, at...)
			} else {
				c.in(&c.warnings, text+" (docker would make an empty folder)", at...)
			}
		}
	}
}

// ports checks that the ports which the cluster publishes are free on this host, for the
// cluster itself or for the tunnel to it. An isolated machine has ports of its own.
func (c *cellInspection) ports() {
	if !c.site.sharesPorts {
		return
	}
	n := c.kind.Networking
	if n.APIServerPort > 0 {
		c.port("tcp", n.APIServerAddress, n.APIServerPort, "networking", "apiServerPort")
	}
	for i, node := range c.kind.Nodes {
		for j, m := range node.ExtraPortMappings {
			at := []string{"nodes", strconv.Itoa(i), "extraPortMappings", strconv.Itoa(j), "hostPort"}
			protocol := strings.ToLower(cmp.Or(string(m.Protocol), "tcp"))
			switch {
			case c.site.tunnel && (m.HostPort <= 0 || protocol != "tcp"):
				c.in(&c.warnings, fmt.Sprintf("the tunnel to %s carries only ports that are set here, and only TCP, so clients on this host do not find this one; set a hostPort, with TCP", c.site.elsewhere), at...)
			case m.HostPort > 0:
				c.port(protocol, m.ListenAddress, m.HostPort, at...)
			}
		}
	}
}

func (c *cellInspection) port(protocol, address string, port int32, path ...string) {
	if int(port) < c.site.lowestPort {
		c.in(&c.warnings, fmt.Sprintf("%s is rootless, and publishes port %d only if root lets it; choose a hostPort from %d on, or sudo sysctl net.ipv4.ip_unprivileged_port_start=%d",
			c.site.name, port, c.site.lowestPort, port), path...)
	}
	if c.site.inUse != "" {
		return // what listens there may be the cluster of a run that lives
	}
	at := net.JoinHostPort(address, strconv.Itoa(int(port)))
	if c.site.tunnel {
		if at = kindcluster.OnLoopback(address, port); at == "" {
			return // clients on this host reach it without the tunnel
		}
	}
	var l io.Closer
	var err error
	switch protocol {
	case "tcp":
		l, err = net.Listen("tcp", at)
	case "udp":
		l, err = net.ListenPacket("udp", at)
	}
	if l != nil {
		l.Close()
	}
	if c.site.tunnel && err != nil {
		c.in(&c.issues, fmt.Sprintf("the tunnel to %s must listen here at the port that the cluster publishes there, and cannot: %v; end what listens at it (ss -lntup shows it), choose another port (above 1023, except for root), or publish it at an address of that host which this host reaches", c.site.elsewhere, err), path...)
		return
	}
	if !errors.Is(err, syscall.EADDRINUSE) { // the engine need not have any other error
		return
	}
	text := fmt.Sprintf("port %d/%s of this host is taken, so the cluster cannot publish it; end what listens there (ss -lntup shows it), or choose another hostPort", port, protocol)
	if c.site.owes {
		c.in(&c.warnings, text+": it may be a cluster of a killed run of stratbench's, which a run removes first", path...)
		return
	}
	c.in(&c.issues, text, path...)
}

// mirrors checks that nodes reach the mirrors of registries. If not, they ask the registry
// itself, which takes longer and may fail, too.
func (c *cellInspection) mirrors(ctx context.Context) {
	if c.site.offline || c.site.elsewhere != "" {
		return // they reach none, or others than this host
	}
	for _, m := range kindcluster.Mirrors(c.kind, c.workload.KindConfig) {
		host := m.URL.Hostname()
		proxy, _ := http.ProxyFromEnvironment(&http.Request{URL: m.URL})
		if proxy != nil || strings.HasSuffix(host, ".internal") || c.brings(host) {
			continue // only containers may know it
		}
		why := "inside a node, this address is the node itself and not this host; write an address of this host that containers reach, unless a pod serves it there"
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			address := net.JoinHostPort(host, portOf(m.URL))
			err, asked := c.dialled[address]
			if !asked {
				var conn net.Conn
				dialer := net.Dialer{Timeout: askLimit}
				if conn, err = dialer.DialContext(ctx, "tcp", address); err == nil {
					conn.Close()
				}
				c.dialled[address] = err
			}
			switch dns, is := errors.AsType[*net.DNSError](err); {
			case err == nil:
				continue
			case is && dns.IsNotFound:
				why = fmt.Sprintf("no host of that name is known here, and each trial's cluster has a network of its own; bring it there by a hook after cluster ([sh, -c, \"%s network connect $STRATBENCH_CLUSTER %s\"]), or take the mirror out", c.settings.Runtime, host)
			default:
				why = fmt.Sprintf("it does not answer: %v; start it, correct the address, or take the mirror out", err)
			}
		}
		c.warnings.Add(m.File, m.At, "nodes may not reach the mirror %s: %s", m.URL, why)
	}
}

func portOf(u *url.URL) string {
	return cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
}

// brings reports whether a hook or a step of the deployment has to do with a host.
func (c *cellInspection) brings(host string) bool {
	steps := slices.Clone(c.workload.Deploy)
	for _, hook := range c.workload.Hooks {
		steps = append(steps, spec.Step{Command: hook.Before, Dir: c.workload.Dir}, spec.Step{Command: hook.After, Dir: c.workload.Dir})
	}
	return slices.ContainsFunc(steps, func(s spec.Step) bool {
		return len(s.Command) > 0 && c.mentions(host, s.Command, s.Env, s.Dir)
	})
}

// readyURLs checks that a node publishes the port of each local URL.
func (c *cellInspection) readyURLs() {
	for i, text := range c.workload.Ready.URLs {
		u, err := url.Parse(text)
		if err != nil {
			continue // loading has reported it
		}
		address := net.ParseIP(u.Hostname())
		if u.Hostname() != "localhost" && (address == nil || !address.IsLoopback()) {
			continue
		}
		port := portOf(u)
		if c.published(port) {
			continue
		}
		setting := fmt.Sprintf("workload.ready.urls.%d", i)
		problem := fmt.Sprintf("no node publishes port %s, so nothing answers at %s; add it to extraPortMappings in the Kind configuration", port, text)
		if c.site.lab {
			c.at(&c.issues, setting, "%s", problem)
		} else {
			c.at(&c.warnings, setting, "%s, unless something else of yours listens there", problem)
		}
	}
}

// mappedPorts warns of ports that nodes publish and at which nothing of the deployment
// answers, if a URL must answer there, or the deployment has another port that no node
// publishes. answered are the deployment's ports, nil if they are not known.
func (c *cellInspection) mappedPorts(answered map[int32]bool) {
	if answered == nil {
		return
	}
	left := maps.Clone(answered)
	for _, n := range c.kind.Nodes {
		for _, m := range n.ExtraPortMappings {
			delete(left, m.ContainerPort)
		}
	}
	delete(left, 0)
	for i, n := range c.kind.Nodes {
		for j, m := range n.ExtraPortMappings {
			awaited := slices.ContainsFunc(c.workload.Ready.URLs, func(text string) bool {
				u, err := url.Parse(text)
				return err == nil && m.HostPort > 0 && u.Port() == strconv.Itoa(int(m.HostPort))
			})
			if answered[m.ContainerPort] || !awaited && len(left) == 0 {
				continue
			}
			cure := "give a Service type: NodePort and this nodePort, or a pod this hostPort"
			if len(left) > 0 {
				cure = fmt.Sprintf("the deployment has %v, which no node publishes", slices.Sorted(maps.Keys(left)))
			}
			c.in(&c.warnings, fmt.Sprintf("no Service of the deployment has the nodePort %d, and no pod the hostPort, so nothing may answer at the host's port %d; %s", m.ContainerPort, m.HostPort, cure),
				"nodes", strconv.Itoa(i), "extraPortMappings", strconv.Itoa(j), "containerPort")
		}
	}
}

func (c *cellInspection) published(port string) bool {
	is := func(number int32) bool { return strconv.Itoa(int(number)) == port }
	return is(c.kind.Networking.APIServerPort) || slices.ContainsFunc(c.kind.Nodes, func(n v1alpha4.Node) bool {
		return slices.ContainsFunc(n.ExtraPortMappings, func(m v1alpha4.PortMapping) bool { return is(m.HostPort) })
	})
}
