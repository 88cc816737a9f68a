package podman

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/containers/podman/v5/pkg/bindings/images"
	"github.com/containers/podman/v5/pkg/bindings/manifests"

	"github.com/stratbench/stratbench/runtimes"
)

// Save implements runtimes.Engine.
func (e *Engine) Save(ctx context.Context, refs []string, w io.Writer) error {
	options := new(images.ExportOptions).WithFormat("docker-archive")
	if err := images.Export(e.call(ctx), refs, w, options); err != nil {
		return fmt.Errorf("saving images %q: %w", refs, err)
	}
	return nil
}

// Load implements runtimes.Engine.
func (e *Engine) Load(ctx context.Context, r io.Reader) error {
	if _, err := images.Load(e.call(ctx), r); err != nil {
		return fmt.Errorf("loading images: %w", err)
	}
	return nil
}

// Pull implements runtimes.Engine.
func (e *Engine) Pull(ctx context.Context, ref string, opts runtimes.Pull) (runtimes.ImageID, error) {
	options := new(images.PullOptions).WithProgressWriter(io.Discard).
		WithPolicy("always").WithSkipTLSVerify(opts.PlainHTTP).WithAuthfile(authFile())
	pulled, err := images.Pull(e.call(ctx), ref, options)
	if err := ended(ctx, err); err != nil {
		return "", fmt.Errorf("pulling image %s: %w", ref, err)
	}
	if len(pulled) == 0 {
		return "", fmt.Errorf("pulling image %s: podman named no image", ref)
	}
	return imageID(pulled[len(pulled)-1]), nil
}

// Available implements runtimes.Engine.
func (e *Engine) Available(ctx context.Context, ref string) error {
	if _, err := manifests.Inspect(e.call(ctx), ref, nil); err != nil {
		return fmt.Errorf("asking the registry for %s: %w", ref, err)
	}
	return nil
}

// Push implements runtimes.Engine.
func (e *Engine) Push(ctx context.Context, ref string, opts runtimes.Pull) error {
	options := new(images.PushOptions).WithProgressWriter(io.Discard).
		WithSkipTLSVerify(opts.PlainHTTP).WithAuthfile(authFile())
	if err := ended(ctx, images.Push(e.call(ctx), ref, ref, options)); err != nil {
		return fmt.Errorf("pushing image %s: %w", ref, err)
	}
	return nil
}

// ended is how a call that streams ended: the bindings return success when
// they are cancelled in the middle.
func ended(ctx context.Context, err error) error {
	if err == nil {
		return ctx.Err()
	}
	return err
}

// Tag implements runtimes.Engine.
func (e *Engine) Tag(ctx context.Context, ref, target string) error {
	repository, tag := split(target)
	if err := images.Tag(e.call(ctx), ref, tag, repository, nil); err != nil {
		return fmt.Errorf("tagging image %s as %s: %w", ref, target, notFound(err))
	}
	return nil
}

// split parts a reference into repository and tag. A colon before a slash is
// that of a port.
func split(ref string) (repository, tag string) {
	if i := strings.LastIndexByte(ref, ':'); i > strings.LastIndexByte(ref, '/') {
		return ref[:i], ref[i+1:]
	}
	return ref, "latest"
}

// Image implements runtimes.Engine.
func (e *Engine) Image(ctx context.Context, ref string) (runtimes.ImageID, error) {
	found, err := images.GetImage(e.call(ctx), ref, nil)
	if err != nil {
		return "", fmt.Errorf("looking up image %s: %w", ref, notFound(err))
	}
	return imageID(found.ID), nil
}

// Remove implements runtimes.Engine.
func (e *Engine) Remove(ctx context.Context, ref string) error {
	report, errs := images.Remove(e.call(ctx), []string{ref}, new(images.RemoveOptions).WithNoPrune(true))
	err := errors.Join(errs...)
	if err == nil {
		return nil
	}
	if report != nil && report.ExitCode == removedNothing {
		err = runtimes.NotFound(err)
	}
	return fmt.Errorf("removing image %s: %w", ref, err)
}

// Untag implements runtimes.Engine.
func (e *Engine) Untag(ctx context.Context, ref string) error {
	repository, tag := split(ref)
	if err := images.Untag(e.call(ctx), ref, tag, repository, nil); err != nil {
		return fmt.Errorf("untagging image %s: %w", ref, notFound(err))
	}
	return nil
}

// removedNothing is the exit code of podman rmi, sent along, for an image
// that is not there and no other fault.
const removedNothing = 1

// imageID gives an ID the prefix that Podman leaves out.
func imageID(id string) runtimes.ImageID {
	return runtimes.ImageID("sha256:" + strings.TrimPrefix(id, "sha256:"))
}

// notFound marks err if that is what the service says.
func notFound(err error) error {
	if missing(err) {
		return runtimes.NotFound(err)
	}
	return err
}
