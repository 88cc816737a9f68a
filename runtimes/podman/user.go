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

// authFile is the file of logins that the environment names to the podman command. If
// it is empty, the libraries look in the user's runtime and configuration folders, and
// in docker's.
func authFile() string { return commonauth.GetDefaultAuthFile() }

// logins returns all of the user's logins, encoded for a build's request.
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

// UserConfig returns a configuration with which podman acts as the user in a place
// without the user's credential helpers: it contains all logins. It has docker's
// format, which both read.
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

// buildArgs are the build's arguments and the proxies in this process's environment.
// The podman command passes its own proxies on when the service is on its machine; the
// service passes on only those of its own environment.
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
