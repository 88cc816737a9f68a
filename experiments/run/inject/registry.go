package inject

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/stratbench/stratbench/experiments/spec"
)

// toxics is what the proxy before the registry does to its answers.
var toxics = map[spec.InjectionKind]string{
	// A kilobyte a second: manifests arrive, layers do not.
	spec.RegistrySlow:     `{"name": "slow", "type": "bandwidth", "stream": "downstream", "attributes": {"rate": 1}}`,
	spec.RegistryReset:    `{"name": "reset", "type": "reset_peer", "stream": "downstream", "attributes": {"timeout": 0}}`,
	spec.RegistryTruncate: `{"name": "truncate", "type": "limit_data", "stream": "downstream", "attributes": {"bytes": 150000}}`,
}

// Registry puts a fault before the registry at upstream. The engine uses the
// returned address, a port of host, until stop is called.
func Registry(do spec.InjectionKind, host, upstream string) (address string, stop func(), err error) {
	switch do {
	case spec.RegistryDown:
		l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			return "", nil, fmt.Errorf("finding a port for no registry: %w", err)
		}
		return l.Addr().String(), func() {}, l.Close() // nobody listens there any more
	case spec.Registry503:
		return unavailable(host)
	}
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	proxy := toxiproxy.NewProxy(server, "registry", net.JoinHostPort(host, "0"), upstream)
	if err := proxy.Start(); err != nil {
		return "", nil, fmt.Errorf("starting the proxy before the registry: %w", err)
	}
	if _, err := proxy.Toxics.AddToxicJson(strings.NewReader(toxics[do])); err != nil {
		proxy.Stop()
		return "", nil, fmt.Errorf("making the registry %s: %w", do, err)
	}
	return proxy.Listen, proxy.Stop, nil
}

// unavailable answers every request with 503, which the proxy cannot do.
func unavailable(host string) (string, func(), error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return "", nil, fmt.Errorf("starting a registry that is unavailable: %w", err)
	}
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "the registry is down for maintenance", http.StatusServiceUnavailable)
	})}
	go server.Serve(l)
	return l.Addr().String(), func() { server.Close() }, nil
}
