package runtimes

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/stratbench/stratbench/runtimes/internal/buildcontext"
)

// ContextHash returns the SHA-256, in hex, of what is sent to build an image:
// the paths, modes, links and contents of the context without what its ignore
// file excludes. Times and owners do not count, because no build sees them.
func ContextHash(context, dockerfile string) (_ string, err error) {
	defer Doing(&err, "hashing the build context %s", context)
	dockerfile = buildcontext.Dockerfile(dockerfile)
	sent, err := buildcontext.Tar(nil, context, dockerfile, dockerfile+".dockerignore", ".dockerignore")
	if err != nil {
		return "", err
	}
	defer sent.Close()
	sum := sha256.New()
	for archive := tar.NewReader(sent); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(sum.Sum(nil)), nil
		}
		if err == nil {
			fmt.Fprintf(sum, "%q %c %o %q %d\n", h.Name, h.Typeflag, h.Mode, h.Linkname, h.Size)
			_, err = io.Copy(sum, archive)
		}
		if err != nil {
			return "", err
		}
	}
}
