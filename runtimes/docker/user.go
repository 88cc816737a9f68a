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
	"github.com/moby/buildkit/session/auth"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	rpcstatus "google.golang.org/grpc/status"
)

// userConfig reads the docker command's configuration: logins, credential helpers,
// and proxies for builds. It is empty for a user without one.
func userConfig() (*configfile.ConfigFile, error) {
	file, err := config.Load(os.Getenv(config.EnvOverrideConfigDir))
	if err != nil {
		return nil, fmt.Errorf("reading the docker command's configuration: %w; correct the file, or name another folder in DOCKER_CONFIG", err)
	}
	return file, nil
}

// UserConfig returns a configuration with which the docker command acts as the user
// in a place without the user's credential helpers: it contains all logins. proxies
// are that place's environment variables; they apply unless the user has configured
// proxies for builds.
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

// UserProxies returns the addresses of the proxies that the user has configured for
// builds: none, if the configuration cannot be read.
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

// either returns a variable that may be written in lower or upper case.
func either(env map[string]string, name string) string {
	return cmp.Or(env[name], env[strings.ToUpper(name)])
}

// login returns the user's login to the registry of an image, encoded for a request.
// Without a login it is an encoded empty one, because engines refuse to push without
// any.
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
		host = "https://index.docker.io/v1/" // where the docker command stores that login
	}
	found, err := file.GetAuthConfig(host)
	if err != nil {
		return "", fmt.Errorf("finding the login to %s: %w", host, err)
	}
	return registry.EncodeAuthConfig(registry.AuthConfig(found))
}

// loginsOnDemand answers BuildKit's requests for a login.
type loginsOnDemand struct{ auth.AuthServer }

func (l loginsOnDemand) Register(server *grpc.Server) { auth.RegisterAuthServer(server, l) }

// GetTokenAuthority refuses to share tokens between builds, because for that the
// provider would write a file into the user's configuration.
func (l loginsOnDemand) GetTokenAuthority(context.Context, *auth.GetTokenAuthorityRequest) (*auth.GetTokenAuthorityResponse, error) {
	return nil, rpcstatus.Error(codes.Unavailable, "no tokens are shared")
}
