package kindcluster

import (
	"cmp"
	"fmt"
	"net"
	"strconv"

	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
)

// WithAPIServerPort is a patch with which the API server is published at this port of the
// engine's host.
func WithAPIServerPort(port int32) string {
	return fmt.Sprintf("kind: %s\napiVersion: %s\nnetworking: {apiServerPort: %d}\n", kind, apiVersion, port)
}

// OnLoopback returns the address of the loopback interface at which something answers that
// is published at an address and port of the same host. It is empty if none does.
func OnLoopback(address string, port int32) string {
	ip := net.ParseIP(cmp.Or(address, "0.0.0.0"))
	switch {
	case ip.Equal(net.IPv4zero):
		ip = net.IPv4(127, 0, 0, 1)
	case ip.Equal(net.IPv6zero):
		ip = net.IPv6loopback
	case !ip.IsLoopback():
		return ""
	}
	return net.JoinHostPort(ip.String(), strconv.Itoa(int(port)))
}

// Tunnelled lists the addresses that a tunnel to the engine's host must carry, so that
// clients here find what the cluster publishes on that host's loopback interface. Ports
// that the configuration leaves open, and those of other protocols than TCP, are not in
// it.
func Tunnelled(config *v1alpha4.Cluster) (addresses []string) {
	add := func(address string, port int32) {
		if at := OnLoopback(address, port); at != "" && port > 0 {
			addresses = append(addresses, at)
		}
	}
	add(config.Networking.APIServerAddress, config.Networking.APIServerPort)
	for _, node := range config.Nodes {
		for _, m := range node.ExtraPortMappings {
			if cmp.Or(m.Protocol, v1alpha4.PortMappingProtocolTCP) == v1alpha4.PortMappingProtocolTCP {
				add(m.ListenAddress, m.HostPort)
			}
		}
	}
	return addresses
}
