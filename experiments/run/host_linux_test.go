package run

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/enginetest"
)

// TestHostEngine runs an experiment on a Docker that stratbench did not start,
// as in a CI: behind TLS, with a registry of the user's that wants a login, and
// with a proxy for builds. A name of the workload is taken there before the
// run, and must mean the same afterwards; no secret may be in the run's folder.
func TestHostEngine(t *testing.T) {
	needMachines(t)
	c := computers(t)(t, trial.Docker)
	c.putBehindTLS(t)
	const secret, proxy = "swordfish-of-the-registry", "swordfish-of-the-proxy"
	address := servePrivate(t, c.RegistryHost(), "someone", secret)
	login := base64.StdEncoding.EncodeToString([]byte("someone:" + secret))
	config := fmt.Sprintf(`{"auths": {%q: {"auth": %q}}, "proxies": {"default": {"httpProxy": "http://someone:%s@proxy.invalid:3128"}}}`, address, login, proxy)
	c.write(t, "/root/.docker/config.json", config)
	if err := c.engine.Tag(t.Context(), "stratbench.local/run:bookworm", "stratbench.local/red:test"); err != nil {
		t.Fatal(err)
	}
	c.want = c.belongings(t)
	var dir string
	c.ends(t, func() {
		p := c.startSpec(t, c.writeSpec(t, "testdata/tiny/workload-in-lab.yaml", fmt.Sprintf(`
factors:
  strategy: [parallel, registry]
settings:
  runtime: docker
  nodeImage: %s
  registry: {prefix: "%s/mine", plainHTTP: true}
  build: {args: {GO_IMAGE: "stratbench.local/go:1.26", RUN_IMAGE: "stratbench.local/run:bookworm"}}
design: {replicates: 1, warmUp: 0, reference: false, seed: 1}
`, nodeImage, address)))
		p.records(t, trial.OK)
		dir = p.results
	})
	for _, secret := range []string{secret, login, proxy} {
		for _, file := range filesWith(t, dir, secret) {
			t.Errorf("%s is in %s", secret, file)
		}
	}
}

// putBehindTLS has the computer's Docker listen only behind TLS. Its user reaches
// it as GitLab documents.
func (c *computer) putBehindTLS(t *testing.T) {
	t.Helper()
	const inside = "/root/certs"
	dir := t.TempDir()
	enginetest.Certificates(t, dir, c.Addr().AsSlice())
	if err := os.CopyFS(filepath.Join(c.Root(), inside), os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	at := runtimes.Endpoint{Runtime: trial.Docker, Address: "tcp://" + c.Addr().String() + ":2376",
		TLS: runtimes.TLS{CA: dir + "/ca.pem", Cert: dir + "/cert.pem", Key: dir + "/key.pem"}}
	c.startEngineAt(t, at, "dockerd", "--tlsverify", "--tlscacert="+inside+"/ca.pem", "--tlscert="+inside+"/server-cert.pem",
		"--tlskey="+inside+"/server-key.pem", "--host=tcp://0.0.0.0:2376")
	c.env = append(slices.DeleteFunc(c.env, func(v string) bool { return strings.HasPrefix(v, "DOCKER_") }),
		"DOCKER_HOST=tcp://127.0.0.1:2376", "DOCKER_TLS_VERIFY=1", "DOCKER_CERT_PATH="+inside)
}

// write writes a file on the computer.
func (c *computer) write(t *testing.T, path, text string) {
	t.Helper()
	path = filepath.Join(c.Root(), path)
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// servePrivate serves a registry that lets one user in, and returns its address. With an
// empty name, the registry lets nobody in.
func servePrivate(t *testing.T, host, name, password string) string {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	images := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		by, with, _ := r.BasicAuth()
		if name != "" && by == name && subtle.ConstantTimeCompare([]byte(with), []byte(password)) == 1 {
			images.ServeHTTP(w, r)
			return
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]}`)
	})}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	return l.Addr().String()
}
