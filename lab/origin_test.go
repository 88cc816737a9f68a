package lab

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"
	"time"
)

// authority makes a certificate authority of its own.
func authority(t *testing.T, name string) []byte {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour), IsCA: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func TestOnlyTheMachinesOwnAuthoritiesAreInKeys(t *testing.T) {
	world, proxy := authority(t, "of the world"), authority(t, "a proxy")
	shipped := fstest.MapFS{"World.crt": {Data: world}}
	for name, c := range map[string]struct {
		bundle []byte
		want   int
	}{
		"none":             {nil, 0},
		"as shipped":       {world, 0},
		"one more":         {slices.Concat(world, proxy), 1},
		"one more, twice":  {slices.Concat(proxy, world, proxy), 1},
		"one more, alone":  {proxy, 1},
		"shipped no more":  {authority(t, "withdrawn"), 1},
		"text around them": {slices.Concat([]byte("# a comment\n"), world, []byte("\n# and the end\n")), 0},
	} {
		if own, err := ownAuthorities(c.bundle, shipped); err != nil || len(own) != c.want {
			t.Errorf("%s: %q, %v; want %d", name, own, err, c.want)
		}
	}
	if own, err := ownAuthorities(world, fstest.MapFS{}); err != nil || len(own) != 1 {
		t.Errorf("where Debian ships none: %q, %v", own, err)
	}
}

func TestALabServesOtherMachines(t *testing.T) {
	made := origin{Go: "go1.26.1", Authorities: []string{"a", "b"}}
	for name, c := range map[string]struct {
		here origin
		want bool
	}{
		"the same":              {made, true},
		"it trusts fewer":       {origin{Go: "go1.26.1", Authorities: []string{"b"}}, true},
		"it trusts one more":    {origin{Go: "go1.26.1", Authorities: []string{"a", "b", "c"}}, false},
		"another Go":            {origin{Go: "go1.26.2"}, false},
		"none that could build": {origin{Authorities: []string{"c"}}, true},
	} {
		if got := made.serves(c.here); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// A machine without Go finds the lab that another machine has built, and gets an error if
// there is none.
func TestAFinishedLabNeedsNoGo(t *testing.T) {
	c := testCache(t)
	t.Setenv("PATH", t.TempDir())
	if _, err := findRecipes(t.Context(), c, []string{"trixie"}); err == nil {
		t.Fatal("without Go, a lab could be built from nothing")
	}
	made := origin{Go: "go1.26.77", Authorities: []string{"a proxy of theirs"}}
	r, err := newRecipes([]string{"trixie"}, made, builder{})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range r.all() {
		a.build = writing("f", "data")
		if err := c.ensure(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	if err := noteOrigin(c.path(r.golang), made); err != nil {
		t.Fatal(err)
	}
	found, err := findRecipes(t.Context(), c, []string{"trixie"})
	if err != nil || !c.holds(found.all()) || found.golang.key != r.golang.key {
		t.Errorf("the finished lab is not found: %v", err)
	}
	if err := os.RemoveAll(filepath.Join(c.dir, r.run.String())); err != nil {
		t.Fatal(err)
	}
	if _, err := findRecipes(t.Context(), c, []string{"trixie"}); err == nil {
		t.Error("a lab of which a part is missing is good enough")
	}
}
