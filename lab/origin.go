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

// origin is what a lab takes from the machine that makes it, beside Debian's
// packages and the files of this package.
type origin struct {
	// Go is the version of the toolchain.
	Go string `json:"go"`
	// Authorities are the hashes of the certificates that the machine trusts
	// beside those that Debian ships: a proxy's before the Go module proxy, for
	// instance. Debian's own change from release to release, and are in no key.
	Authorities []string `json:"authorities,omitempty"`
}

// parts of a key.
func (o origin) parts() []string { return append([]string{o.Go}, o.Authorities...) }

// serves reports whether a lab of this origin does on a machine of another: it
// has what was compiled there, and trusts whom that machine trusts. A machine
// that has no Go can build none of its own, and takes what there is.
func (o origin) serves(here origin) bool {
	return here.Go == "" || o.Go == here.Go && contains(o.Authorities, here.Authorities)
}

func contains(all, some []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}

// builder is the machine that this process runs on: it builds the lab.
type builder struct {
	origin
	tools toolchain
	// authorities are all the certificates it trusts, as it keeps them. The
	// images get them too: where a proxy stands before the Go module proxy, a
	// build inside a container meets it just as a build outside does.
	authorities []byte
	// withoutGo is why it cannot build a lab, and nil where it can.
	withoutGo error
}

const authoritiesPath = "etc/ssl/certs/ca-certificates.crt"

// shippedAuthorities is where Debian has a file for each certificate it ships.
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
		return h, fmt.Errorf("reading the certificates this machine trusts: %w", err)
	}
	h.Authorities, err = ownAuthorities(h.authorities, os.DirFS(shippedAuthorities))
	return h, err
}

// bundle returns the machine's certificates for an image.
func (h builder) bundle() ([]byte, error) {
	if len(h.authorities) == 0 {
		return nil, errors.New("this machine has no certificates that its images could trust; install ca-certificates")
	}
	return h.authorities, nil
}

// ownAuthorities hashes the certificates of a bundle that are not among the
// shipped ones.
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

// noteOrigin leaves in an artifact's folder where it was made.
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

// origins lists where the artifacts in the cache were made, the newest first.
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
