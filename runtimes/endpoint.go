package runtimes

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/docker/go-connections/sockets"
	"github.com/docker/go-connections/tlsconfig"

	"github.com/stratbench/stratbench/internal/trial"
)

// Endpoint is where an engine listens and what a client needs to connect there. Two
// endpoints are equal if all of that is equal.
type Endpoint struct {
	Runtime trial.Runtime `json:"runtime"`
	// Address is a URL: "unix:///run/docker.sock", "tcp://docker:2376",
	// "ssh://user@host/path", "npipe:////./pipe/docker_engine".
	Address string `json:"address"`
	// TLS is what a tcp address with TLS needs, or empty.
	TLS TLS `json:"tls"`
	// Identity is the key file for an ssh address. Machine is true if the address is
	// a podman machine's, whose host key nobody checks.
	Identity string `json:"identity,omitempty"`
	Machine  bool   `json:"machine,omitempty"`
	// Name is the docker context or the podman connection that has the
	// address, or empty.
	Name string `json:"name,omitempty"`
	// Native is true if the engine's own command works on the engine's store
	// directly, without a variable that names the engine: a Podman of this user.
	Native bool `json:"native,omitempty"`
	// Source is where the address was found: "DOCKER_HOST", "docker context colima".
	Source string `json:"source,omitempty"`
}

// TLS names the files of a TLS connection.
type TLS struct {
	// CA is the file of the authority that must have signed the engine's
	// certificate; if empty, the system's authorities count.
	CA string `json:"ca,omitempty"`
	// Cert and Key identify the client; both may be empty.
	Cert string `json:"cert,omitempty"`
	Key  string `json:"key,omitempty"`
	// SkipVerify accepts any certificate.
	SkipVerify bool `json:"skip_verify,omitempty"`
}

// String returns the address and where it was found, for people.
func (e Endpoint) String() string {
	if e.Source == "" {
		return e.Address
	}
	return fmt.Sprintf("%s (%s)", e.Address, e.Source)
}

// clientVariables name an engine to the engines' own commands.
var clientVariables = map[trial.Runtime][]string{
	trial.Docker: {"DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"},
	trial.Podman: {"CONTAINER_HOST", "CONTAINER_CONNECTION", "CONTAINER_SSHKEY"},
}

// Environ returns env with the variables that make the engine's own command use this
// engine and no other.
func (e Endpoint) Environ(env []string) []string {
	env = slices.DeleteFunc(slices.Clone(env), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains(clientVariables[e.Runtime], name)
	})
	switch {
	case e.Native:
		return env
	case e.Runtime == trial.Docker && e.Name != "":
		return append(env, "DOCKER_CONTEXT="+e.Name)
	case e.Runtime == trial.Docker:
		env = append(env, "DOCKER_HOST="+e.Address)
		if e.TLS == (TLS{}) {
			return env
		}
		env = append(env, "DOCKER_TLS=1", "DOCKER_CERT_PATH="+filepath.Dir(e.TLS.CA))
		if !e.TLS.SkipVerify {
			env = append(env, "DOCKER_TLS_VERIFY=1")
		}
		return env
	case e.Name != "":
		return append(env, "CONTAINER_CONNECTION="+e.Name)
	}
	env = append(env, "CONTAINER_HOST="+e.Address)
	if e.Identity != "" {
		env = append(env, "CONTAINER_SSHKEY="+e.Identity)
	}
	return env
}

// API returns the base URL of the engine's API over the endpoint's transport.
func (e Endpoint) API() (*url.URL, error) {
	scheme, _, ok := strings.Cut(e.Address, "://")
	if !ok {
		return nil, fmt.Errorf("%q is not the address of an engine: it has no scheme; write unix:///path, tcp://host:port or ssh://user@host", e.Address)
	}
	switch scheme {
	case "ssh":
		if _, err := url.Parse(e.Address); err != nil {
			return nil, fmt.Errorf("reading the address of the %s engine: %w; write ssh://user@host or ssh://user@host:port", e.Runtime, err)
		}
		fallthrough
	case "unix", "npipe":
		return &url.URL{Scheme: "http", Host: "engine"}, nil // the transport knows the address
	case "tcp", "http", "https":
	default:
		return nil, fmt.Errorf("no engine can be reached at %s: the scheme must be unix, npipe, tcp or ssh", e.Address)
	}
	api, err := url.Parse(strings.TrimSuffix(e.Address, "/"))
	if err != nil {
		return nil, fmt.Errorf("reading the address of the %s engine: %w; write tcp://host:port", e.Runtime, err)
	}
	if api.Scheme = "http"; e.TLS != (TLS{}) {
		api.Scheme = "https"
	}
	return api, nil
}

// Transport returns a new transport to the engine, which the caller may change.
func (e Endpoint) Transport() (*http.Transport, error) {
	if _, err := e.API(); err != nil {
		return nil, err
	}
	transport := &http.Transport{}
	scheme, address, _ := strings.Cut(e.Address, "://")
	if scheme == "ssh" {
		return transport, e.overSSH(transport)
	}
	if err := sockets.ConfigureTransport(transport, scheme, address); err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", e, err)
	}
	if e.TLS == (TLS{}) {
		return transport, nil
	}
	config, err := tlsconfig.Client(tlsconfig.Options{
		CAFile: e.TLS.CA, CertFile: e.TLS.Cert, KeyFile: e.TLS.Key, InsecureSkipVerify: e.TLS.SkipVerify, ExclusiveRootPools: true,
	})
	if err != nil {
		return nil, fmt.Errorf("reading the certificates for %s: %w; correct the files (DOCKER_CERT_PATH, or those of the context), or name another engine", e, err)
	}
	transport.TLSClientConfig = config
	return transport, nil
}

// Elsewhere returns the engine's host if the address names another host than this
// one, and "" otherwise. An address of this host may still be a tunnel to another.
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
