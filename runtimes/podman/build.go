package podman

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/containers/podman/v5/pkg/bindings"

	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/internal/buildcontext"
	"github.com/stratbench/stratbench/runtimes/internal/buildlog"
)

// Build implements runtimes.Engine.
//
// It does by itself what the bindings' images.Build does, on their connection.
// That one returns success when it is cancelled, sends a short context as if
// it were whole when a file cannot be read, loses the error text of Podman
// before version 5, and spends CPU time on compressing for a local socket.
func (e *Engine) Build(ctx context.Context, b runtimes.Build, report func(runtimes.Progress)) (runtimes.ImageID, error) {
	if len(b.SSH) > 0 {
		return "", fmt.Errorf("building image %s: %w", b.Tag, runtimes.ErrNoAgents)
	}
	steps := buildlog.NewSteps(report, new(lines).read)
	id, err := e.build(ctx, b, steps)
	steps.Close(err)
	if err != nil {
		return "", fmt.Errorf("building image %s: %w", b.Tag, err)
	}
	return id, nil
}

func (e *Engine) build(ctx context.Context, b runtimes.Build, steps *buildlog.Steps) (runtimes.ImageID, error) {
	m := markOf(b.ID)
	longer, release := e.untilEnded(ctx, m)
	defer release()
	id, err := e.request(e.call(longer), b, m, steps)
	if err != nil && e.local {
		// A service that died has left its commands running.
		killMarked(m)
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	return id, err
}

// untilEnded is the context of a build's request: one that outlasts ctx by what
// it takes to end the build, if that is in our power.
func (e *Engine) untilEnded(ctx context.Context, m mark) (context.Context, context.CancelFunc) {
	if !e.local {
		return context.WithCancel(ctx)
	}
	return graceful(ctx, m)
}

func (e *Engine) request(ctx context.Context, b runtimes.Build, m mark, steps *buildlog.Steps) (runtimes.ImageID, error) {
	client, err := bindings.GetClient(ctx)
	if err != nil {
		return "", err
	}
	dockerfile := buildcontext.Dockerfile(b.Dockerfile)
	// The service takes its secrets out of the context again, before it builds.
	secrets := map[string]string{}
	for id, path := range b.Secrets {
		secrets[secretPrefix+id] = path
	}
	sent, err := buildcontext.TarWith(secrets, b.Context, dockerfile, ".containerignore", ".dockerignore",
		dockerfile+".containerignore", dockerfile+".dockerignore")
	if err != nil {
		return "", err
	}
	defer sent.Close()
	parameters, err := e.parameters(b, dockerfile, m)
	if err != nil {
		return "", err
	}
	header, err := logins()
	if err != nil {
		return "", err
	}
	header.Set("Content-Type", "application/x-tar")
	answer, err := client.DoRequest(ctx, sent, http.MethodPost, "/build", parameters, header)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	if !answer.IsSuccess() {
		return "", answer.Process(nil)
	}
	return read(answer.Body, steps)
}

// secretPrefix begins the names of secrets on their way to the service.
const secretPrefix = ".stratbench-secret-"

// parameters are what podman build sends, defaults included: the service's
// own defaults are not those of the command.
func (e *Engine) parameters(b runtimes.Build, dockerfile string, m mark) (url.Values, error) {
	values := url.Values{
		"t":             {b.Tag},
		"output":        {b.Tag},
		"outputformat":  {"application/vnd.oci.image.manifest.v1+json"},
		"layers":        {"1"},
		"rm":            {"1"},
		"forcerm":       {"1"},
		"httpproxy":     {"1"},
		"identitylabel": {"1"},
		"isolation":     {"0"},
		"jobs":          {"1"},
		"networkmode":   {"0"},
		"pullpolicy":    {"missing"},
	}
	if b.NoCache {
		values.Set("nocache", "1")
	}
	if b.Target != "" {
		values.Set("target", b.Target)
	}
	if b.Platform != "" {
		values.Set("platform", b.Platform)
	}
	lists := map[string]any{
		"dockerfile": []string{dockerfile},
		// Without it the service puts builds into the host's network, which
		// podman build and Docker do not.
		"nsoptions": []map[string]any{{"Name": "network", "Host": false}},
	}
	if args := e.buildArgs(b.Args); len(args) > 0 {
		lists["buildargs"] = args
	}
	if len(b.Secrets) > 0 {
		var secrets []string
		for id := range b.Secrets {
			secrets = append(secrets, "id="+id+",src="+secretPrefix+id)
		}
		lists["secrets"] = secrets
	}
	if e.local {
		lists["ulimits"] = append(ulimits(), m.ulimit())
	}
	for name, list := range lists {
		text, err := json.Marshal(list)
		if err != nil {
			return nil, err
		}
		values.Set(name, string(text))
	}
	return values, nil
}

// read follows the build to its end. The image is named by the last line that
// is an ID and nothing else.
func read(answer io.Reader, steps *buildlog.Steps) (runtimes.ImageID, error) {
	var id string
	err := buildlog.Read(answer, func(m buildlog.Message) {
		if line := strings.TrimSuffix(m.Stream, "\n"); fullID.MatchString(line) {
			id = line
		}
		steps.Write([]byte(m.Stream))
	})
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		// These are the words of Podman's own client.
		return "", fmt.Errorf("server probably quit: %w", err)
	case err != nil:
		return "", err
	case id == "":
		return "", fmt.Errorf("decoding stream: %w", io.EOF)
	}
	return imageID(id), nil
}
