package host

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/containerd/errdefs"
	dockerconfig "github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/context/docker"
	"github.com/docker/cli/cli/context/store"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
	"go.podman.io/common/pkg/config"
)

// configured returns the engine that the user has named for a runtime, or an Endpoint
// without an address.
func configured(runtime trial.Runtime) (runtimes.Endpoint, error) {
	named := os.Getenv(variable(runtime))
	switch {
	case runtime == trial.Docker && named != "":
		return dockerEnvironment(named)
	case runtime == trial.Docker:
		return dockerContext()
	case named != "":
		return runtimes.Endpoint{Runtime: runtime, Address: named, Identity: os.Getenv("CONTAINER_SSHKEY"), Source: variable(runtime)}, nil
	}
	return podmanConnection()
}

// dockerEnvironment interprets DOCKER_HOST and the variables for TLS as the docker command
// does.
func dockerEnvironment(address string) (runtimes.Endpoint, error) {
	e := runtimes.Endpoint{Runtime: trial.Docker, Address: address, Source: "DOCKER_HOST"}
	verify := os.Getenv("DOCKER_TLS_VERIFY") != ""
	if !verify && os.Getenv("DOCKER_TLS") == "" || !strings.HasPrefix(address, "tcp://") {
		return e, nil
	}
	dir := os.Getenv("DOCKER_CERT_PATH")
	if dir == "" {
		var err error
		if dir, err = dockerConfig(); err != nil {
			return e, err
		}
	}
	e.TLS = runtimes.TLS{CA: filepath.Join(dir, "ca.pem"), Cert: existing(dir, "cert.pem"), Key: existing(dir, "key.pem"), SkipVerify: !verify}
	return e, nil
}

// existing returns the path of a file, or nothing if it does not exist.
func existing(dir, name string) string {
	if path := filepath.Join(dir, name); exists(path) {
		return path
	}
	return ""
}

// dockerContext reads the context that the docker command would use.
func dockerContext() (runtimes.Endpoint, error) {
	dir, err := dockerConfig()
	if err != nil {
		return runtimes.Endpoint{}, err
	}
	name, by := os.Getenv("DOCKER_CONTEXT"), "DOCKER_CONTEXT"
	if name == "" {
		file, err := dockerconfig.Load(dir)
		if err != nil {
			return runtimes.Endpoint{}, fmt.Errorf("reading the docker configuration: %w; correct that file, or name the engine in DOCKER_HOST", err)
		}
		name, by = file.CurrentContext, file.Filename
	}
	if name == "" || name == "default" {
		return runtimes.Endpoint{}, nil
	}
	contexts := store.New(filepath.Join(dir, "contexts"), store.NewConfig(
		func() any { return &map[string]any{} },
		store.EndpointTypeGetter(docker.DockerEndpoint, func() any { return &docker.EndpointMeta{} })))
	meta, err := contexts.GetMetadata(name)
	if err != nil {
		if errdefs.IsNotFound(err) {
			err = errors.New("no context has that name")
		}
		return runtimes.Endpoint{}, fmt.Errorf("reading the docker context %q, which %s names: %w; there are: %s; choose one of them (docker context use, or DOCKER_CONTEXT)", name, by, err, contextNames(contexts))
	}
	of, err := docker.EndpointFromContext(meta)
	if err == nil && of.Host == "" {
		err = errors.New("it has no address")
	}
	if err != nil {
		return runtimes.Endpoint{}, fmt.Errorf("reading the docker context %q: %w; docker context inspect %s shows it", name, err, name)
	}
	files := filepath.Join(contexts.GetStorageInfo(name).TLSPath, docker.DockerEndpoint)
	return runtimes.Endpoint{Runtime: trial.Docker, Address: of.Host, Name: name, Source: "docker context " + name, TLS: runtimes.TLS{
		CA: existing(files, "ca.pem"), Cert: existing(files, "cert.pem"), Key: existing(files, "key.pem"), SkipVerify: of.SkipTLSVerify,
	}}, nil
}

// contextNames lists the existing contexts.
func contextNames(contexts store.Store) string {
	names := []string{"default"}
	all, err := contexts.List()
	if err != nil {
		return err.Error()
	}
	for _, c := range all {
		names = append(names, c.Name)
	}
	return strings.Join(names, ", ")
}

