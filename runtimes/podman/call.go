package podman

import (
	"context"
	"net/http"
)

// call is a caller's context that carries the connection as well. The
// bindings look for the connection in the context and for nothing else.
type call struct {
	context.Context
	connection context.Context
}

func (c call) Value(key any) any {
	if v := c.Context.Value(key); v != nil {
		return v
	}
	return c.connection.Value(key)
}

// call prepares ctx for one call of the bindings.
func (e *Engine) call(ctx context.Context) context.Context {
	return call{context.WithValue(ctx, attemptKey{}, new(attempt)), e.connection}
}

// attempt remembers how a call's request failed.
type attempt struct{ err error }

type attemptKey struct{}

// once lets a call make one request. The bindings make three where the first
// fails, although its body has been read by then: what the second and third
// fail with would hide the truth, and half an archive might be loaded.
type once struct{ transport *http.Transport }

func (o once) RoundTrip(request *http.Request) (*http.Response, error) {
	made, ok := request.Context().Value(attemptKey{}).(*attempt)
	if !ok {
		return o.transport.RoundTrip(request)
	}
	if made.err != nil {
		return nil, made.err
	}
	response, err := o.transport.RoundTrip(request)
	made.err = err
	return response, err
}

// CloseIdleConnections is what http.Client looks for to close them.
func (o once) CloseIdleConnections() { o.transport.CloseIdleConnections() }
