package podman

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
)

// serve lets handle play a service that does what no real one does on demand.
func serve(t *testing.T, handle http.HandlerFunc) runtimes.Engine {
	t.Helper()
	return serveVersion(t, "5.4.2", handle)
}

func serveVersion(t *testing.T, version string, handle http.HandlerFunc) runtimes.Engine {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/_ping") {
			w.Header().Set("Libpod-API-Version", version)
			return
		}
		handle(w, r)
	}))
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	e, err := Connect(t.Context(), runtimes.Endpoint{Runtime: trial.Podman, Address: "unix://" + socket})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func build(t *testing.T, ctx context.Context, e runtimes.Engine) (runtimes.ImageID, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return e.Build(ctx, runtimes.Build{Tag: "a/b:1", Context: dir}, func(runtimes.Progress) {})
}

func TestBuildEndings(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		stream string
		cut    bool
		id     runtimes.ImageID
		err    string
	}{
		"built":               {stream: `{"stream":"STEP 1/1: FROM scratch\n"}{"stream":"` + whole + `\n"}`, id: "sha256:" + whole},
		"failed":              {stream: `{"errorDetail":{"message":"exit status 7\n"},"error":"exit status 7\n"}`, err: "building image a/b:1: exit status 7"},
		"failed, before 5":    {stream: `{"error":"exit status 7"}`, err: "building image a/b:1: exit status 7"},
		"refused":             {status: 400, stream: `{"message":"bad parameter","response":400}`, err: "building image a/b:1: bad parameter"},
		"the service died":    {stream: `{"stream":"STEP 1/1: FROM scratch\n"}`, cut: true, err: "building image a/b:1: server probably quit: unexpected EOF"},
		"ended without image": {stream: `{"stream":"STEP 1/1: FROM scratch\n"}`, err: "building image a/b:1: decoding stream: EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			e := serve(t, func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				w.Header().Set("Content-Type", "application/json")
				if c.status != 0 {
					w.WriteHeader(c.status)
				}
				io.WriteString(w, c.stream)
				if c.cut {
					http.NewResponseController(w).Flush()
					panic(http.ErrAbortHandler)
				}
			})
			id, err := build(t, t.Context(), e)
			if err == nil {
				err = errors.New("")
			}
			if id != c.id || err.Error() != c.err {
				t.Errorf("built %q with the error %q, want %q and %q", id, err, c.id, c.err)
			}
		})
	}
}

// A build without a name asks for none: the service would refuse an empty one.
func TestABuildWithoutAName(t *testing.T) {
	var asked url.Values
	e := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Query()
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, `{"stream":"`+whole+`\n"}`)
	})
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch AS made\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	id, err := e.Build(t.Context(), runtimes.Build{Context: dir, Target: "made"}, func(runtimes.Progress) {})
	if err != nil || id != "sha256:"+whole || asked.Get("target") != "made" || asked.Has("t") || asked.Has("output") {
		t.Errorf("built %s, %v, with %v", id, err, asked)
	}
}

func TestCachesAreAskedFor(t *testing.T) {
	asked := make(chan url.Values, 1)
	e := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		asked <- r.URL.Query()
		io.WriteString(w, `{"stream":"`+whole+`\n"}`)
	})
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := runtimes.Build{Tag: "a/b:1", Context: dir, CacheFrom: "host:5000/warm", CacheTo: "host:5000/cold"}
	if _, err := e.Build(t.Context(), b, func(runtimes.Progress) {}); err != nil {
		t.Fatal(err)
	}
	if got := <-asked; got.Get("cachefrom") != `["host:5000/warm"]` || got.Get("cacheto") != `["host:5000/cold"]` {
		t.Errorf("asked for %v", got)
	}
}

// TestCancelledBuildOfADeafService checks that a service that ignores everything blocks nobody
// for longer than the grace.
func TestCancelledBuildOfADeafService(t *testing.T) {
	e := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		// A server notices that a client is gone after it has read its body.
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := build(t, ctx, e)
	if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took > grace+2*time.Second {
		t.Errorf("after %s: %v", took, err)
	}
}

// TestOneRequest checks that a request that failed halfway is not sent again.
func TestOneRequest(t *testing.T) {
	var requests atomic.Int32
	e := serve(t, func(http.ResponseWriter, *http.Request) {
		requests.Add(1)
		panic(http.ErrAbortHandler)
	})
	err := e.Load(t.Context(), strings.NewReader("an archive"))
	if err == nil || requests.Load() != 1 {
		t.Errorf("%d requests were made, the error is %v", requests.Load(), err)
	}
}

func TestNoAgentsOfSSH(t *testing.T) {
	e := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the service was asked to build") })
	_, err := e.Build(t.Context(), runtimes.Build{Tag: "a/b:1", Context: t.TempDir(), SSH: map[string]string{"default": "/run/agent"}}, func(runtimes.Progress) {})
	if !errors.Is(err, runtimes.ErrNoAgents) {
		t.Errorf("got %v", err)
	}
}

// TestWhatABuildIsGiven has a secret that is in no file, an ignore file and further contexts,
// which services before version 5.6 look for themselves.
func TestWhatABuildIsGiven(t *testing.T) {
	dir, proto := t.TempDir(), t.TempDir()
	for path, text := range map[string]string{dir + "/Dockerfile": "FROM base\n", dir + "/.containerignore": "*.log\n", dir + "/a.log": "", proto + "/a.proto": "", proto + "/.dockerignore": "*\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	names := func(r io.Reader) (all []string) {
		for archive := tar.NewReader(r); ; {
			h, err := archive.Next()
			if err != nil {
				return all
			}
			all = append(all, h.Name)
		}
	}
	const own = ".containerignore .stratbench-secret-word Dockerfile"
	for version, want := range map[string]struct{ sent, contexts string }{
		"4.3.1": {"application/x-tar " + own, `{"base":{"IsImage":true,"Value":"debian:13"},"proto":{"IsImage":false,"Value":"` + proto + `"}}`},
		"5.6.0": {"MainContext " + own + "; build-context-proto .dockerignore a.proto", "base=image:debian:13"},
	} {
		var asked url.Values
		var sent []string
		e := serveVersion(t, version, func(w http.ResponseWriter, r *http.Request) {
			asked = r.URL.Query()
			parts, err := r.MultipartReader()
			for err == nil {
				var part *multipart.Part
				if part, err = parts.NextPart(); err == nil {
					sent = append(sent, strings.Join(append([]string{part.FormName()}, sorted(names(part))...), " "))
				}
			}
			if len(sent) == 0 {
				sent = []string{strings.Join(append([]string{r.Header.Get("Content-Type")}, sorted(names(r.Body))...), " ")}
			}
			io.Copy(io.Discard, r.Body)
			io.WriteString(w, `{"stream":"`+whole+`\n"}`)
		})
		b := runtimes.Build{Tag: "a/b:1", Context: dir, SecretTexts: map[string]string{"word": "swordfish"},
			Contexts: map[string]string{"base": "docker-image://debian:13", "proto": proto}}
		if _, err := e.Build(t.Context(), b, func(runtimes.Progress) {}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(sent, "; "); got != want.sent {
			t.Errorf("%s: sent %s, want %s", version, got, want.sent)
		}
		if asked.Get("additionalbuildcontexts") != want.contexts || asked.Get("excludes") != `["*.log"]` || asked.Get("secrets") != `["id=word,src=.stratbench-secret-word"]` || strings.Contains(asked.Encode(), "swordfish") {
			t.Errorf("%s: asked for %v", version, asked)
		}
	}
}

func sorted(names []string) []string {
	slices.Sort(names)
	return names
}