func dockerConfig() (string, error) {
	if dir := os.Getenv("DOCKER_CONFIG"); dir != "" {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("finding the docker configuration: %w; set HOME or DOCKER_CONFIG", err)
	}
	return filepath.Join(home, ".docker"), nil
}

// podmanConnection reads the connection that the podman command would use. On Linux the
// command ignores the default connection, and uses one only if it is named.
func podmanConnection() (runtimes.Endpoint, error) {
	settings, err := config.New(nil)
	if err != nil {
		return runtimes.Endpoint{}, fmt.Errorf("reading the podman configuration: %w; correct that file, or name the engine in CONTAINER_HOST", err)
	}
	all, err := settings.GetAllConnections()
	if err != nil {
		return runtimes.Endpoint{}, fmt.Errorf("reading the podman connections: %w; correct that file, or name the engine in CONTAINER_HOST", err)
	}
	wanted := os.Getenv("CONTAINER_CONNECTION")
	var names []string
	for _, c := range all {
		names = append(names, c.Name)
		if c.Name == wanted || wanted == "" && c.Default && runtime.GOOS != "linux" {
			return runtimes.Endpoint{Runtime: trial.Podman, Address: c.URI, Identity: c.Identity, Machine: c.IsMachine, Name: c.Name,
				TLS: runtimes.TLS{CA: c.TLSCA, Cert: c.TLSCert, Key: c.TLSKey}, Source: "podman connection " + c.Name}, nil
		}
	}
	if wanted != "" {
		there := "there is none; make one (podman system connection add), or unset CONTAINER_CONNECTION"
		if len(names) > 0 {
			there = "name one of these in CONTAINER_CONNECTION: " + strings.Join(names, ", ")
		}
		return runtimes.Endpoint{}, fmt.Errorf("CONTAINER_CONNECTION names the podman connection %q, which does not exist; %s", wanted, there)
	}
	return runtimes.Endpoint{}, nil
}

// sockets are the places where an engine listens by default: first the engine's own, then
// those of programs that run an engine in a virtual machine.
func sockets(r trial.Runtime) (engines []runtimes.Endpoint) {
	if runtime.GOOS == "windows" {
		pipe := map[trial.Runtime]string{trial.Docker: "npipe:////./pipe/docker_engine", trial.Podman: "npipe:////./pipe/podman-machine-default"}[r]
		return []runtimes.Endpoint{{Runtime: r, Address: pipe, Source: "the usual pipe"}}
	}
	home, _ := os.UserHomeDir()
	run, config := runtimeFolder(), cmp.Or(os.Getenv("XDG_CONFIG_HOME"), under(home, ".config"))
	type socket struct{ path, of string }
	places := []socket{
		{"/var/run/docker.sock", "the usual socket"}, {under(run, "docker.sock"), "the usual socket"},
		{under(home, ".docker/run/docker.sock"), "the usual socket"}, {under(home, ".docker/desktop/docker.sock"), "Docker Desktop"},
		{under(home, ".orbstack/run/docker.sock"), "OrbStack"}, {under(home, ".rd/docker.sock"), "Rancher Desktop"},
		{under(os.Getenv("COLIMA_HOME"), "default/docker.sock"), "Colima"}, {under(home, ".colima/default/docker.sock"), "Colima"},
		{under(config, "colima/default/docker.sock"), "Colima"}, {under(home, ".lima/docker/sock/docker.sock"), "Lima"},
	}
	if r == trial.Podman {
		places = []socket{
			{"/run/podman/podman.sock", "the usual socket"}, {under(run, "podman/podman.sock"), "the usual socket"},
			{under(os.TempDir(), "podman/podman-machine-default-api.sock"), "podman machine"},
		}
		if os.Geteuid() != 0 {
			places[0], places[1] = places[1], places[0]
		}
	}
	for _, p := range places {
		if p.path != "" {
			engines = append(engines, runtimes.Endpoint{Runtime: r, Address: "unix://" + p.path, Source: p.of})
		}
	}
	return engines
}

// runtimeFolder is the folder of a user's sockets. After su, and in cron jobs, the folder
// exists although the variable is not set.
func runtimeFolder() string {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" || os.Geteuid() == 0 {
		return dir
	}
	return fmt.Sprintf("/run/user/%d", os.Getuid())
}

func under(dir, path string) string {
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, path)
}
