package controller

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/stratbench/stratbench/experiments/workload/internal/api"
)

// Upstream is the two services that the controller depends on.
type Upstream struct {
	Analysis  string
	Datastore string
	HTTP      *http.Client
}

// Analyse asks for a verdict.
func (u *Upstream) Analyse(ctx context.Context, incident api.Incident) (api.Verdict, error) {
	var verdict api.Verdict
	_, err := u.call(ctx, http.MethodPost, u.Analysis, "/v1/analyses", incident, &verdict)
	return verdict, err
}

// Store stores a finding.
func (u *Upstream) Store(ctx context.Context, id string, finding api.Finding) error {
	_, err := u.call(ctx, http.MethodPut, u.Datastore, "/v1/records/"+url.PathEscape(id), finding, nil)
	return err
}

// Forget removes a finding. One that does not exist is forgotten already.
func (u *Upstream) Forget(ctx context.Context, id string) error {
	code, err := u.call(ctx, http.MethodDelete, u.Datastore, "/v1/records/"+url.PathEscape(id), nil, nil)
	if code == http.StatusNotFound {
		return nil
	}
	return err
}

// Ready reports whether both services can do their work.
func (u *Upstream) Ready(ctx context.Context) error {
	for _, base := range []string{u.Analysis, u.Datastore} {
		if _, err := u.call(ctx, http.MethodGet, base, "/readyz", nil, nil); err != nil {
			return err
		}
	}
	return nil
}

// call returns the status code as soon as there is one, with an error when it
// is not a success.
func (u *Upstream) call(ctx context.Context, method, base, path string, in, out any) (int, error) {
	encoded, err := json.Marshal(in)
	if err != nil {
		return 0, fmt.Errorf("%s %s: encode: %w", method, path, err)
	}
	address := strings.TrimSuffix(base, "/") + path
	request, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(encoded))
	if err != nil {
		return 0, fmt.Errorf("%s %s: %w", method, address, err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := u.HTTP.Do(request)
	if err != nil {
		return 0, err // names the method and the address itself
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return response.StatusCode, fmt.Errorf("%s %s: read answer: %w", method, address, err)
	}
	if response.StatusCode >= 300 {
		return response.StatusCode, fmt.Errorf("%s %s: %s: %s", method, address, response.Status, bytes.TrimSpace(body))
	}
	if out == nil {
		return response.StatusCode, nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return response.StatusCode, fmt.Errorf("%s %s: read answer: %w", method, address, err)
	}
	return response.StatusCode, nil
}
