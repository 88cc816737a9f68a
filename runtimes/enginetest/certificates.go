package enginetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Certificates writes what an engine behind TLS and its clients need to a
// folder: ca.pem, server-cert.pem, server-key.pem, and cert.pem and key.pem for
// clients. The engine is localhost, and at the addresses beside 127.0.0.1.
func Certificates(t *testing.T, dir string, addresses ...net.IP) {
	t.Helper()
	must(t, os.MkdirAll(dir, 0o755))
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	key := newKey(t)
	authority = sign(t, authority, authority, key, key, filepath.Join(dir, "ca.pem"))
	for name, use := range map[string]x509.ExtKeyUsage{"server-": x509.ExtKeyUsageServerAuth, "": x509.ExtKeyUsageClientAuth} {
		leaf := &x509.Certificate{
			SerialNumber: big.NewInt(2 + int64(len(name))), Subject: pkix.Name{CommonName: name + "test"}, NotAfter: time.Now().Add(24 * time.Hour),
			ExtKeyUsage: []x509.ExtKeyUsage{use}, DNSNames: []string{"localhost"}, IPAddresses: append(addresses, net.IPv4(127, 0, 0, 1)),
		}
		own := newKey(t)
		sign(t, leaf, authority, own, key, filepath.Join(dir, name+"cert.pem"))
		text, err := x509.MarshalECPrivateKey(own)
		must(t, err)
		writePEM(t, filepath.Join(dir, name+"key.pem"), "EC PRIVATE KEY", text)
	}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return key
}

func sign(t *testing.T, c, parent *x509.Certificate, own, by *ecdsa.PrivateKey, path string) *x509.Certificate {
	t.Helper()
	text, err := x509.CreateCertificate(rand.Reader, c, parent, &own.PublicKey, by)
	must(t, err)
	writePEM(t, path, "CERTIFICATE", text)
	signed, err := x509.ParseCertificate(text)
	must(t, err)
	return signed
}

func writePEM(t *testing.T, path, kind string, text []byte) {
	t.Helper()
	must(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: text}), 0o600))
}
