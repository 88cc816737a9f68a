package podman

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/containers/podman/v5/pkg/bindings/images"
	"github.com/containers/podman/v5/pkg/bindings/manifests"

	"github.com/stratbench/stratbench/runtimes"
)

// Save implements runtimes.Engine.
func (e *Engine) Save(ctx context.Context, refs []string, w io.Writer) (err error) {
	defer runtimes.Doing(&err, "saving images %q", refs)
	return images.Export(e.call(ctx), refs, w, new(images.ExportOptions).WithFormat("docker-archive"))
}

// Load implements runtimes.Engine.
func (e *Engine) Load(ctx context.Context, r io.Reader) (err error) {
	defer runtimes.Doing(&err, "loading images")
	_, err = images.Load(e.call(ctx), r)
	return err
}

// Pull implements runtimes.Engine.
func (e *Engine) Pull(ctx context.Context, ref string, plainHTTP bool, said io.Writer) (_ runtimes.ImageID, err error) {
	defer runtimes.Doing(&err, "pulling image %s", ref)
	options := new(images.PullOptions).WithProgressWriter(said).
		WithPolicy("always").WithSkipTLSVerify(plainHTTP).WithAuthfile(authFile())
	pulled, err := images.Pull(e.call(ctx), ref, options)
	if err := ended(ctx, err); err != nil {
		return "", err
	}
	if len(pulled) == 0 {
		return "", errors.New("podman named no image")
	}
	return imageID(pulled[len(pulled)-1]), nil
}

// Available implements runtimes.Engine.
func (e *Engine) Available(ctx context.Context, ref string) (err error) {
	defer runtimes.Doing(&err, "asking the registry for %s", ref)
	_, err = manifests.Inspect(e.call(ctx), ref, nil)
	return err
}

// Push implements runtimes.Engine.
func (e *Engine) Push(ctx context.Context, ref string, plainHTTP bool, said io.Writer) (err error) {
	defer runtimes.Doing(&err, "pushing image %s", ref)
	options := new(images.PushOptions).WithProgressWriter(said).
		WithSkipTLSVerify(plainHTTP).WithAuthfile(authFile())
	return ended(ctx, images.Push(e.call(ctx), ref, ref, options))
}

// ended corrects the result of a call that streams: the bindings return success when
// they are cancelled in the middle.
func ended(ctx context.Context, err error) error {
	if err == nil {
		return ctx.Err()
	}
	return err
}

// Tag implements runtimes.Engine.
func (e *Engine) Tag(ctx context.Context, ref, target string) (err error) {
	defer runtimes.Doing(&err, "tagging image %s as %s", ref, target)
	repository, tag := split(target)
	return notFound(images.Tag(e.call(ctx), ref, tag, repository, nil))
}

// split divides a reference into repository and tag. A colon before a slash belongs to
// a port.
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
	// podman rmi would have these exit codes: the only error is that the image does not
	// exist, or something is made from it.
	switch {
	case report != nil && report.ExitCode == 1:
		err = classified{err, errdefs.ErrNotFound}
	case report != nil && report.ExitCode == 2:
		err = classified{err, errdefs.ErrConflict}
	}
	return fmt.Errorf("removing image %s: %w", ref, err)
}

// Untag implements runtimes.Engine.
func (e *Engine) Untag(ctx context.Context, ref string) (err error) {
	defer runtimes.Doing(&err, "untagging image %s", ref)
	repository, tag := split(ref)
	return notFound(images.Untag(e.call(ctx), ref, tag, repository, nil))
}

// imageID adds the prefix that Podman leaves out.
func imageID(id string) runtimes.ImageID {
	return runtimes.ImageID("sha256:" + strings.TrimPrefix(id, "sha256:"))
}

// classified marks an error with another one, by which runtimes.IsNotFound and IsInUse
// recognise it.
type classified struct {
	error
	kind error
}

func (c classified) Unwrap() []error { return []error{c.error, c.kind} }

// notFound marks err if the service says that something does not exist.
func notFound(err error) error {
	if missing(err) {
		return classified{err, errdefs.ErrNotFound}
	}
	return err
}
