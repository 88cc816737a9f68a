package enginetest

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
)

// user has a home of their own, a name and a password.
type user struct{ home, name, password string }

// newUser makes the test run as a user who has configured nothing.
func newUser(t *testing.T) user {
	t.Helper()
	u := user{home: t.TempDir(), name: "reader", password: "secret-" + rand.Text()}
	must(t, os.Mkdir(filepath.Join(u.home, "run"), 0o700))
	// The libraries of both engines read HOME once in a process.
	for name, value := range map[string]string{
		"HOME": u.home, "DOCKER_CONFIG": "", "DOCKER_AUTH_CONFIG": "", "REGISTRY_AUTH_FILE": "",
		"XDG_RUNTIME_DIR": filepath.Join(u.home, "run"), "XDG_CONFIG_HOME": filepath.Join(u.home, ".config"),
		"HTTP_PROXY": "", "http_proxy": "", "HTTPS_PROXY": "", "https_proxy": "", "NO_PROXY": "", "no_proxy": "",
		"FTP_PROXY": "", "ftp_proxy": "",
	} {
		t.Setenv(name, value)
	}
	return u
}

func (u user) basic() string {
	return base64.StdEncoding.EncodeToString([]byte(u.name + ":" + u.password))
}

// keep writes the user's login to the registry to a file, as a command would, and
// returns its path.
func (u user) keep(t *testing.T, path, registry string) string {
	t.Helper()
	path = filepath.Join(u.home, path)
	write(t, path, fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, registry, u.basic()))
	return path
}

// helper installs a credential helper that knows the user's login, and names it for the
// registry in a configuration of the docker command.
func (u user) helper(t *testing.T, registry string) (folder string) {
	t.Helper()
	bin := filepath.Join(u.home, "bin")
	write(t, filepath.Join(bin, "docker-credential-enginetest"), fmt.Sprintf("#!/bin/sh\ncat > /dev/null\n"+
		`echo '{"ServerURL": "%s", "Username": "%s", "Secret": "%s"}'`+"\n", registry, u.name, u.password))
	must(t, os.Chmod(filepath.Join(bin, "docker-credential-enginetest"), 0o755))
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	folder = filepath.Join(u.home, "docker-with-helper")
	write(t, filepath.Join(folder, "config.json"), fmt.Sprintf(`{"credHelpers": {%q: "enginetest"}}`, registry))
	return folder
}

// logins pushes to, pulls from and builds on a registry that requires a login, which the
// user has, one after the other, in each place where the engine's command looks.
func (s suite) logins(t *testing.T) {
	u := newUser(t)
	address := s.servePrivate(t, u)
	ref := address + "/enginetest/private:1"
	s.remove(t, ref)
	must(t, s.Engine.Tag(within(t), baseImage, ref))
	s.refused(t, "pushing", s.Engine.Push(within(t), ref, true, io.Discard))
	s.refused(t, "pulling", s.pull(t, ref))
	must(t, s.Engine.Remove(within(t), ref))
	s.refused(t, "building", s.buildOn(t, ref, "nobody"))

	type place struct {
		name string
		of   []trial.Runtime
		set  func(t *testing.T)
	}
	both := trial.Runtimes()
	podman := []trial.Runtime{trial.Podman}
	for _, p := range []place{
		{"DOCKER_CONFIG", both, func(t *testing.T) {
			t.Setenv("DOCKER_CONFIG", filepath.Dir(u.keep(t, "elsewhere/config.json", address)))
		}},
		{"credential helper", both, func(t *testing.T) { t.Setenv("DOCKER_CONFIG", u.helper(t, address)) }},
		{"REGISTRY_AUTH_FILE", podman, func(t *testing.T) { t.Setenv("REGISTRY_AUTH_FILE", u.keep(t, "mine.json", address)) }},
		{"XDG_RUNTIME_DIR", podman, func(t *testing.T) { u.keep(t, "run/containers/auth.json", address) }},
		{"~/.config", podman, func(t *testing.T) { u.keep(t, ".config/containers/auth.json", address) }},
	} {
		if !slices.Contains(p.of, s.Endpoint.Runtime) {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			t.Cleanup(func() {
				must(t, os.RemoveAll(filepath.Join(u.home, "run/containers")))
				must(t, os.RemoveAll(filepath.Join(u.home, ".config")))
			})
			p.set(t)
			must(t, s.Engine.Tag(within(t), baseImage, ref))
			must(t, s.Engine.Push(within(t), ref, true, io.Discard))
			must(t, s.Engine.Remove(within(t), ref))
			must(t, s.buildOn(t, ref, strings.NewReplacer("/", "", "~", "", ".", "", " ", "-").Replace(strings.ToLower(p.name))))
			must(t, s.pull(t, ref))
			must(t, s.Engine.Remove(within(t), ref))
		})
	}
}

func (s suite) pull(t *testing.T, ref string) error {
	_, err := s.Engine.Pull(within(t), ref, true, io.Discard)
	return err
}

func (s suite) buildOn(t *testing.T, base, name string) error {
	_, _, err := s.tryBuild(t, runtimes.Build{
		Tag: s.own(t, "on-private-"+name), NoCache: true, Context: folder(t, "FROM "+base+"\nRUN [\"/probe\", \"env\", \"HOME\"]\n"),
	})
	return err
}

// refusals are the words in which clients report that a registry refused access.
var refusals = []string{"unauthorized", "authentication required", "no basic auth credentials", "denied"}

