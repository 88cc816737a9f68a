package run

import (
	"context"
	"errors"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/stratbench/stratbench/experiments/plan"
	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/issue"
	"github.com/stratbench/stratbench/internal/trial"
)

// mistake is one that people make in a layout, with the position and the cure that
// are reported.
type mistake struct{ file, old, new, at, cure string }

// layouts are small set-ups of the kinds that public projects have, each in a
// folder of testdata/layouts.
var layouts = map[string]mistake{
	"address-pool":        {"workload.yaml", "namespace: harbour, valuesFiles", "namespace: harbour, createNamespace: true, valuesFiles", "workload.yaml:13:61", "take the key out"},
	"aggregated-api":      {"scaled.yaml", "autoscaling/v2", "autoscaling/v2beta2", "scaled.yaml:1:13", "write autoscaling/v2"},
	"audit-log":           {"workload.yaml", "platform: linux/amd64", "platforms: [linux/amd64, linux/arm64]", "workload.yaml:5:85", "write platform, with a single one"},
	"build-secrets":       {"workload.yaml", "secrets/token", "secrets/tokens", "workload.yaml:7:44", "give the path of a file"},
	"build-ssh":           {"Dockerfile", "id=vendor", "id=vendors", "Dockerfile:4:25", "give it under ssh"},
	"build-targets":       {"workload.yaml", "target: worker", "target: wroker", "workload.yaml:5:74", "correct the target: there are modules, build"},
	"chart-of-charts":     {"workload.yaml", "namespace: mills", "namespace: mills, skipCrds: true", "workload.yaml:7:59", "install the chart by a command"},
	"chart-lookup":        {"workload.yaml", "{account: master}", "{acount: master}", "charts/crew/templates/crew.yaml:5:25", "or the values that it is given"},
	"fake-nodes":          {"workload.yaml", "}, timeout: 2m}", ", timeout: 2m}}", "workload.yaml:10:85", "write timeout beside wait"},
	"helm-dependencies":   {"chart/Chart.yaml", "name: mill", "name: windmill", "workload.yaml:10:14", "run helm dependency build"},
	"helm-registry":       {"workload.yaml", "till:1.2.0", "till:1.3.0", "workload.yaml:8:19", "keep a copy beside the workload"},
	"hooks":               {"workload.yaml", "deploy: {before", "deployment: {before", "workload.yaml:9:3", "known are build, cluster, deploy"},
	"image-chain":         {"experiment.yaml", "[serial, base-first]", "[serial, parallel]", "experiment.yaml:6:30", "or stages of your own under strategies"},
	"image-commands":      {"workload.yaml", "dir: crane}", "dir: crane, platform: linux/amd64}", "workload.yaml:10:105", "take one of the two out"},
	"kustomize-overlays":  {"config/default/kustomization.yaml", "../manager", "../mananger", "config/default/kustomization.yaml:3:30", "correct the path"},
	"kustomize-parts":     {"deploy/parts/steady/kustomization.yaml", "two.yaml", "three.yaml", "deploy/parts/steady/kustomization.yaml:4:18", "correct the path, which is relative to the kustomization"},
	"labelled-nodes":      {"kind.yaml", "disk: fast", "disk: fsat", "barn.yaml:20:21", "under labels of a node in the Kind configuration"},
	"linked-folders":      {"repo/api/.dockerignore", "!core/**\n", "", "api/Dockerfile:4:6", "add an exception: !core/index.js"},
	"make-deploy":         {"workload.yaml", "./hack/make-secrets.sh", "./hack/secrets.sh", "workload.yaml:6:31", "build it before the run"},
	"migration-job":       {"k8s/migrate.yaml", "Never", "Always", "k8s/migrate.yaml:8:7", "write one of them"},
	"monorepo":            {"tests/e2e/workload.yaml", "dockerfile: services/cart", "dockerfile: ../services/cart", "tests/e2e/workload.yaml:5:80", "a wider context"},
	"mounts-and-ports":    {"kind/cluster.yaml", "../sites", "../site", "kind/cluster.yaml:19:20", "correct the path"},
	"named-contexts":      {"workload.yaml", "{patterns: patterns", "{pattern: patterns", "cloth/Dockerfile:2:13", "list it under contexts of the image"},
	"no-dockerfile":       {"workload.yaml", "{{cluster}}-east", "{{clusters}}-east", "workload.yaml:5:27", "did you mean cluster?"},
	"nothing-built":       {"experiment.yaml", "  nodeImage:", "  strategy: [serial, parallel]\n  nodeImage:", "experiment.yaml:6:3", "take the factor out"},
	"operator-kinds":      {"operator.yaml", "watch, create]", "watch]", "tree.yaml:2:7", "list the file with its CustomResourceDefinition"},
	"own-network":         {"network/agent.yaml", "kind: DaemonSet", "kind: Deployment", "kind.yaml:4:22", "deploy one, take disableDefaultCNI out"},
	"prebuilt-binaries":   {"workload.yaml", "  build: {before", "  deploy: {before", "ferry/Dockerfile:2:6", "create it first, for example by hooks"},
	"private-registry":    {"experiment.yaml", "registry.depot.test/e2e", "https://registry.depot.test/e2e", "experiment.yaml:6:22", "write host[:port][/path]"},
	"stateful-volumes":    {"vault.yaml", "standard", "fast", "vault.yaml:25:27", "take storageClassName out"},
	"suite-deploys":       {"kind/v1.31.yaml", "kind: JoinConfiguration", "kind: JoinConfig", "kind/v1.31.yaml:9:9", "write one of ClusterConfiguration"},
	"suite-with-marks":    {"workload.yaml", "timeout: 40m", "manifests: [m]", "workload.yaml:9:3", "setup"},
	"suite-with-patterns": {"workload.yaml", `"^\\[build\\]"`, `"^[build"`, "workload.yaml:9:20", `put \ before characters`},
	"third-party-images":  {"apps/queue/queue.yaml", "rabbitmq:4", "rabbitmq:4-management", "apps/queue/queue.yaml:10:32", "correct its name"},
	"three-nodes":         {"kind.yaml", "labels:", "label:", "kind.yaml:7:1", "correct it by Kind's documentation"},
	"webhook-first":       {"workload.yaml", "yaml#sha256=", "yaml#sha256=0", "workload.yaml:9:13", "add #sha256="},
}

