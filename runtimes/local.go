package runtimes

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// Local reports whether a port that the engine publishes at a loopback address
// is reached at this host's, as far as can be known without publishing one.
// Kind clusters, whose API is published so, are out of reach otherwise.
func (e Endpoint) Local(ctx context.Context) bool {
	scheme, socket, _ := strings.Cut(e.Address, "://")
	switch scheme {
	case "npipe":
		return true
	case "unix":
		return !foreign(ctx, socket) || e.bridgeIsHere(ctx)
	}
	at, err := url.Parse(e.Address)
	return err == nil && isHere(ctx, at.Hostname())
}

// isHere reports whether a host's name or address is one of this host's.
func isHere(ctx context.Context, host string) bool {
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return false
	}
	for _, a := range addresses {
		if a.IsLoopback() || isOurs(a) {
			return true
		}
	}
	return false
}

func isOurs(address netip.Addr) bool {
	ours, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, o := range ours {
		if prefix, err := netip.ParsePrefix(o.String()); err == nil && prefix.Addr() == address.Unmap() {
			return true
		}
	}
	return false
}

// bridgeIsHere reports whether the engine's own network begins at an interface
// of this host's: a container in the host's network sees no process of an
// engine whose socket is mounted in it, and shares its loopback address.
func (e Endpoint) bridgeIsHere(ctx context.Context) bool {
	text, err := e.Ask(ctx, http.MethodGet, "/networks/bridge")
	var network struct {
		IPAM struct{ Config []struct{ Gateway string } }
	}
	if err != nil || json.Unmarshal(text, &network) != nil {
		return false
	}
	for _, c := range network.IPAM.Config {
		if gateway, err := netip.ParseAddr(c.Gateway); err == nil && isOurs(gateway) {
			return true
		}
	}
	return false
}
