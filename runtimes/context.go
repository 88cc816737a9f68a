package runtimes

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes/internal/buildcontext"
)

// ContextHash returns the SHA-256, in hex, of what is sent to build an image:
// the paths, modes, links and contents of the context without what its ignore
// file excludes, and of further contexts. Times and owners do not count, because no
// build sees them.
func ContextHash(context, dockerfile string, further map[string]string) (_ string, err error) {
	defer Doing(&err, "hashing the build context %s", context)
	sum := sha256.New()
	dockerfile = buildcontext.Dockerfile(dockerfile)
	if err := hashSent(sum, context, dockerfile); err != nil {
		return "", err
	}
	for _, name := range slices.Sorted(maps.Keys(further)) {
		fmt.Fprintf(sum, "%q\n", name)
		if ref, isImage := trial.ImageContext(further[name]); isImage {
			fmt.Fprintf(sum, "%q\n", ref)
		} else if err := hashSent(sum, further[name], ""); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func hashSent(sum io.Writer, context, dockerfile string) error {
	sent, err := buildcontext.Tar(nil, context, dockerfile, buildcontext.IgnoreFiles(trial.Docker, dockerfile)...)
	if err != nil {
		return err
	}
	defer sent.Close()
	for archive := tar.NewReader(sent); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			fmt.Fprintf(sum, "%q %c %o %q %d\n", h.Name, h.Typeflag, h.Mode, h.Linkname, h.Size)
			_, err = io.Copy(sum, archive)
		}
		if err != nil {
			return err
		}
	}
}

// IgnoreFiles returns the ignore file of a context that each engine reads, empty for
// none, and whether they exclude the same.
func IgnoreFiles(context, dockerfile string) (of map[trial.Runtime]string, same bool) {
	of = map[trial.Runtime]string{}
	var patterns [][]string
	for _, engine := range trial.Runtimes() {
		these, file, err := buildcontext.Ignored(context, buildcontext.IgnoreFiles(engine, buildcontext.Dockerfile(dockerfile)))
		if err != nil {
			return of, true // reading the Dockerfile reports it
		}
		of[engine], patterns = file, append(patterns, these)
	}
	return of, slices.Equal(patterns[0], patterns[1])
}