// doubts are what is rightly warned of in layouts as they are.
var doubts = map[string]string{
	"prebuilt-binaries": "ferry/Dockerfile:2:6: bin/ferry is not in the context ferry, so the hook before build must make it\n" +
		"workload.yaml:13:18: the test command: stat bin/e2e.test: no such file or directory, unless a hook makes it; correct its path, or build it before the run",
	"operator-kinds": "tree.yaml:2:7: Tree apple: no Tree of orchard.test/v1 is known to the cluster, and none of the manifests defines it; stratbench waits for it, because something in the cluster may define it",
}

// published are the images that the layouts take from elsewhere.
var published = []string{
	"docker.io/library/golang:1.26", "docker.io/library/node:22", "docker.io/library/nginx:1.29", "docker.io/library/python:3.14", "docker.io/library/debian:13",
	"gcr.io/distroless/static:nonroot", "registry.depot.test/base/python:3.14",
	"docker.io/library/postgres:17", "docker.io/library/redis:8", "docker.io/library/rabbitmq:4", "quay.io/minio/minio:latest", "quay.io/passports/webhook:v2", "quay.io/tills/till:v1",
}

// playInternet has a server of the test answer for every host: as a registry
// of the published images, and as https://files.test with the folder remote of
// a layout; and a socket be the user's ssh agent. They are fakes; what asks
// is real.
func playInternet(t *testing.T, layout string) {
	t.Helper()
	images := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	files := http.FileServerFS(os.DirFS(filepath.Join(layout, "remote")))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if below, ok := strings.CutPrefix(r.URL.Path, "/of/files.test/v2/"); ok {
			r.URL.Path = "/" + below
			files.ServeHTTP(w, r)
			return
		}
		r.URL.Path = r.URL.Path[strings.Index(r.URL.Path, "/v2/"):]
		images.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	before := http.DefaultTransport
	t.Cleanup(func() { http.DefaultTransport = before })
	http.DefaultTransport = diverted{before, at.Host}
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	agent, err := net.Listen("unix", filepath.Join(t.TempDir(), "agent"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { agent.Close() })
	t.Setenv("SSH_AUTH_SOCK", agent.Addr().String())
	publish := func(image string, made v1.Image) {
		ref, err := name.ParseReference(image)
		if err == nil {
			err = remote.Write(ref, made, remote.WithTransport(http.DefaultTransport))
		}
		if err != nil {
			t.Fatalf("publishing %s: %v", image, err)
		}
	}
	for _, image := range published {
		made, err := random.Image(64, 1)
		if err != nil {
			t.Fatal(err)
		}
		publish(image, made)
	}
	archive, err := os.ReadFile("testdata/layouts/helm-registry/remote/till-1.2.0.tgz")
	if err != nil {
		t.Fatal(err)
	}
	chart, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), static.NewLayer(archive, chartLayer))
	if err != nil {
		t.Fatal(err)
	}
	publish("quay.io/tills/charts/till:1.2.0", chart)
}

