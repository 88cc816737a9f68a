package host

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/stratbench/stratbench/internal/trial"
	"go.podman.io/common/pkg/config"
)

// dockerContext reads the context that the docker command would use. Nothing
// set is an empty Engine.
func dockerContext() (Engine, error) {
	dir, err := dockerConfig()
	if err != nil {
		return Engine{}, err
	}
	name := os.Getenv("DOCKER_CONTEXT")
	if name == "" {
		var file struct{ CurrentContext string }
		if err := readJSON(filepath.Join(dir, "config.json"), &file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return Engine{}, err
		}
		name = file.CurrentContext
	}
	if name == "" || name == "default" {
		return Engine{}, nil
	}
	return namedContext(dir, name)
}

func namedContext(dir, name string) (Engine, error) {
	// The docker command names the folder of a context after a hash of its name.
	sum := sha256.Sum256([]byte(name))
	var meta struct {
		Endpoints map[string]struct{ Host string }
	}
	path := filepath.Join(dir, "contexts", "meta", hex.EncodeToString(sum[:]), "meta.json")
	if err := readJSON(path, &meta); err != nil {
		return Engine{}, fmt.Errorf("reading the docker context %q; docker context ls lists those there are: %w", name, err)
	}
	host := meta.Endpoints["docker"].Host
	if host == "" {
		return Engine{}, fmt.Errorf("the docker context %q has no address; docker context inspect %s shows it", name, name)
	}
	return Engine{Runtime: trial.Docker, Endpoint: host, Source: "docker context " + name}, nil
}

func dockerConfig() (string, error) {
	if dir := os.Getenv("DOCKER_CONFIG"); dir != "" {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("finding the docker configuration: %w", err)
	}
	return filepath.Join(home, ".docker"), nil
}

func readJSON(path string, v any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	return nil
}

// podmanConnection reads the connection that podman would use as a remote
// client. Nothing set is an empty Engine.
func podmanConnection() (Engine, error) {
	settings, err := config.New(nil)
	if err != nil {
		return Engine{}, fmt.Errorf("reading the podman configuration: %w", err)
	}
	all, err := settings.GetAllConnections()
	if err != nil {
		return Engine{}, fmt.Errorf("reading the podman connections: %w", err)
	}
	wanted := os.Getenv("CONTAINER_CONNECTION")
	for _, c := range all {
		if c.Name == wanted || wanted == "" && c.Default {
			return Engine{Runtime: trial.Podman, Endpoint: c.URI, Identity: c.Identity, Source: "podman connection " + c.Name}, nil
		}
	}
	if wanted != "" {
		return Engine{}, fmt.Errorf("CONTAINER_CONNECTION names the podman connection %q, which does not exist; podman system connection list lists those there are", wanted)
	}
	return Engine{}, nil
}

// sockets are where engines listen when nothing says otherwise.
func sockets(r trial.Runtime) []Engine {
	home, _ := os.UserHomeDir()
	run := os.Getenv("XDG_RUNTIME_DIR")
	paths := []string{"/var/run/docker.sock", under(run, "docker.sock"), under(home, ".docker/run/docker.sock")}
	pipe := "npipe:////./pipe/docker_engine"
	if r == trial.Podman {
		paths = []string{"/run/podman/podman.sock", under(run, "podman/podman.sock")}
		pipe = "npipe:////./pipe/podman-machine-default"
		if os.Geteuid() != 0 {
			paths[0], paths[1] = paths[1], paths[0]
		}
	}
	if runtime.GOOS == "windows" {
		return []Engine{{Runtime: r, Endpoint: pipe, Source: "the usual pipe"}}
	}
	var engines []Engine
	for _, p := range paths {
		if p != "" {
			engines = append(engines, Engine{Runtime: r, Endpoint: "unix://" + p, Source: "the usual socket"})
		}
	}
	return engines
}

func under(dir, path string) string {
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, path)
}
