package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"

	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/internal/buildlog"
)

// Save implements runtimes.Engine.
func (e *Engine) Save(ctx context.Context, refs []string, w io.Writer) error {
	archive, err := e.api.ImageSave(ctx, refs)
	if err != nil {
		return fmt.Errorf("saving images %q: %w", refs, err)
	}
	defer archive.Close()
	if _, err := io.Copy(w, archive); err != nil {
		return fmt.Errorf("saving images %q: %w", refs, err)
	}
	return nil
}

// Load implements runtimes.Engine.
func (e *Engine) Load(ctx context.Context, r io.Reader) error {
	answer, err := e.api.ImageLoad(ctx, r, client.ImageLoadWithQuiet(true))
	if err != nil {
		return fmt.Errorf("loading images: %w", err)
	}
	if err := drain(answer.Body); err != nil {
		return fmt.Errorf("loading images: %w", err)
	}
	return nil
}

// Pull implements runtimes.Engine. Whether a registry may be plain HTTP is a
// setting of the engine (insecure-registries), not of a request.
func (e *Engine) Pull(ctx context.Context, ref string, _ runtimes.Pull) (runtimes.ImageID, error) {
	auth, err := login(ref)
	if err != nil {
		return "", fmt.Errorf("pulling image %s: %w", ref, err)
	}
	answer, err := e.api.ImagePull(ctx, ref, image.PullOptions{RegistryAuth: auth})
	if err != nil {
		return "", fmt.Errorf("pulling image %s: %w", ref, err)
	}
	if err := drain(answer); err != nil {
		return "", fmt.Errorf("pulling image %s: %w", ref, err)
	}
	return e.Image(ctx, ref)
}

// Available implements runtimes.Engine.
func (e *Engine) Available(ctx context.Context, ref string) error {
	if _, err := e.api.DistributionInspect(ctx, ref, ""); err != nil {
		return fmt.Errorf("asking the registry for %s: %w", ref, err)
	}
	return nil
}

// Push implements runtimes.Engine.
func (e *Engine) Push(ctx context.Context, ref string, _ runtimes.Pull) error {
	auth, err := login(ref)
	if err != nil {
		return fmt.Errorf("pushing image %s: %w", ref, err)
	}
	answer, err := e.api.ImagePush(ctx, ref, image.PushOptions{RegistryAuth: auth})
	if err != nil {
		return fmt.Errorf("pushing image %s: %w", ref, err)
	}
	if err := drain(answer); err != nil {
		return fmt.Errorf("pushing image %s: %w", ref, err)
	}
	return nil
}

// drain reads an answer to its end, which is when the operation ends. What
// went wrong stands in the answer, whose status was success.
func drain(answer io.ReadCloser) error {
	defer answer.Close()
	return buildlog.Read(answer, func(buildlog.Message) {})
}

// Tag implements runtimes.Engine.
func (e *Engine) Tag(ctx context.Context, ref, target string) error {
	if err := e.api.ImageTag(ctx, ref, target); err != nil {
		return fmt.Errorf("tagging image %s as %s: %w", ref, target, notFound(err))
	}
	return nil
}

// Image implements runtimes.Engine.
func (e *Engine) Image(ctx context.Context, ref string) (runtimes.ImageID, error) {
	found, err := e.api.ImageInspect(ctx, ref)
	if err != nil {
		return "", fmt.Errorf("looking up image %s: %w", ref, notFound(err))
	}
	return runtimes.ImageID(found.ID), nil
}

// Remove implements runtimes.Engine.
func (e *Engine) Remove(ctx context.Context, ref string) error {
	if _, err := e.api.ImageRemove(ctx, ref, image.RemoveOptions{}); err != nil {
		return fmt.Errorf("removing image %s: %w", ref, notFound(err))
	}
	return nil
}

// Untag implements runtimes.Engine. Docker deletes an image with its last name,
// so the name is first given to an image that has no other use.
func (e *Engine) Untag(ctx context.Context, ref string) error {
	if _, err := e.Image(ctx, ref); err != nil {
		return fmt.Errorf("untagging image %s: %w", ref, err)
	}
	empty := ref + "-untagged"
	answer, err := e.api.ImageImport(ctx, image.ImportSource{Source: bytes.NewReader(make([]byte, 1024)), SourceName: "-"}, empty, image.ImportOptions{})
	if err == nil {
		err = drain(answer)
	}
	if err != nil {
		return fmt.Errorf("untagging image %s: making an image to take its name: %w", ref, err)
	}
	return errors.Join(e.Tag(ctx, empty, ref), e.Remove(ctx, ref), e.Remove(ctx, empty))
}

// notFound marks err if that is what the engine says.
func notFound(err error) error {
	if cerrdefs.IsNotFound(err) {
		return runtimes.NotFound(err)
	}
	return err
}
