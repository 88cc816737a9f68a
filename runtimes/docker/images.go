package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"

	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/internal/buildlog"
)

// Save implements runtimes.Engine.
func (e *Engine) Save(ctx context.Context, refs []string, w io.Writer) (err error) {
	defer runtimes.Doing(&err, "saving images %q", refs)
	archive, err := e.api.ImageSave(ctx, refs)
	if err != nil {
		return err
	}
	defer archive.Close()
	_, err = io.Copy(w, archive)
	return err
}

// Load implements runtimes.Engine.
func (e *Engine) Load(ctx context.Context, r io.Reader) (err error) {
	defer runtimes.Doing(&err, "loading images")
	answer, err := e.api.ImageLoad(ctx, r, client.ImageLoadWithQuiet(true))
	if err != nil {
		return err
	}
	return drain(answer.Body, io.Discard)
}

// Pull implements runtimes.Engine. Whether a registry may be plain HTTP is a
// setting of the engine (insecure-registries), not of a request.
func (e *Engine) Pull(ctx context.Context, ref string, _ bool, said io.Writer) (runtimes.ImageID, error) {
	err := transfer("pulling", ref, said, func(auth string) (io.ReadCloser, error) {
		return e.api.ImagePull(ctx, ref, image.PullOptions{RegistryAuth: auth})
	})
	if err != nil {
		return "", err
	}
	return e.Image(ctx, ref)
}

// Push implements runtimes.Engine.
func (e *Engine) Push(ctx context.Context, ref string, _ bool, said io.Writer) error {
	return transfer("pushing", ref, said, func(auth string) (io.ReadCloser, error) {
		return e.api.ImagePush(ctx, ref, image.PushOptions{RegistryAuth: auth})
	})
}

func transfer(doing, ref string, said io.Writer, begin func(auth string) (io.ReadCloser, error)) (err error) {
	defer runtimes.Doing(&err, "%s image %s", doing, ref)
	auth, err := login(ref)
	if err != nil {
		return err
	}
	answer, err := begin(auth)
	if err != nil {
		return err
	}
	return drain(answer, said)
}

// drain reads an answer to its end, which is when the operation ends. The answer's
// status was success; an error is in its text. All of it is written to said as well.
func drain(answer io.ReadCloser, said io.Writer) error {
	defer answer.Close()
	return buildlog.Read(io.TeeReader(answer, said), func(string) {})
}

// Available implements runtimes.Engine.
func (e *Engine) Available(ctx context.Context, ref string) (err error) {
	defer runtimes.Doing(&err, "asking the registry for %s", ref)
	_, err = e.api.DistributionInspect(ctx, ref, "")
	return err
}

// Tag implements runtimes.Engine.
func (e *Engine) Tag(ctx context.Context, ref, target string) (err error) {
	defer runtimes.Doing(&err, "tagging image %s as %s", ref, target)
	return e.api.ImageTag(ctx, ref, target)
}

// Image implements runtimes.Engine.
func (e *Engine) Image(ctx context.Context, ref string) (_ runtimes.ImageID, err error) {
	defer runtimes.Doing(&err, "looking up image %s", ref)
	found, err := e.api.ImageInspect(ctx, ref)
	return runtimes.ImageID(found.ID), err
}

// Remove implements runtimes.Engine.
func (e *Engine) Remove(ctx context.Context, ref string) (err error) {
	defer runtimes.Doing(&err, "removing image %s", ref)
	_, err = e.api.ImageRemove(ctx, ref, image.RemoveOptions{})
	return err
}

// Untag implements runtimes.Engine. Docker deletes an image with its last name, so
// Untag first moves the name to an empty image and then removes that image.
func (e *Engine) Untag(ctx context.Context, ref string) error {
	if _, err := e.Image(ctx, ref); err != nil {
		return fmt.Errorf("untagging image %s: %w", ref, err)
	}
	empty := ref + "-untagged"
	answer, err := e.api.ImageImport(ctx, image.ImportSource{Source: bytes.NewReader(make([]byte, 1024)), SourceName: "-"}, empty, image.ImportOptions{})
	if err == nil {
		err = drain(answer, io.Discard)
	}
	if err != nil {
		return fmt.Errorf("untagging image %s: making an image to take its name: %w", ref, err)
	}
	return errors.Join(e.Tag(ctx, empty, ref), e.Remove(ctx, ref), e.Remove(ctx, empty))
}
