package enginetest

import (
	"io"
	"log"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/stratbench/stratbench/runtimes"
)

func (s suite) registry(t *testing.T) {
	ref := serveRegistry(t, s.RegistryHost) + "/enginetest/pushed:1"
	s.remove(t, ref)
	ctx := within(t, time.Minute)
	plain := runtimes.Pull{PlainHTTP: true}
	if _, err := s.Engine.Pull(ctx, ref, plain); err == nil {
		t.Error("an image that is not in the registry was pulled")
	} else {
		t.Log(err)
	}
	must(t, s.Engine.Tag(ctx, baseImage, ref))
	must(t, s.Engine.Push(ctx, ref, plain))
	must(t, s.Engine.Remove(ctx, ref))
	id, err := s.Engine.Pull(ctx, ref, plain)
	must(t, err)
	s.is(t, ref, id)
}

// serveRegistry serves a registry without TLS and returns its address.
func serveRegistry(t *testing.T, host string) string {
	return serve(t, host, registry.New(registry.Logger(log.New(io.Discard, "", 0))))
}
