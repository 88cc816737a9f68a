package run

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/pipeline/deploy"
)

// prepared is a deployment that was read, built and rendered: what every trial
// of the run applies.
type prepared struct {
	steps []deploy.Step
	errs  []error
}

// deploymentKey tells deployments apart: by their steps, and by what says which
// Kubernetes they are prepared for.
func deploymentKey(s spec.Settings, w spec.Workload) (string, error) {
	key, err := json.Marshal([]any{s.Runtime, s.NodeImage, w.KindConfig, w.Steps()})
	if err != nil {
		return "", fmt.Errorf("preparing the deployment: %w", err)
	}
	return string(key), nil
}

// prepareDeployment prepares the deployment of a cell, once for the run: what
// was inspected is what is applied.
func (r *runner) prepareDeployment(ctx context.Context, s spec.Settings, w spec.Workload, server deploy.Server) (prepared, error) {
	key, err := deploymentKey(s, w)
	if err != nil {
		return prepared{}, err
	}
	if p, known := r.deployments[key]; known {
		return p, nil
	}
	var p prepared
	sources, errs := sourcesOfSteps(ctx, w.Steps())
	if p.errs = errs; len(errs) == 0 {
		p.steps, p.errs = deploy.Prepare(deploy.WithNames(sources), server)
	}
	r.deployments[key] = p
	return p, nil
}

// deployment is the trial's, as it was prepared when its cell was inspected.
func (x *execution) deployment() ([]deploy.Step, error) {
	key, err := deploymentKey(x.settings, x.workload)
	if err != nil {
		return nil, err
	}
	return x.r.deployments[key].steps, nil
}

// sourcesOfSteps are the steps of a workload, with what is elsewhere fetched.
func sourcesOfSteps(ctx context.Context, steps []spec.Step) (sources []deploy.Source, errs []error) {
	for i, s := range steps {
		source := deploy.Source{Name: s.Name, Kustomize: s.Kustomize, Timeout: time.Duration(s.Timeout)}
		local := func(part, file string) string {
			file, err := fetched(ctx, file)
			if err != nil {
				errs = append(errs, &deploy.SourceError{Source: i, Part: part, Err: err})
			}
			return file
		}
		for n, file := range s.Apply {
			source.Apply = append(source.Apply, local(fmt.Sprintf("apply.%d", n), file))
		}
		if h := s.Helm; h != nil {
			source.Chart = &deploy.Chart{Path: local("helm.chart", h.Chart), Release: h.Release, Namespace: h.Namespace, ValuesFiles: h.ValuesFiles, Values: h.Values}
		}
		if len(s.Command) > 0 {
			source.Command = &deploy.Command{Args: s.Command, Dir: s.Dir, Env: s.Env}
		}
		if s.Wait != nil {
			source.Wait = &deploy.Condition{For: s.Wait.For, Object: s.Wait.Object, Namespace: s.Wait.Namespace, Selector: s.Wait.Selector}
		}
		sources = append(sources, source)
	}
	return sources, errs
}

// What a file of a deployment may take to be fetched, and its size.
const (
	fetchLimit  = time.Minute
	largestFile = 64 << 20
)

// fetched is the path of a file: itself, or of a URL the copy in the cache with
// its checksum, which is fetched if it is not there.
func fetched(ctx context.Context, file string) (string, error) {
	address, sum, remote := spec.Remote(file)
	if !remote {
		return file, nil
	}
	cache, err := CacheDir()
	if err != nil {
		return "", err
	}
	kept := filepath.Join(cache, "fetched", sum, path.Base(address))
	if text, err := os.ReadFile(kept); err == nil && sumOf(text) == sum {
		return kept, nil
	}
	text, err := fetch(ctx, address)
	switch {
	case err != nil:
		return "", fmt.Errorf("fetching %s: %w; see that this host reaches it, or keep a copy beside the workload and name that", address, err)
	case sumOf(text) != sum:
		return "", fmt.Errorf("what is at %s has the checksum %s, and not the one that is given; see whether it is what is wanted, and correct the checksum", address, sumOf(text))
	}
	if err = os.MkdirAll(filepath.Dir(kept), 0o755); err == nil {
		err = os.WriteFile(kept+".new", text, 0o644)
	}
	if err == nil {
		err = os.Rename(kept+".new", kept)
	}
	if err != nil {
		return "", fmt.Errorf("keeping what was fetched from %s: %w", address, err)
	}
	return kept, nil
}

func fetch(ctx context.Context, address string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchLimit)
	defer cancel()
	if strings.HasPrefix(address, spec.OCI) {
		return fetchChart(ctx, address)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, errors.New("the server answers " + answer.Status)
	}
	return readWhole(answer.Body)
}

// readWhole reads a file that is no larger than one of a deployment may be.
func readWhole(from io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(from, largestFile+1))
	if err == nil && len(text) > largestFile {
		err = fmt.Errorf("it is larger than %d MiB", largestFile>>20)
	}
	return text, err
}

func sumOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
