package run

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

// ociRegistry is the registry that stratbench brings for strategies that
// pull. Its content lives as long as the run; each machine reaches it at its
// own link, so it listens only while a machine is there, and only for it.
type ociRegistry struct{ handler http.Handler }

// newRegistry returns a registry that keeps its blobs in the folder dir.
func newRegistry(dir string) *ociRegistry {
	quiet := registry.Logger(log.New(io.Discard, "", 0))
	blobs := registry.WithBlobHandler(registry.NewDiskBlobHandler(dir))
	return &ociRegistry{handler: registry.New(quiet, blobs)}
}

// listen serves the registry at a free port of host until the returned
// function is called.
func (r *ociRegistry) listen(host string) (addr string, stop func(), err error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return "", nil, fmt.Errorf("starting the registry on %s: %w", host, err)
	}
	server := &http.Server{Handler: r.handler, ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(l)
	return l.Addr().String(), func() { server.Close() }, nil
}
