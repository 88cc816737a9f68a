package isolated

import (
	"maps"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// WayOut lets a machine reach what the host reaches. A machine without one
// reaches its runner and nothing else.
type WayOut struct {
	// Proxies are the variables by which programs on the host find its proxies,
	// such as HTTPS_PROXY. The engine and its clients get them.
	Proxies map[string]string
	// Authorities is the host's file of certificates of authorities, or empty.
	Authorities string
	// ClientConfig makes what clients find as the docker command's config.json:
	// the user's logins, and the proxies as the machine reaches them. It is kept
	// in the machine's memory and on no disk.
	ClientConfig func(proxies map[string]string) ([]byte, error)
}

// userFolder holds ClientConfig. It is below /run, which is in memory.
const userFolder = "/run/stratbench/user"

// environment is what the machine's engine needs to get out, and its clients.
func (w *WayOut) environment(l link) []string {
	if w == nil {
		return nil
	}
	proxies, _ := reachable(w.Proxies, l)
	var env []string
	for _, name := range slices.Sorted(maps.Keys(proxies)) {
		env = append(env, name+"="+proxies[name])
	}
	if w.Authorities != "" {
		env = append(env, "SSL_CERT_FILE="+w.Authorities)
	}
	return env
}

// clientEnvironment is what clients need beside that to be the user.
func (w *WayOut) clientEnvironment() []string {
	if w == nil || w.ClientConfig == nil {
		return nil
	}
	return []string{"DOCKER_CONFIG=" + userFolder, "REGISTRY_AUTH_FILE=" + userFolder + "/config.json"}
}

// reachable changes the host's proxies to what they are in a machine. One that
// listens on the host's own loopback address is reached at the runner's end of
// the link; forwards say from where to where. The runner itself, and what is on
// the machine, is never asked for through a proxy.
func reachable(proxies map[string]string, l link) (inside, forwards map[string]string) {
	inside, forwards = map[string]string{}, map[string]string{}
	for name, value := range proxies {
		if strings.EqualFold(name, "no_proxy") {
			continue
		}
		if at, err := url.Parse(value); err == nil && isLoopback(at.Hostname()) && at.Port() != "" {
			from := net.JoinHostPort(l.host.String(), at.Port())
			forwards[from] = at.Host
			at.Host = from
			value = at.String()
		}
		inside[name] = value
	}
	if len(inside) == 0 {
		return inside, forwards
	}
	for _, name := range []string{"NO_PROXY", "no_proxy"} {
		inside[name] = strings.TrimPrefix(proxies[name]+",localhost,127.0.0.0/8,"+bench.String(), ",")
	}
	return inside, forwards
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
