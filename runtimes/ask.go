package runtimes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/containerd/errdefs"

	"github.com/stratbench/stratbench/internal/trial"
)

// longestAnswer limits how much of an answer is read.
const longestAnswer = 4 << 20

// Ask sends one request to the engine's HTTP API, over a connection of its own,
// and returns the answer's body. What blocks another client does not block Ask. An
// answer with status 300 or above is an error; see IsNotFound.
func (e Endpoint) Ask(ctx context.Context, method, path string) ([]byte, error) {
	text, _, err := e.ask(ctx, method, path)
	return text, err
}

func (e Endpoint) ask(ctx context.Context, method, path string) ([]byte, http.Header, error) {
	began := time.Now()
	answer, err := e.send(ctx, method, path)
	if err != nil {
		return nil, nil, Unanswered(ctx, began, printedBySSH(err))
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, longestAnswer))
	if err != nil {
		return nil, nil, Unanswered(ctx, began, err)
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		said := fmt.Sprintf("the engine answers %s to %s: %.500s", answer.Status, path, text)
		if answer.StatusCode == http.StatusNotFound {
			return nil, nil, errdefs.ErrNotFound.WithMessage(said)
		}
		return nil, nil, errors.New(said)
	}
	return text, answer.Header, nil
}

// Hold keeps a connection to the engine's event stream open until the engine
// closes it or ctx ends. held is false if the connection was never made.
func (e Endpoint) Hold(ctx context.Context) (held bool, err error) {
	answer, err := e.send(ctx, http.MethodGet, "/events")
	if err != nil {
		return false, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return false, fmt.Errorf("the engine answers %s to a request for its events", answer.Status)
	}
	if _, err = io.Copy(io.Discard, answer.Body); err == nil {
		err = io.EOF
	}
	return ctx.Err() == nil, err
}

// Ping returns nil if the engine's API answers. Podman serves Docker's ping too.
func (e Endpoint) Ping(ctx context.Context) error {
	_, err := e.Ask(ctx, http.MethodGet, "/_ping")
	return err
}

// Answering returns the runtime of the engine that answers at the address, which
// may not be the expected one: Podman also serves Docker's API, often at Docker's
// socket.
func (e Endpoint) Answering(ctx context.Context) (trial.Runtime, error) {
	_, header, err := e.ask(ctx, http.MethodGet, "/_ping")
	if err == nil && header.Get("Libpod-API-Version") != "" {
		return trial.Podman, nil
	}
	return e.Runtime, err
}

func (e Endpoint) send(ctx context.Context, method, path string) (*http.Response, error) {
	api, err := e.API()
	if err != nil {
		return nil, err
	}
	transport, err := e.Transport()
	if err != nil {
		return nil, err
	}
	transport.DisableKeepAlives = true
	request, err := http.NewRequestWithContext(ctx, method, api.String()+path, nil)
	if err != nil {
		return nil, err
	}
	return (&http.Client{Transport: transport}).Do(request)
}

// Unanswered returns how long the wait for an answer was, if ctx ended it, and else err.
func Unanswered(ctx context.Context, began time.Time, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return fmt.Errorf("no answer within %s: %w", time.Since(began).Round(100*time.Millisecond), context.Cause(ctx))
}
