package runtimes

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
)

// longestAnswer bounds what is read of an answer.
const longestAnswer = 4 << 20

// Ask sends one request to the engine's HTTP API, over a connection of its
// own, and returns the answer's body. Nothing that hangs another client hangs
// Ask. An answer of 300 or above is an error.
func (e Endpoint) Ask(ctx context.Context, method, path string) ([]byte, error) {
	text, _, err := e.ask(ctx, method, path)
	return text, err
}

func (e Endpoint) ask(ctx context.Context, method, path string) ([]byte, http.Header, error) {
	began := time.Now()
	answer, err := e.send(ctx, method, path)
	if err != nil {
		return nil, nil, Unanswered(ctx, began, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, longestAnswer))
	if err != nil {
		return nil, nil, Unanswered(ctx, began, err)
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		return nil, nil, fmt.Errorf("the engine answers %s to %s: %.500s", answer.Status, path, text)
	}
	return text, answer.Header, nil
}

// Hold keeps a connection open on which the engine says what happens, until
// the engine closes it or ctx ends. held is false when there never was one.
func (e Endpoint) Hold(ctx context.Context) (held bool, err error) {
	answer, err := e.send(ctx, http.MethodGet, "/v1.40/events")
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

// Ping answers nil when the engine's API answers. Podman has Docker's ping.
func (e Endpoint) Ping(ctx context.Context) error {
	_, err := e.Ask(ctx, http.MethodGet, "/_ping")
	return err
}

// Answering is the engine that answers at the address, whichever is expected
// there: Podman also serves Docker's API, often at Docker's own socket.
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

// Unanswered adds to an error how long was waited without an answer, when the
// wait ended it: a question that hangs is an answer, too.
func Unanswered(ctx context.Context, began time.Time, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return fmt.Errorf("no answer within %s: %w", time.Since(began).Round(100*time.Millisecond), context.Cause(ctx))
}
