package podman

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/containers/podman/v5/pkg/bindings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/internal/buildcontext"
	"github.com/stratbench/stratbench/runtimes/internal/buildlog"
)

// Build implements runtimes.Engine.
//
// It does by itself, on the bindings' connection, what the bindings' images.Build
// does. images.Build returns success when it is cancelled, sends an incomplete
// context as if it were complete when a file cannot be read, loses the error text of
// Podman before version 5, and spends CPU time on compression for a local socket.
func (e *Engine) Build(ctx context.Context, b runtimes.Build, report func(runtimes.Progress)) (_ runtimes.ImageID, err error) {
	defer runtimes.Doing(&err, "building %s", b)
	if len(b.SSH) > 0 {
		return "", runtimes.ErrNoAgents
	}
	s := steps{report: report, lines: lines{cache: b.CacheTo}}
	defer func() { s.close(err) }()
	m := markOf(b.ID)
	longer, release := ctx, context.CancelFunc(func() {})
	if e.local {
		longer, release = graceful(ctx, m)
	}
	defer release()
	id, err := e.request(e.call(longer), b, m, &s)
	if err != nil && e.local {
		killMarked(m) // a service that died has left its commands running
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	return id, err
}

func (e *Engine) request(ctx context.Context, b runtimes.Build, m mark, s *steps) (runtimes.ImageID, error) {
	client, err := bindings.GetClient(ctx)
	if err != nil {
		return "", err
	}
	dockerfile := buildcontext.Dockerfile(b.Dockerfile)
	// The service removes the secrets from the context before it builds.
	secrets, err := b.ReadSecrets()
	if err != nil {
		return "", err
	}
	further := map[string][]byte{}
	for id, text := range secrets {
		further[secretPrefix+id] = text
	}
	ignoreFiles := buildcontext.IgnoreFiles(trial.Podman, dockerfile)
	excludes, _, err := buildcontext.Ignored(b.Context, ignoreFiles)
	if err != nil {
		return "", err
	}
	sent, err := buildcontext.Tar(further, b.Context, dockerfile, ignoreFiles...)
	if err != nil {
		return "", err
	}
	defer sent.Close()
	parameters, err := e.parameters(b, dockerfile, excludes, m)
	if err != nil {
		return "", err
	}
	header, err := logins()
	if err != nil {
		return "", err
	}
	header.Set("Content-Type", "application/x-tar")
	folders := map[string]string{}
	for name, context := range b.Contexts {
		if _, isImage := trial.ImageContext(context); !isImage && e.takesFolders() {
			folders[name] = context
		}
	}
	if len(folders) > 0 {
		var contentType string
		sent, contentType = together(sent, folders)
		defer sent.Close()
		header.Set("Content-Type", contentType)
	}
	answer, err := client.DoRequest(ctx, sent, http.MethodPost, "/build", parameters, header)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	if !answer.IsSuccess() {
		return "", answer.Process(nil)
	}
	return s.read(answer.Body)
}

// secretPrefix begins the names of secrets in the context that is sent.
const secretPrefix = ".stratbench-secret-"

// parameters are what podman build sends, with its defaults: the service's own
// defaults differ.
func (e *Engine) parameters(b runtimes.Build, dockerfile string, excludes []string, m mark) (url.Values, error) {
	values := url.Values{
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
	for name, value := range map[string]string{"t": b.Tag, "output": b.Tag, "target": b.Target, "platform": b.Platform} {
		if value != "" {
			values.Set(name, value)
		}
	}
	if b.NoCache {
		values.Set("nocache", "1")
	}
	lists := map[string]any{
		"dockerfile": []string{dockerfile},
		// Without it the service builds in the host's network, unlike podman build
		// and Docker.
		"nsoptions": []map[string]any{{"Name": "network", "Host": false}},
	}
	if args := e.buildArgs(b.Args); len(args) > 0 {
		lists["buildargs"] = args
	}
	if len(excludes) > 0 {
		// The service by itself prefers the context's ignore file to the Dockerfile's own.
		lists["excludes"] = excludes
	}
	var secrets []string
	for _, of := range []map[string]string{b.Secrets, b.SecretTexts} {
		for id := range of {
			secrets = append(secrets, "id="+id+",src="+secretPrefix+id)
		}
	}
	if len(secrets) > 0 {
		lists["secrets"] = secrets
	}
	found := map[string]any{} // on the service's host
	for name, context := range b.Contexts {
		switch ref, isImage := trial.ImageContext(context); {
		case !e.takesFolders():
			found[name] = map[string]any{"IsImage": isImage, "Value": ref}
		case isImage:
			values.Add("additionalbuildcontexts", name+"=image:"+ref)
		}
	}
	if len(found) > 0 {
		lists["additionalbuildcontexts"] = found
	}
	for name, repository := range map[string]string{"cachefrom": b.CacheFrom, "cacheto": b.CacheTo} {
		// Before version 4.4 the service takes one name, and no list.
		switch v := bindings.ServiceVersion(e.connection); {
		case repository == "":
		case v.Major < 4 || v.Major == 4 && v.Minor < 4:
			values.Set(name, repository)
		default:
			lists[name] = []string{repository}
		}
	}
	if e.local {
		lists["ulimits"] = append(slices.Clone(e.ulimits), m.ulimit())
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

// takesFolders reports whether the service takes the folders of further contexts, and
// does not look for them on its own host.
func (e *Engine) takesFolders() bool {
	v := bindings.ServiceVersion(e.connection)
	return v.Major > 5 || v.Major == 5 && v.Minor >= 6
}

// together sends the folders of further contexts beside the context, as podman build
// does: whole, because the service applies their ignore files.
func together(sent io.ReadCloser, folders map[string]string) (_ io.ReadCloser, contentType string) {
	r, w := io.Pipe()
	form := multipart.NewWriter(w)
	add := func(field string, tar io.ReadCloser, err error) error {
		if err != nil {
			return err
		}
		defer tar.Close()
		part, err := form.CreateFormFile(field, field+".tar")
		if err == nil {
			_, err = io.Copy(part, tar)
		}
		return err
	}
	go func() {
		err := add("MainContext", sent, nil)
		for _, name := range slices.Sorted(maps.Keys(folders)) {
			if err == nil {
				tar, opening := buildcontext.Tar(nil, folders[name], "")
				err = add("build-context-"+name, tar, opening)
			}
		}
		if err == nil {
			err = form.Close()
		}
		w.CloseWithError(err)
	}()
	return r, form.FormDataContentType()
}

// read follows the build to its end. The last line that consists of an ID names the
// image.
func (s *steps) read(answer io.Reader) (runtimes.ImageID, error) {
	var id string
	err := buildlog.Read(answer, func(text string) {
		if line := strings.TrimSuffix(text, "\n"); fullID.MatchString(line) {
			id = line
		}
		s.write([]byte(text))
	})
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		// Podman's own client says it in these words.
		return "", fmt.Errorf("server probably quit: %w", err)
	case err != nil:
		return "", err
	case id == "":
		return "", fmt.Errorf("decoding stream: %w", io.EOF)
	}
	return imageID(id), nil
}
