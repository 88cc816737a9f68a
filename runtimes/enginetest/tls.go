package enginetest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
)

// DockerBehindTLS replaces the Docker of a machine by one that stratbench does not run,
// which listens with TLS at a tcp address. Docker's command in the machine must reach it
// by its environment alone.
func DockerBehindTLS(t *testing.T) Place {
	t.Helper()
	if testing.Short() {
		t.Skip("real engines: not in -short")
	}
	m := StartMachine(t, trial.Docker)
	must(t, m.Stop(within(t)))
	dir := t.TempDir()
	Certificates(t, dir, m.Addr().AsSlice())
	const inside = "/etc/docker/tls"
	must(t, os.CopyFS(m.Root()+inside, os.DirFS(dir)))
	dockerd := exec.Command("dockerd", "--tlsverify", "--tlscacert="+inside+"/ca.pem", "--tlscert="+inside+"/server-cert.pem",
		"--tlskey="+inside+"/server-key.pem", "--host=tcp://0.0.0.0:2376")
	log, err := os.Create(filepath.Join(t.TempDir(), "dockerd.log"))
	must(t, err)
	dockerd.Stdout, dockerd.Stderr = log, log
	must(t, m.Start(dockerd))
	t.Cleanup(func() { dockerd.Process.Kill(); dockerd.Wait() })

	here := runtimes.Endpoint{Runtime: trial.Docker, Address: "tcp://" + m.Addr().String() + ":2376",
		TLS: runtimes.TLS{CA: dir + "/ca.pem", Cert: dir + "/cert.pem", Key: dir + "/key.pem"}}
	for ctx := within(t); here.Ping(ctx) != nil; time.Sleep(100 * time.Millisecond) {
		if ctx.Err() != nil {
			text, _ := os.ReadFile(log.Name())
			t.Fatalf("dockerd behind TLS does not answer: %v\n%s", here.Ping(t.Context()), text)
		}
	}
	there := runtimes.Endpoint{Runtime: trial.Docker, Address: "tcp://127.0.0.1:2376", TLS: runtimes.TLS{CA: inside + "/ca.pem"}}
	command := exec.Command("docker", "version", "--format", "{{.Server.Os}}")
	command.Env = there.Environ([]string{"PATH=/usr/bin:/bin", "HOME=/root"})
	var said bytes.Buffer
	command.Stdout, command.Stderr = &said, &said
	must(t, m.Start(command))
	if err := command.Wait(); err != nil || strings.TrimSpace(said.String()) != "linux" {
		t.Fatalf("Docker's command: %v: %s", err, said.String())
	}
	return Place{Endpoint: here, RegistryHost: m.RegistryHost()}
}

// Certificates writes to a folder what an engine with TLS and its clients need: ca.pem,
// server-cert.pem and server-key.pem, and cert.pem and key.pem for clients. The server's
// certificate is for localhost, 127.0.0.1 and the addresses.
func Certificates(t *testing.T, dir string, addresses ...net.IP) {
	t.Helper()
	must(t, os.MkdirAll(dir, 0o755))
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	authority, key := issue(t, authority, nil, nil, filepath.Join(dir, "ca.pem"))
	for name, use := range map[string]x509.ExtKeyUsage{"server-": x509.ExtKeyUsageServerAuth, "": x509.ExtKeyUsageClientAuth} {
		leaf := &x509.Certificate{
			SerialNumber: big.NewInt(2 + int64(len(name))), Subject: pkix.Name{CommonName: name + "test"}, NotAfter: time.Now().Add(24 * time.Hour),
			ExtKeyUsage: []x509.ExtKeyUsage{use}, DNSNames: []string{"localhost"}, IPAddresses: append(addresses, net.IPv4(127, 0, 0, 1)),
		}
		_, own := issue(t, leaf, authority, key, filepath.Join(dir, name+"cert.pem"))
		text, err := x509.MarshalECPrivateKey(own)
		must(t, err)
		writePEM(t, filepath.Join(dir, name+"key.pem"), "EC PRIVATE KEY", text)
	}
}

// issue makes a key and its certificate, which it writes to a file. The certificate is
// signed with the parent's key, or with its own if there is no parent.
func issue(t *testing.T, c, parent *x509.Certificate, by *ecdsa.PrivateKey, path string) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	if parent == nil {
		parent, by = c, own
	}
	text, err := x509.CreateCertificate(rand.Reader, c, parent, &own.PublicKey, by)
	must(t, err)
	writePEM(t, path, "CERTIFICATE", text)
	signed, err := x509.ParseCertificate(text)
	must(t, err)
	return signed, own
}

func writePEM(t *testing.T, path, label string, text []byte) {
	t.Helper()
	must(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: label, Bytes: text}), 0o600))
}
