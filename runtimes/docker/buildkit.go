package docker

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"time"

	bkclient "github.com/moby/buildkit/client"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/auth"
	"github.com/moby/buildkit/session/auth/authprovider"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	"github.com/moby/buildkit/session/sshforward/sshprovider"
	"github.com/tonistiigi/fsutil"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/internal/buildcontext"
)

// Build implements runtimes.Engine. It uses the BuildKit inside the engine, over a
// connection of its own, so that parallel builds share nothing here.
func (e *Engine) Build(ctx context.Context, b runtimes.Build, report func(runtimes.Progress)) (_ runtimes.ImageID, err error) {
	defer runtimes.Doing(&err, "building %s", b)
	user, err := userConfig()
	if err != nil {
		return "", err
	}
	opt, err := solveOptions(b)
	if err != nil {
		return "", err
	}
	secrets, err := b.ReadSecrets()
	if err != nil {
		return "", err
	}
	logins := authprovider.NewDockerAuthProvider(authprovider.DockerAuthProviderConfig{ConfigFile: user})
	opt.Session = []session.Attachable{loginsOnDemand{logins.(auth.AuthServer)}, secretsprovider.FromMap(secrets)}
	if len(b.SSH) > 0 {
		// The build can sign with the sockets and keys that it is offered, and nothing else.
		var agents []sshprovider.AgentConfig
		for id, path := range b.SSH {
			agents = append(agents, sshprovider.AgentConfig{ID: id, Paths: []string{path}})
		}
		provider, err := sshprovider.NewSSHAgentProvider(agents)
		if err != nil {
			return "", fmt.Errorf("reading the build's ssh agents: %w", err)
		}
		opt.Session = append(opt.Session, provider)
	}
	// The build's own arguments win over the proxies that the user has set for this
	// engine.
	args := map[string]*string{}
	for name, value := range b.Args {
		args[name] = &value
	}
	for name, value := range user.ParseProxyConfig(e.api.DaemonHost(), args) {
		opt.FrontendAttrs["build-arg:"+name] = *value
	}
	if b.CacheFrom != "" {
		err := inStep(report, "import the cache", func() error {
			_, err := e.Pull(ctx, cacheImage(b.CacheFrom), true, io.Discard)
			return err
		})
		if err != nil {
			return "", err
		}
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
	if err == nil && b.CacheTo != "" {
		err = inStep(report, trial.ExportStep, func() error {
			if err := e.Tag(ctx, b.Tag, cacheImage(b.CacheTo)); err != nil {
				return err
			}
			return e.Push(ctx, cacheImage(b.CacheTo), true, io.Discard)
		})
	}
	if err != nil || b.Tag == "" {
		return "", err
	}
	// Engines that keep images in containerd name them by another digest than the
	// configuration's.
	for _, key := range []string{exptypes.ExporterImageDigestKey, exptypes.ExporterImageConfigDigestKey} {
		if id := answer.ExporterResponse[key]; id != "" {
			return runtimes.ImageID(id), nil
		}
	}
	return e.Image(ctx, b.Tag)
}

// cacheImage names the image that carries a cache. An engine that keeps images itself
// exports a cache in no other way than inside an image ("inline"), and imports it from
// an image that it has: so the image is pushed, and pulled.
func cacheImage(repository string) string { return repository + ":cache" }

// inStep reports work of this client as a step of the build.
func inStep(report func(runtimes.Progress), name string, work func() error) error {
	report(runtimes.Progress{Step: name, Started: time.Now()})
	err := work()
	ended := runtimes.Progress{Step: name, Ended: time.Now()}
	if err != nil {
		ended.Error = err.Error()
	}
	report(ended)
	return err
}

func solveOptions(b runtimes.Build) (bkclient.SolveOpt, error) {
	sent, err := fsutil.NewFS(b.Context)
	if err != nil {
		return bkclient.SolveOpt{}, fmt.Errorf("opening the build context: %w", err)
	}
	// "local" takes images in the store as they are and asks no registry.
	attrs := map[string]string{"filename": buildcontext.Dockerfile(b.Dockerfile), "image-resolve-mode": "local"}
	if b.NoCache {
		attrs["no-cache"] = ""
	}
	if b.Target != "" {
		attrs["target"] = b.Target
	}
	if b.Platform != "" {
		attrs["platform"] = b.Platform
	}
	mounts := map[string]fsutil.FS{"context": sent, "dockerfile": sent} // a Dockerfile may be a link within the context
	for name, context := range b.Contexts {
		// A frontend that does not know contexts would treat their names as images.
		attrs["frontend.caps"] = "moby.buildkit.frontend.contexts+forward"
		key := "context:" + buildcontext.Name(name)
		if _, isImage := trial.ImageContext(context); isImage {
			attrs[key] = context
			continue
		}
		if mounts["_"+name], err = fsutil.NewFS(context); err != nil {
			return bkclient.SolveOpt{}, fmt.Errorf("opening the context %s: %w", name, err)
		}
		attrs[key] = "local:_" + name
	}
	opt := bkclient.SolveOpt{
		Ref: b.ID,
		// docker build makes its key of the folder and the user's node.
		SharedKey:     fmt.Sprintf("%x", sha256.Sum256([]byte(b.Sender+"\x00"+b.Context))),
		Frontend:      "dockerfile.v0",
		FrontendAttrs: attrs,
		LocalMounts:   mounts,
	}
	if b.Tag != "" {
		opt.Exports = []bkclient.ExportEntry{{Type: "moby", Attrs: map[string]string{"name": b.Tag}}}
	}
	if b.CacheFrom != "" {
		opt.CacheImports = []bkclient.CacheOptionsEntry{{Type: "registry", Attrs: map[string]string{"ref": cacheImage(b.CacheFrom)}}}
	}
	if b.CacheTo != "" {
		opt.CacheExports = []bkclient.CacheOptionsEntry{{Type: "inline"}}
	}
	return opt, nil
}

func (e *Engine) dialBuildKit(ctx context.Context) (*bkclient.Client, error) {
	return bkclient.New(ctx, "",
		bkclient.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return e.hijack(ctx, "/grpc", "h2c", nil)
		}),
		bkclient.WithSessionDialer(func(ctx context.Context, proto string, meta map[string][]string) (net.Conn, error) {
			return e.hijack(ctx, "/session", proto, meta)
		}))
}

// hijack turns a request into a raw connection. Docker's client ignores ctx while it
// waits for the answer, so a stopped engine would block it forever.
func (e *Engine) hijack(ctx context.Context, path, proto string, meta map[string][]string) (net.Conn, error) {
	conn, _, err := runtimes.Await(ctx, func() (net.Conn, error) { return e.api.DialHijack(ctx, path, proto, meta) })
	return conn, err
}
