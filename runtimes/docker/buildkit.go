package docker

import (
	"context"
	"fmt"
	"net"
	"path/filepath"

	bkclient "github.com/moby/buildkit/client"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	"github.com/moby/buildkit/session/sshforward/sshprovider"
	"github.com/tonistiigi/fsutil"

	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/internal/buildcontext"
)

// buildWithBuildKit builds with the BuildKit inside the engine, over a
// connection of its own, so that parallel builds share nothing here.
func (e *Engine) buildWithBuildKit(ctx context.Context, b runtimes.Build, report func(runtimes.Progress)) (runtimes.ImageID, error) {
	user, err := userConfig()
	if err != nil {
		return "", err
	}
	opt, err := solveOptions(b)
	if err != nil {
		return "", err
	}
	secrets, err := openSecrets(b.Secrets)
	if err != nil {
		return "", err
	}
	opt.Session = []session.Attachable{newLogins(user), secrets}
	if len(b.SSH) > 0 {
		agents, err := openAgents(b.SSH)
		if err != nil {
			return "", err
		}
		opt.Session = append(opt.Session, agents)
	}
	for name, value := range e.buildArgs(user, b.Args) {
		opt.FrontendAttrs["build-arg:"+name] = *value
	}
	client, err := e.dialBuildKit(ctx)
	if err != nil {
		return "", err
	}
	defer client.Close()
	statuses := make(chan *bkclient.SolveStatus)
	steps := newVertices(report)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for s := range statuses {
			steps.take(s)
		}
	}()
	answer, err := client.Solve(ctx, nil, opt, statuses)
	<-done
	steps.close(err)
	if err != nil {
		return "", err
	}
	return e.built(ctx, b.Tag, answer)
}

// built is the ID of the image that was made. Engines that keep images in
// containerd name them by another digest than that of the configuration. Where
// BuildKit names neither, the tag leads to the image.
func (e *Engine) built(ctx context.Context, tag string, answer *bkclient.SolveResponse) (runtimes.ImageID, error) {
	for _, key := range []string{exptypes.ExporterImageDigestKey, exptypes.ExporterImageConfigDigestKey} {
		if id := answer.ExporterResponse[key]; id != "" {
			return runtimes.ImageID(id), nil
		}
	}
	return e.Image(ctx, tag)
}

func solveOptions(b runtimes.Build) (bkclient.SolveOpt, error) {
	dockerfile := filepath.Join(b.Context, filepath.FromSlash(buildcontext.Dockerfile(b.Dockerfile)))
	sent, err := fsutil.NewFS(b.Context)
	if err != nil {
		return bkclient.SolveOpt{}, fmt.Errorf("opening the build context: %w", err)
	}
	folder, err := fsutil.NewFS(filepath.Dir(dockerfile))
	if err != nil {
		return bkclient.SolveOpt{}, fmt.Errorf("opening the Dockerfile's folder: %w", err)
	}
	return bkclient.SolveOpt{
		Ref:           b.ID,
		Frontend:      "dockerfile.v0",
		FrontendAttrs: frontendAttrs(b, filepath.Base(dockerfile)),
		LocalMounts:   map[string]fsutil.FS{"context": sent, "dockerfile": folder},
		Exports:       []bkclient.ExportEntry{{Type: "moby", Attrs: map[string]string{"name": b.Tag}}},
	}, nil
}

func openSecrets(files map[string]string) (session.Attachable, error) {
	var sources []secretsprovider.Source
	for id, path := range files {
		sources = append(sources, secretsprovider.Source{ID: id, FilePath: path})
	}
	store, err := secretsprovider.NewStore(sources)
	if err != nil {
		return nil, fmt.Errorf("reading the build's secrets: %w", err)
	}
	return secretsprovider.NewSecretProvider(store), nil
}

// openAgents makes agents of ssh of sockets and keys. The build only gets to
// sign with them.
func openAgents(paths map[string]string) (session.Attachable, error) {
	var agents []sshprovider.AgentConfig
	for id, path := range paths {
		agents = append(agents, sshprovider.AgentConfig{ID: id, Paths: []string{path}})
	}
	provider, err := sshprovider.NewSSHAgentProvider(agents)
	if err != nil {
		return nil, fmt.Errorf("reading the build's agents of ssh: %w", err)
	}
	return provider, nil
}

func frontendAttrs(b runtimes.Build, dockerfile string) map[string]string {
	attrs := map[string]string{
		"filename": dockerfile,
		// What is in the store is used as it is: no registry is asked.
		"image-resolve-mode": "local",
	}
	if b.NoCache {
		attrs["no-cache"] = ""
	}
	if b.Target != "" {
		attrs["target"] = b.Target
	}
	if b.Platform != "" {
		attrs["platform"] = b.Platform
	}
	return attrs
}

func (e *Engine) dialBuildKit(ctx context.Context) (*bkclient.Client, error) {
	return bkclient.New(ctx, "", bkclient.WithContextDialer(e.dialControl), bkclient.WithSessionDialer(e.dialSession))
}

func (e *Engine) dialControl(ctx context.Context, _ string) (net.Conn, error) {
	return e.hijack(ctx, "/grpc", "h2c", nil)
}

func (e *Engine) dialSession(ctx context.Context, proto string, meta map[string][]string) (net.Conn, error) {
	return e.hijack(ctx, "/session", proto, meta)
}

// hijack turns a request into a raw connection. Docker's client waits for the
// answer without looking at ctx, so a stopped engine would hold it for ever.
func (e *Engine) hijack(ctx context.Context, path, proto string, meta map[string][]string) (net.Conn, error) {
	type result struct {
		conn net.Conn
		err  error
	}
	dialled := make(chan result, 1)
	go func() {
		conn, err := e.api.DialHijack(ctx, path, proto, meta)
		dialled <- result{conn, err}
	}()
	select {
	case r := <-dialled:
		return r.conn, r.err
	case <-ctx.Done():
		go func() {
			if r := <-dialled; r.err == nil {
				r.conn.Close()
			}
		}()
		return nil, ctx.Err()
	}
}
