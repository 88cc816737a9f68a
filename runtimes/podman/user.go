package podman

import (
	"fmt"
	"maps"
	"net/http"
	"os"

	"github.com/containers/podman/v5/pkg/auth"
	"github.com/docker/cli/cli/config/configfile"
	dockertypes "github.com/docker/cli/cli/config/types"
	commonauth "go.podman.io/common/pkg/auth"
	"go.podman.io/common/pkg/config"
	imageauth "go.podman.io/image/v5/pkg/docker/config"
	"go.podman.io/image/v5/types"
)

// authFile is where the podman command looks for logins when the environment
// names a file. Without one it is empty, and the libraries look in the user's
// runtime and configuration folders, and in those of docker.
func authFile() string { return commonauth.GetDefaultAuthFile() }

// logins are all the logins that the user has, as a build's request carries
// them.
func logins() (http.Header, error) {
	header, err := auth.MakeXRegistryConfigHeader(&types.SystemContext{AuthFilePath: authFile()}, "", "")
	if err != nil {
		return nil, fmt.Errorf("finding the logins to registries: %w", err)
	}
	if header == nil {
		header = http.Header{}
	}
	return header, nil
}

// UserConfig is a configuration with which podman is the user where it cannot
// ask the user's credential helpers: with all logins in it. Its format is that
// of docker's, which both read.
func UserConfig() (*configfile.ConfigFile, error) {
	all, err := imageauth.GetAllCredentials(&types.SystemContext{AuthFilePath: authFile()})
	if err != nil {
		return nil, fmt.Errorf("finding the logins to registries: %w", err)
	}
	there := configfile.New("")
	for registry, found := range all {
		there.AuthConfigs[registry] = dockertypes.AuthConfig{
			Username: found.Username, Password: found.Password, IdentityToken: found.IdentityToken,
		}
	}
	return there, nil
}

// buildArgs are those of the build, and the proxies of this process's
// environment: the podman command on the service's own machine hands its own
// on. The service hands on only what its environment has.
func (e *Engine) buildArgs(args map[string]string) map[string]string {
	if !e.local {
		return args
	}
	all := map[string]string{}
	for _, name := range config.ProxyEnv {
		if value := os.Getenv(name); value != "" {
			all[name] = value
		}
	}
	maps.Copy(all, args)
	return all
}