// diverted sends every request to one server.
type diverted struct {
	http.RoundTripper
	to string
}

func (d diverted) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Path = "/of/" + r.URL.Host + r.URL.Path
	r.URL.Scheme, r.URL.Host = "http", d.to
	return d.RoundTripper.RoundTrip(r)
}

// validated loads, plans and inspects a layout, as validate does, against an
// engine of a user's that reaches registries.
func validated(t *testing.T, dir string) (certain, possible string) {
	t.Helper()
	shown := func(list *issue.List) string { return strings.ReplaceAll(list.Error(), dir+"/", "") }
	var list *issue.List
	s, err := spec.Load(filepath.Join(dir, "experiment.yaml"))
	if errors.As(err, &list) {
		return shown(list), ""
	} else if err != nil {
		t.Fatal(err)
	}
	planned := plan.Make(s, 1)
	if len(planned.Trials) < 4 {
		t.Errorf("only %d trials are planned", len(planned.Trials))
	}
	engine := usersSite()
	engine.has = func(ctx context.Context, ref string, by use) (error, error) {
		if by == asNode {
			return nil, nil
		}
		_, _, err := lookUp(ctx, spec.FullName(ref))
		return judge(engine.name, ref, err, by.cure())
	}
	r := newRunner(Options{Spec: s, Plan: planned})
	if r.cache, err = CacheDir(); err != nil {
		t.Fatal(err)
	}
	for _, runtime := range trial.Runtimes() {
		r.places[runtime] = fakePlace{known: engine}
	}
	if err := r.preflight(t.Context()); errors.As(err, &list) {
		certain = shown(list)
	} else if err != nil {
		t.Fatal(err)
	}
	return certain, shown(&issue.List{List: r.warnings})
}

// TestLayouts has every layout validated as it is, and with a mistake.
func TestLayouts(t *testing.T) {
	folders, err := filepath.Glob("testdata/layouts/*/experiment.yaml")
	if err != nil || len(folders) < 15 {
		t.Fatalf("there are %d layouts (%v), and at least 15 are wanted", len(folders), err)
	}
	var names []string
	for _, file := range folders {
		names = append(names, filepath.Base(filepath.Dir(file)))
	}
	if known := slices.Sorted(maps.Keys(layouts)); !slices.Equal(known, names) {
		t.Fatalf("the folders are %q, and the mistakes are of %q", names, known)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			from, m := filepath.Join("testdata/layouts", name), layouts[name]
			playInternet(t, from)
			good := filepath.Join(t.TempDir(), name)
			if err := errors.Join(os.CopyFS(good, os.DirFS(from)), os.Mkdir(filepath.Join(good, ".git"), 0o755)); err != nil { // the top of a repository
				t.Fatal(err)
			}
			if certain, possible := validated(t, good); certain != "" || possible != doubts[name] {
				t.Errorf("as it is, got\n%s\n%s\nwant only the warning %q", certain, possible, doubts[name])
			}
			file := filepath.Join(good, m.file)
			text, err := os.ReadFile(file)
			if err != nil || strings.Count(string(text), m.old) != 1 {
				t.Fatalf("%s (%v) has %q %d times", m.file, err, m.old, strings.Count(string(text), m.old))
			}
			if err := os.WriteFile(file, []byte(strings.Replace(string(text), m.old, m.new, 1)), 0o644); err != nil {
				t.Fatal(err)
			}
			certain, _ := validated(t, good)
			if want := `(?m)^` + regexp.QuoteMeta(m.at) + `: .*` + regexp.QuoteMeta(m.cure); !regexp.MustCompile(want).MatchString(certain) || strings.Count(certain, "\n") > 0 {
				t.Errorf("with the mistake, got\n%s\nwant one issue with %s: … %s", certain, m.at, m.cure)
			}
		})
	}
}
