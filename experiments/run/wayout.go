package run

import (
	"os"

	"go.podman.io/common/pkg/config"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/runtimes/connect"
	"github.com/stratbench/stratbench/runtimes/machine/isolated"
)

// wayOut is what an isolated machine with these settings needs to reach what
// this host reaches; nil keeps it in.
func wayOut(s spec.Settings) *isolated.WayOut {
	if s.Machine.Network != spec.NetworkHost {
		return nil
	}
	return &isolated.WayOut{
		Proxies: hostProxies(), Authorities: hostAuthorities(),
		ClientConfig: func(proxies map[string]string) ([]byte, error) { return connect.UserConfig(s.Runtime, proxies) },
	}
}

// hostProxies are the variables by which programs here find proxies.
func hostProxies() map[string]string {
	found := map[string]string{}
	for _, name := range append([]string{"all_proxy", "ALL_PROXY"}, config.ProxyEnv...) {
		if value := os.Getenv(name); value != "" {
			found[name] = value
		}
	}
	return found
}

// authoritiesSecret is the id under which every build can mount the file of
// the authorities that this host trusts, where a proxy's certificate is among
// them: RUN --mount=type=secret,id=ca-certificates,target=….
const authoritiesSecret = "ca-certificates"

// hostAuthorities is the file of the authorities that this host trusts, where
// the libraries of TLS look for it; empty is none.
func hostAuthorities() string {
	for _, path := range []string{
		os.Getenv("SSL_CERT_FILE"), "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
		"/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
	} {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
	}
	return ""
}

// argsFromEnvironment are the build arguments that the settings take from the
// environment.
func argsFromEnvironment(s spec.Settings) map[string]string {
	found := map[string]string{}
	for _, name := range s.Build.ArgsFromEnvironment {
		if value, ok := os.LookupEnv(name); ok {
			found[name] = value
		}
	}
	return found
}
