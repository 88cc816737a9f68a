// Package kube is a client for the small part of the Kubernetes API that the
// workload needs: ConfigMaps, over plain HTTPS.
package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

var (
	// ErrNotFound says that the object does not exist.
	ErrNotFound = errors.New("object not found")
	// ErrConflict says that the object changed since it was read.
	ErrConflict = errors.New("object was changed")
	// ErrGone says that a watch cannot go on from its resource version.
	ErrGone = errors.New("resource version is gone")
)

// Meta is the part of an object's metadata the workload reads and writes.
type Meta struct {
	Name            string            `json:"name,omitempty"`
	Namespace       string            `json:"namespace,omitempty"`
	ResourceVersion string            `json:"resourceVersion,omitempty"`
	Labels          map[string]string `json:"labels,omitempty"`
	Annotations     map[string]string `json:"annotations,omitempty"`
}

// ConfigMap is a Kubernetes ConfigMap.
type ConfigMap struct {
	APIVersion string            `json:"apiVersion,omitempty"`
	Kind       string            `json:"kind,omitempty"`
	Meta       Meta              `json:"metadata"`
	Data       map[string]string `json:"data,omitempty"`
}

// ConfigMapList is a list at one resource version.
type ConfigMapList struct {
	Meta  Meta        `json:"metadata"`
	Items []ConfigMap `json:"items"`
}

// Client is a connection to one API server.
type Client struct {
	base  string
	http  *http.Client
	token func() (string, error)
}

// New returns a client of the server at base. The token function may be nil
// when the HTTP client identifies itself with a certificate.
func New(base string, client *http.Client, token func() (string, error)) *Client {
	return &Client{base: strings.TrimSuffix(base, "/"), http: client, token: token}
}

// List returns the ConfigMaps of a namespace that match a label selector.
func (c *Client) List(ctx context.Context, namespace, selector string) (ConfigMapList, error) {
	var list ConfigMapList
	query := url.Values{"labelSelector": {selector}}
	err := c.call(ctx, http.MethodGet, path(namespace, "")+"?"+query.Encode(), nil, &list)
	return list, err
}

// Get reads one ConfigMap.
func (c *Client) Get(ctx context.Context, namespace, name string) (ConfigMap, error) {
	var object ConfigMap
	err := c.call(ctx, http.MethodGet, path(namespace, name), nil, &object)
	return object, err
}

// Create makes a ConfigMap.
func (c *Client) Create(ctx context.Context, object ConfigMap) (ConfigMap, error) {
	object.APIVersion, object.Kind = "v1", "ConfigMap"
	var made ConfigMap
	err := c.call(ctx, http.MethodPost, path(object.Meta.Namespace, ""), object, &made)
	return made, err
}

// Merge changes the fields that patch sets. With a resource version in the
// patch the object must still be at it, or ErrConflict is returned.
func (c *Client) Merge(ctx context.Context, namespace, name string, patch ConfigMap) (ConfigMap, error) {
	var merged ConfigMap
	err := c.call(ctx, http.MethodPatch, path(namespace, name), patch, &merged)
	return merged, err
}

// Delete removes a ConfigMap.
func (c *Client) Delete(ctx context.Context, namespace, name string) error {
	return c.call(ctx, http.MethodDelete, path(namespace, name), nil, nil)
}

func path(namespace, name string) string {
	joined := "/api/v1/namespaces/" + url.PathEscape(namespace) + "/configmaps"
	if name == "" {
		return joined
	}
	return joined + "/" + url.PathEscape(name)
}

// call sends in as JSON, unless it is nil, and reads the answer into out,
// unless that is nil.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	response, err := c.send(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(response.Body).Decode(out); err != nil {
		return fmt.Errorf("%s %s: read answer: %w", method, path, err)
	}
	return nil
}

// send returns a successful response, whose body the caller closes.
func (c *Client) send(ctx context.Context, method, path string, in any) (*http.Response, error) {
	request, err := c.request(ctx, method, path, in)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err // names the method and the address itself
	}
	if response.StatusCode < 300 {
		return response, nil
	}
	defer response.Body.Close()
	return nil, fmt.Errorf("%s %s: %w", method, path, refusal(response))
}

func (c *Client) request(ctx context.Context, method, path string, in any) (*http.Request, error) {
	var body io.Reader
	if in != nil {
		encoded, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("encode: %w", err)
		}
		body = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Content-Type", contentType(method))
	if c.token == nil {
		return request, nil
	}
	token, err := c.token()
	if err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	return request, nil
}

func contentType(method string) string {
	if method == http.MethodPatch {
		return "application/merge-patch+json"
	}
	return "application/json"
}

func refusal(response *http.Response) error {
	// The server's message helps, but a truncated answer is a refusal too.
	text, _ := io.ReadAll(io.LimitReader(response.Body, 1024))
	err := fmt.Errorf("%s: %s", response.Status, bytes.TrimSpace(text))
	switch response.StatusCode {
	case http.StatusNotFound:
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	case http.StatusConflict:
		return fmt.Errorf("%w: %w", ErrConflict, err)
	case http.StatusGone:
		return fmt.Errorf("%w: %w", ErrGone, err)
	default:
		return err
	}
}
