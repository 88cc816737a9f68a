package lab

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestSourcesFrom(t *testing.T) {
	targets := strings.Join([]string{
		"Debian|Packages|http://mirror.example/debian/|bookworm|main",
		"Debian|Packages|http://mirror.example/debian/|bookworm-updates|main",
		"Debian|Packages|http://mirror.example/security/|bookworm-security|main",
		"Debian|Packages|http://mirror.example/debian/|bookworm-backports|main",
		"Debian|Packages|http://mirror.example/debian/|bookworm|contrib",
		"Debian|Translations|http://mirror.example/debian/|bookworm|main",
		"Docker|Packages|http://other.example/|bookworm|main",
	}, "\n")
	signed := "deb [signed-by=" + keyring + "] http://mirror.example/"
	want := []string{
		signed + "debian/ trixie main",
		signed + "debian/ trixie-updates main",
		signed + "security/ trixie-security main",
	}
	if got := sourcesFrom(targets, "trixie"); !slices.Equal(got, want) {
		t.Errorf("sources:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestSettingsFromKeepsOnlyTheWayToTheMirror(t *testing.T) {
	dump := `Acquire::AllowInsecureRepositories "1";
Acquire::http::Proxy "http://proxy.example:3128";
Acquire::https::CaInfo "/etc/ca.pem";
Acquire::Retries "3";
Acquire::Check-Date "false";
Acquire::Languages "none";
`
	want := []string{
		`Acquire::http::Proxy "http://proxy.example:3128";`,
		`Acquire::https::CaInfo "/etc/ca.pem";`,
		`Acquire::Retries "3";`,
		`Acquire::Check-Date "false";`,
	}
	if got := settingsFrom(dump); !slices.Equal(got, want) {
		t.Errorf("settings = %q, want %q", got, want)
	}
}

func TestLayersHaveNoDevices(t *testing.T) {
	var in, out bytes.Buffer
	w := tar.NewWriter(&in)
	for _, h := range []*tar.Header{
		{Name: "./dev/", Typeflag: tar.TypeDir},
		{Name: "./dev/null", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3},
		{Name: "./etc/devices", Typeflag: tar.TypeReg, Size: 1},
	} {
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		w.Write(make([]byte, h.Size))
	}
	w.Close()
	if err := copyTar(tar.NewWriter(&out), tar.NewReader(&in)); err != nil {
		t.Fatal(err)
	}
	if got, want := names(t, &out), []string{"./dev/", "./etc/devices"}; !slices.Equal(got, want) {
		t.Errorf("kept %q, want %q", got, want)
	}
}

func names(t *testing.T, r io.Reader) []string {
	t.Helper()
	var all []string
	for in := tar.NewReader(r); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, h.Name)
	}
}
