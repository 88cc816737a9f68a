package run

import (
	"archive/tar"
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"golang.org/x/crypto/ssh/agent"

	"github.com/stratbench/stratbench/runtimes/machine"
)

// TestWholeLayout runs what the other layouts leave out, to its end on a real
// engine: see testdata/whole/workload.yaml.
func TestWholeLayout(t *testing.T) {
	needMachines(t)
	layout := filepath.Join(t.TempDir(), "whole")
	if err := os.CopyFS(layout, os.DirFS("testdata/whole")); err != nil {
		t.Fatal(err)
	}
	putCertificate(t, filepath.Join(layout, "webhook.yaml"))
	saveServer(t, filepath.Join(layout, "cellar.tar"), "stratbench.local/cellar:1")
	t.Setenv("SSH_AUTH_SOCK", serveAgent(t))
	dir, err := runSpec(t.Context(), filepath.Join(layout, "experiment.yaml"), t.TempDir(), "", machine.Isolated)
	if err != nil {
		t.Fatal(err)
	}
	r := checkGood(t, dir, 1)[0]
	var spans []string
	for _, s := range r.Spans {
		spans = append(spans, s.Name)
	}
	for _, want := range []string{"nodes ready", "kind Tree.orchard.test is known", "webhook validate.orchard.test answers", "planted"} {
		if !slices.Contains(spans, want) {
			t.Errorf("there is no span %q in %q", want, spans)
		}
	}
	log, err := os.ReadFile(filepath.Join(dir, r.Log))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(log), "the agent holds a key") || !strings.Contains(string(log), hidden) || strings.Contains(string(log), "barrel-of-apples") {
		t.Errorf("the log does not show the agent, or shows the secret:\n%s", tail(string(log)))
	}
	checkNothingLeft(t)
}

// putCertificate makes a certificate for the webhook, which trusts itself.
func putCertificate(t *testing.T, manifest string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"webhook.default.svc"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	certificate, err := x509.CreateCertificate(rand.Reader, of, of, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	inYAML := func(kind string, der []byte) string {
		return base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	filled := strings.NewReplacer(": CERTIFICATE", ": "+inYAML("CERTIFICATE", certificate), ": KEY", ": "+inYAML("PRIVATE KEY", private)).Replace(string(text))
	if err := os.WriteFile(manifest, []byte(filled), 0o644); err != nil {
		t.Fatal(err)
	}
}

// saveServer makes an archive with an image of the server of testdata/steps.
func saveServer(t *testing.T, archive, ref string) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "server")
	build := exec.Command("go", "build", "-o", program, "server.go")
	build.Dir, build.Env = "testdata/steps/server", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the server: %v\n%s", err, out)
	}
	text, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	w := tar.NewWriter(&packed)
	if err := w.WriteHeader(&tar.Header{Name: "server", Mode: 0o755, Size: int64(len(text))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(packed.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config.OS, config.Architecture, config.Config.Entrypoint = "linux", "amd64", []string{"/server"}
	if image, err = mutate.ConfigFile(image, config); err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := tarball.WriteToFile(archive, tag, image); err != nil {
		t.Fatal(err)
	}
}

// serveAgent is an ssh agent with one key.
func serveAgent(t *testing.T) (socket string) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys := agent.NewKeyring()
	if err := keys.Add(agent.AddedKey{PrivateKey: key}); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "agent"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer conn.Close(); _ = agent.ServeAgent(keys, conn) }()
		}
	}()
	return l.Addr().String()
}