// refused checks that the registry refused access.
func (s suite) refused(t *testing.T, what string, err error) {
	t.Helper()
	t.Log(err)
	if err == nil {
		t.Errorf("%s without a login succeeded", what)
		return
	}
	text := strings.ToLower(err.Error())
	if !slices.ContainsFunc(refusals, func(words string) bool { return strings.Contains(text, words) }) {
		t.Errorf("%s without a login: %v, want a refusal", what, err)
	}
}

// servePrivate serves a registry without TLS that only the user may use.
func (s suite) servePrivate(t *testing.T, u user) string {
	handler := emptyRegistry()
	return s.serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Basic "+u.basic() {
			w.Header().Set("WWW-Authenticate", `Basic realm="enginetest"`)
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]}`)
			return
		}
		handler.ServeHTTP(w, r)
	}))
}

func emptyRegistry() http.Handler { return registry.New(registry.Logger(log.New(io.Discard, "", 0))) }

// serve serves where the engine reaches it, until the test ends.
func (s suite) serve(t *testing.T, handler http.Handler) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", net.JoinHostPort(s.RegistryHost, "0"))
	must(t, err)
	server := &http.Server{Handler: handler}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return listener.Addr().String()
}

// proxied lets a build fetch something from a host that only a proxy knows. The user has
// configured the proxy for the engine's command, with a password, which must not become
// part of the image.
func (s suite) proxied(t *testing.T) {
	u := newUser(t)
	proxy, asked := s.serveProxy(t, u)
	address := "http://" + u.name + ":" + u.password + "@" + proxy
	switch s.Endpoint.Runtime {
	case trial.Docker:
		write(t, filepath.Join(u.home, ".docker/config.json"),
			fmt.Sprintf(`{"proxies": {"default": {"httpProxy": %q}}}`, address))
		t.Setenv("DOCKER_CONFIG", filepath.Join(u.home, ".docker"))
	case trial.Podman:
		t.Setenv("HTTP_PROXY", address)
		t.Setenv("http_proxy", address)
	}
	tag := s.own(t, "proxied")
	r, _ := s.mustBuild(t, runtimes.Build{Tag: tag, NoCache: true, Context: folder(t,
		"FROM "+baseImage+"\nRUN [\"/probe\", \"get\", \"http://host.invalid/greeting\"]\nRUN [\"/probe\", \"write\", \"/done\", \"yes\"]\n")})
	before := asked.Load()
	if !strings.Contains(r.output.String(), "good day") || before == 0 {
		t.Errorf("the proxy was asked %d times; output:\n%s", before, r.output.String())
	}
	path := filepath.Join(t.TempDir(), "proxied.tar")
	s.save(t, path, []string{tag})
	text, err := os.ReadFile(path)
	must(t, err)
	if strings.Contains(string(text), u.password) {
		t.Error("the proxy's password is in the image")
	}

	_, _, err = s.tryBuild(t, runtimes.Build{Tag: tag, NoCache: true, Context: folder(t,
		"FROM "+baseImage+"\nRUN [\"/probe\", \"get\", \"http://host.invalid/greeting\"]\n"),
		Args: map[string]string{"HTTP_PROXY": "", "http_proxy": ""}})
	if err == nil || asked.Load() != before {
		t.Errorf("the build's own argument, which names no proxy, did not win: %v, asked %d times", err, asked.Load()-before)
	}
}

// serveProxy serves what looks like an HTTP proxy that requires the user's name and
// password. It answers for every host itself, so also for host.invalid.
func (s suite) serveProxy(t *testing.T, u user) (address string, asked *atomic.Int64) {
	asked = &atomic.Int64{}
	return s.serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Proxy-Authorization") != "Basic "+u.basic() {
			w.Header().Set("Proxy-Authenticate", "Basic")
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		asked.Add(1)
		fmt.Fprintln(w, "good day")
	})), asked
}

// download lets a build fetch something over TLS from this host's module proxy: with a
// name that the engine's machine can resolve, and with the host's certificates as a
// secret. The proxy's address is an argument, so that no file contains it.
func (s suite) download(t *testing.T) {
	modules, err := exec.Command("go", "env", "GOPROXY").Output()
	must(t, err)
	proxy, _, _ := strings.Cut(strings.TrimSpace(string(modules)), ",")
	if !strings.Contains(proxy, "://") {
		Missing(t, "this host uses no module proxy")
	}
	const mounted = "/etc/ssl/certs/ca-certificates.crt"
	r, _ := s.mustBuild(t, runtimes.Build{
		Tag: s.own(t, "download"), NoCache: true, Args: map[string]string{"MODULES": strings.TrimSuffix(proxy, "/")},
		Secrets: map[string]string{"ca-certificates": hostAuthorities()},
		Context: folder(t, "FROM "+baseImage+"\nARG MODULES\n"+
			"RUN --mount=type=secret,id=ca-certificates,target="+mounted+` ["/probe", "get-from", "MODULES", "/golang.org/x/sync/@v/v0.1.0.info"]`+"\n"+
			"COPY . /sent\n"+`RUN ["/probe", "list", "/sent"]`+"\n"),
	})
	output := r.output.String()
	if !strings.Contains(output, "200 OK") || !strings.Contains(output, `"v0.1.0"`) {
		t.Errorf("the build fetched:\n%s", output)
	}
	if !strings.Contains(output, "found /sent/Dockerfile") || strings.Contains(output, "found /sent/.stratbench-secret") {
		t.Errorf("the context must be in the image, and the secret must not:\n%s", output)
	}
}
