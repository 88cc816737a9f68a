package docker

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"strings"

	"github.com/distribution/reference"
	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/docker/api/types/registry"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/auth"
	"github.com/moby/buildkit/session/auth/authprovider"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	rpcstatus "google.golang.org/grpc/status"
)

// userConfig reads the file in which the docker command keeps what it adds to
// requests: logins, credential helpers, and proxies for builds. A user without
// one has an empty one.
func userConfig() (*configfile.ConfigFile, error) {
	file, err := config.Load(os.Getenv(config.EnvOverrideConfigDir))
	if err != nil {
		return nil, fmt.Errorf("reading the docker command's configuration: %w", err)
	}
	return file, nil
}

// UserConfig is a configuration with which the docker command is the user where
// it cannot ask the user's credential helpers: with all logins in it. Proxies
// are those of the environment there; they serve where the user has named none
// for builds.
func UserConfig(proxies map[string]string) (*configfile.ConfigFile, error) {
	file, err := userConfig()
	if err != nil {
		return nil, err
	}
	all, err := file.GetAllCredentials()
	if err != nil {
		return nil, fmt.Errorf("finding the logins to registries: %w", err)
	}
	there := configfile.New("")
	there.AuthConfigs, there.Proxies = all, map[string]configfile.ProxyConfig{"default": {
		HTTPProxy: either(proxies, "http_proxy"), HTTPSProxy: either(proxies, "https_proxy"),
		FTPProxy: either(proxies, "ftp_proxy"), NoProxy: either(proxies, "no_proxy"), AllProxy: either(proxies, "all_proxy"),
	}}
	maps.Copy(there.Proxies, file.Proxies)
	return there, nil
}

// UserProxies are the addresses of the proxies that the user has set for
// builds. A configuration that cannot be read has none.
func UserProxies() (addresses []string) {
	file, err := userConfig()
	if err != nil {
		return nil
	}
	for _, p := range file.Proxies {
		addresses = append(addresses, p.HTTPProxy, p.HTTPSProxy, p.FTPProxy, p.AllProxy)
	}
	return addresses
}

// either is a variable of either spelling.
func either(env map[string]string, name string) string {
	return cmp.Or(env[name], env[strings.ToUpper(name)])
}

// dockerHub is the name under which a login to docker.io is kept.
const dockerHub = "https://index.docker.io/v1/"

// login is the user's login to the registry of an image, as a request carries
// it. Nobody's login is one as well: engines refuse to push without.
func login(ref string) (string, error) {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return "", err
	}
	file, err := userConfig()
	if err != nil {
		return "", err
	}
	host := reference.Domain(named)
	if host == "docker.io" {
		host = dockerHub
	}
	found, err := file.GetAuthConfig(host)
	if err != nil {
		return "", fmt.Errorf("finding the login to %s: %w", host, err)
	}
	return registry.EncodeAuthConfig(registry.AuthConfig(found))
}

// logins are all the logins that the user has. The classic builder cannot ask
// for the one that it needs.
func logins(file *configfile.ConfigFile) (map[string]registry.AuthConfig, error) {
	all, err := file.GetAllCredentials()
	if err != nil {
		return nil, fmt.Errorf("finding the logins to registries: %w", err)
	}
	out := make(map[string]registry.AuthConfig, len(all))
	for host, found := range all {
		out[host] = registry.AuthConfig(found)
	}
	return out, nil
}

// loginsOnDemand answers BuildKit when it asks for a login.
type loginsOnDemand struct{ auth.AuthServer }

func newLogins(file *configfile.ConfigFile) session.Attachable {
	provider := authprovider.NewDockerAuthProvider(authprovider.DockerAuthProviderConfig{ConfigFile: file})
	return loginsOnDemand{provider.(auth.AuthServer)}
}

func (l loginsOnDemand) Register(server *grpc.Server) { auth.RegisterAuthServer(server, l) }

// GetTokenAuthority declines to have tokens shared between builds. To do so,
// the provider would leave a file in the user's configuration.
func (l loginsOnDemand) GetTokenAuthority(context.Context, *auth.GetTokenAuthorityRequest) (*auth.GetTokenAuthorityResponse, error) {
	return nil, rpcstatus.Error(codes.Unavailable, "no tokens are shared")
}

// buildArgs are those of the build, and the proxies that the user has set for
// this engine, which the build's own arguments beat.
func (e *Engine) buildArgs(file *configfile.ConfigFile, args map[string]string) map[string]*string {
	return file.ParseProxyConfig(e.api.DaemonHost(), pointers(args))
}
