package lab

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// origin is what a lab takes from the machine that builds it, besides Debian's packages and
// the files of this package.
type origin struct {
	// Go is the version of the toolchain.
	Go string `json:"go"`
	// Authorities are the hashes of the certificates that the machine trusts in addition to
	// Debian's: for instance, that of a proxy before the Go module proxy. Debian's own
	// certificates change with each release and are not in a key.
	Authorities []string `json:"authorities,omitempty"`
}

// serves reports whether a machine of another origin can use a lab of this origin: it has the
// same Go, and all certificates that the machine trusts. A machine without Go, which cannot
// build a lab, uses any.
func (o origin) serves(here origin) bool {
	unknown := func(a string) bool { return !slices.Contains(o.Authorities, a) }
	return here.Go == "" || o.Go == here.Go && !slices.ContainsFunc(here.Authorities, unknown)
}

// builder is this host, which builds the lab.
type builder struct {
	origin
	tools toolchain
	// authorities is the file of all certificates that it trusts. The images contain it,
	// too, because a build in a container meets the same proxies as one outside.
	authorities []byte
	// withoutGo is why it cannot build a lab, or nil if it can.
	withoutGo error
}

const authoritiesPath = "etc/ssl/certs/ca-certificates.crt"

// shippedAuthorities is Debian's folder with a file for each of its certificates.
const shippedAuthorities = "/usr/share/ca-certificates/mozilla"

func thisBuilder(ctx context.Context) (h builder, err error) {
	h.tools, err = hostToolchain(ctx)
	switch {
	case errors.Is(err, exec.ErrNotFound):
		h.withoutGo = err
	case err != nil:
		return h, err
	}
	h.Go = h.tools.version
	file := os.Getenv("SSL_CERT_FILE")
	if file == "" {
		file = "/" + authoritiesPath
	}
	h.authorities, err = os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return h, fmt.Errorf("reading the certificates this host trusts: %w; make the file readable, or name another one in SSL_CERT_FILE", err)
	}
	h.Authorities, err = ownAuthorities(h.authorities, os.DirFS(shippedAuthorities))
	return h, err
}

// bundle returns the machine's certificates for an image.
func (h builder) bundle() ([]byte, error) {
	if len(h.authorities) == 0 {
		return nil, errors.New("this host has no certificates that its images could trust; install ca-certificates")
	}
	return h.authorities, nil
}

// ownAuthorities returns the hashes of those certificates of a bundle that Debian does not
// ship.
func ownAuthorities(bundle []byte, shipped fs.FS) ([]string, error) {
	known := map[string]bool{}
	files, err := fs.Glob(shipped, "*.crt")
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		data, err := fs.ReadFile(shipped, name)
		if err != nil {
			return nil, fmt.Errorf("reading the certificates that Debian ships: %w", err)
		}
		for _, hash := range certificates(data) {
			known[hash] = true
		}
	}
	own := slices.DeleteFunc(certificates(bundle), func(hash string) bool { return known[hash] })
	slices.Sort(own)
	return slices.Compact(own), nil
}

func certificates(bundle []byte) (hashes []string) {
	for block, rest := pem.Decode(bundle); block != nil; block, rest = pem.Decode(rest) {
		sum := sha256.Sum256(bytes.TrimSpace(block.Bytes))
		hashes = append(hashes, hex.EncodeToString(sum[:8]))
	}
	return hashes
}

const originName = "origin.json"

// noteOrigin writes to an artifact's folder where it was made.
func noteOrigin(dir string, o origin) error {
	data, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, originName), data, 0o644)
}

func modified(file string) time.Time {
	info, err := os.Stat(file)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// origins lists the origins of the artifacts in the cache, the newest first.
func (c *cache) origins() (all []origin) {
	files, _ := filepath.Glob(filepath.Join(c.dir, "*", originName)) // the pattern is good
	slices.SortStableFunc(files, func(a, b string) int { return modified(b).Compare(modified(a)) })
	for _, file := range files {
		var o origin
		data, err := os.ReadFile(file)
		if err == nil && json.Unmarshal(data, &o) == nil {
			all = append(all, o)
		}
	}
	return all
}
