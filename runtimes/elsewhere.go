package runtimes

import (
	"net"
	"net/url"
)

// Elsewhere is the host that the engine runs on when its address says that it
// is another than this one, and "" otherwise. An address of this host may
// still be a tunnel to another.
func (e Endpoint) Elsewhere() string {
	u, err := url.Parse(e.Address)
	if err != nil {
		return ""
	}
	switch u.Scheme {
	case "tcp", "http", "https", "ssh":
	default:
		return ""
	}
	host := u.Hostname()
	addresses, err := net.LookupIP(host)
	if err != nil {
		return host
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return ""
	}
	for _, address := range addresses {
		if address.IsLoopback() || address.IsUnspecified() {
			return ""
		}
		for _, o := range own {
			if n, ok := o.(*net.IPNet); ok && n.IP.Equal(address) {
				return ""
			}
		}
	}
	return host
}
