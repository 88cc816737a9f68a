package run

import (
	"context"
	"crypto/ed25519"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/stratbench/stratbench/experiments/plan"
	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/issue"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes/machine"
)

// fakePlace stands for a place that this host may not have. What is known
// of it is given; nothing is ever started there.
type fakePlace struct {
	place
	known *site
}

func (p fakePlace) kind() machine.Kind                        { return machine.Isolated }
func (p fakePlace) check(resolved) error                      { return nil }
func (p fakePlace) site(context.Context, spec.Settings) *site { return p.known }

// isolatedSite is what is known of isolated machines, on any host.
func isolatedSite(t *testing.T) *site {
	s := (&isolatedPlace{cache: t.TempDir()}).site(t.Context(), spec.Settings{})
	s.problems = nil // this host's disk is not what is tested
	return s
}

// usersSite is a user's engine on this host, which reaches docker.io/here alone.
func usersSite() *site {
	return &site{name: "the docker engine at unix:///run/docker.sock", sharesPorts: true, lookPath: func(string) error { return nil },
		has: func(_ context.Context, ref string, by use) (error, error) {
			if strings.HasPrefix(spec.FullName(ref), "docker.io/here/") || strings.HasPrefix(ref, "kindest/node:") {
				return nil, nil
			}
			return judge("the engine", ref, fmt.Errorf("asking the registry for %s: manifest unknown", ref), by.cure())
		}}
}

// works is an experiment that works in both places.
func works() map[string]string {
	return map[string]string{
		"exp.yaml": "apiVersion: stratbench/v1\nname: e\nworkload: w.yaml\nsettings: {runtime: docker}\nfactors: {strategy: [serial, parallel]}\n",
		"w.yaml": "apiVersion: stratbench/v1\nimages:\n  - {name: app, tag: \"localhost/app:e2e\", context: img}\nkindConfig: kind.yaml\nmanifests: [m]\n" +
			"ready: {urls: [\"http://127.0.0.1:18080/\"]}\ntest: {command: [./test.sh]}\n",
		"img/Dockerfile": "ARG GO_IMAGE=golang\nFROM scratch\n",
		"kind.yaml":      "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnodes:\n- role: control-plane\n  extraPortMappings: [{containerPort: 30080, hostPort: 18080}]\n",
		"m/pod.yaml":     "apiVersion: v1\nkind: Pod\nmetadata: {name: app}\nspec:\n  containers:\n  - {name: app, image: \"localhost/app:e2e\"}\n",
		"m/port.yaml":    "apiVersion: v1\nkind: Service\nmetadata: {name: app}\nspec: {type: NodePort, ports: [{port: 80, nodePort: 30080}]}\n",
		"test.sh":        "#!/bin/sh\n",
	}
}

// inspected returns the issues and the warnings of files in a place.
func inspected(t *testing.T, files map[string]string, s *site) (certain, possible string) {
	t.Helper()
	r, err := preflighted(t, files, s)
	dir := filepath.Dir(r.spec.Path)
	if err != nil {
		var list *issue.List
		if !errors.Is(err, ErrCannotRun) || !errors.As(err, &list) {
			t.Fatal(err)
		}
		certain = strings.ReplaceAll(list.Error(), dir+"/", "")
	}
	return certain, strings.ReplaceAll((&issue.List{List: r.warnings}).Error(), dir+"/", "")
}

// preflighted is a runner for files in a place, after it has inspected them.
func preflighted(t *testing.T, files map[string]string, s *site) (*runner, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "/") {
			if err := os.Mkdir(path, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	spec, err := spec.Load(filepath.Join(dir, "exp.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	r := newRunner(Options{Spec: spec, Plan: plan.Make(spec, 1)})
	if r.cache, err = CacheDir(); err != nil {
		t.Fatal(err)
	}
	for _, runtime := range trial.Runtimes() {
		r.places[runtime] = fakePlace{known: s}
	}
	return r, r.preflight(t.Context())
}

func TestRefusedCellsAreNotCounted(t *testing.T) {
	files := works()
	files["exp.yaml"] = "apiVersion: stratbench/v1\nname: e\nworkload: w.yaml\nsettings: {runtime: docker}\nfactors: {strategy: [serial, registry], load.path: [archive, node-pull]}\n"
	r, err := preflighted(t, files, usersSite())
	if err != nil {
		t.Fatal(err)
	}
	if p := r.found().Plan; len(p.Cells) != 3 || len(p.Trials) != 16 || len(r.plan.Cells) != 4 || len(r.refused) != 1 {
		t.Errorf("of 4 cells, %d are left with %d trials; %d are refused", len(p.Cells), len(p.Trials), len(r.refused))
	}
}

// tunnelledSite is a user's engine on another host, which is reached by ssh.
func tunnelledSite() *site {
	s := usersSite()
	s.elsewhere, s.tunnel = "192.0.2.1", true
	return s
}

func TestWhatWorksIsNotRefused(t *testing.T) {
	for name, s := range map[string]*site{"isolated": isolatedSite(t), "a user's": usersSite(), "a user's, by ssh": tunnelledSite()} {
		if certain, possible := inspected(t, works(), s); certain+possible != "" {
			t.Errorf("%s: got\n%s\n%s", name, certain, possible)
		}
	}
}

func TestWhatCannotWorkIsRefused(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	elsewhere := func(*testing.T) *site { s := usersSite(); s.elsewhere, s.sharesPorts = "192.0.2.1", false; return s }
	users := func(*testing.T) *site { return usersSite() }
	tunnelled := func(*testing.T) *site { return tunnelledSite() }
	noPrograms := func(*testing.T) *site {
		s := usersSite()
		s.lookPath = func(program string) error { return fmt.Errorf("no %s here", program) }
		return s
	}
	const kind = "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n"
	const urls = "nodes:\n- role: control-plane\n  extraPortMappings: [{containerPort: 30080, hostPort: 18080}]\n"
	for name, c := range map[string]struct {
		site             func(*testing.T) *site
		file, text, want string
	}{
		"base image":          {isolatedSite, "img/Dockerfile", "FROM golang:1.25\n", "img/Dockerfile:1:6: the build of app begins with golang:1.25: it is not on an isolated machine"},
		"base image, gone":    {users, "img/Dockerfile", "FROM here/a AS a\nFROM nowhere/b\nCOPY --from=a /a /a\n", "img/Dockerfile:2:6: the build of app begins with nowhere/b: it is not on the engine and cannot be fetched"},
		"its own base image":  {users, "img/Dockerfile", "FROM localhost/app:e2e\n", "img/Dockerfile:1:6: the build of app begins with localhost/app:e2e, which is this image itself"},
		"a pod's image, gone": {users, "m/pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: app}\nspec: {containers: [{name: a, image: nowhere/a}]}\n", "correct its name (in a kustomization: under images), give an image of the workload that tag"},
		"frontend":            {isolatedSite, "img/Dockerfile", "# syntax=docker/dockerfile:1\nFROM scratch\n", "img/Dockerfile:1:10: the build of app asks for the frontend docker/dockerfile:1"},
		"line of a shell":     {isolatedSite, "w.yaml", strings.Replace(works()["w.yaml"], "./test.sh", "\"make e2e && make check\"", 1), `w.yaml:7:18: the test command: no shell reads it, and "make e2e && make check" is the name of one program; write [sh, -c, "make e2e && make check"]`},
		"fetch":               {isolatedSite, "img/Dockerfile", "FROM scratch\nADD https://x.test/a /a\n", "img/Dockerfile:2:5: https://x.test/a is fetched, and an isolated machine has no way out"},
		"image of a manifest": {isolatedSite, "m/pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: app}\nspec:\n  containers:\n  - {name: db, image: postgres}\n", "m/pod.yaml:6:23: Pod app needs postgres, which the workload neither builds nor preloads: an isolated machine has no way out"},
		"base of the lab":     {isolatedSite, "m/pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: app}\nspec: {containers: [{name: a, image: \"stratbench.local/run:bookworm\"}]}\n", "Pod app needs stratbench.local/run:bookworm"},
		"asked for each time": {users, "m/pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: app}\nspec: {containers: [{name: a, image: \"localhost/app:e2e\", imagePullPolicy: Always}]}\n", "the node asks the registry for localhost/app:e2e each time"},
		"control planes":      {isolatedSite, "kind.yaml", kind + urls + "- role: control-plane\n", "kind.yaml:6:3: for several control planes Kind needs the image of a load balancer"},
		"node image":          {isolatedSite, "kind.yaml", kind + urls + "  image: kindest/node:v1.30.0\n", "kind.yaml:6:10: the node image kindest/node:v1.30.0 would be replaced by the lab's"},
		"setting":             {isolatedSite, "exp.yaml", "apiVersion: stratbench/v1\nname: e\nworkload: w.yaml\nsettings: {runtime: docker, strategy: serial}\nfactors: {nodeImage: [\"kindest/node:v1.30.0\"]}\n", "exp.yaml:5:23: the node image is kindest/node:v1.30.0: it is not on an isolated machine"},
		"node image, gone":    {users, "kind.yaml", kind + urls + "  image: mine/node:v1\n", "kind.yaml:6:10: the node image is mine/node:v1: it is not on the engine and cannot be fetched"},
		"network too late":    {users, "kind.yaml", kind + urls + "networking: {disableDefaultCNI: true}\n", "kind.yaml:6:33: without its default network no node becomes ready"},
		"taken port":          {users, "kind.yaml", kind + fmt.Sprintf("nodes:\n- extraPortMappings: [{containerPort: 1, hostPort: %d, listenAddress: 127.0.0.1}]\n", port), fmt.Sprintf("kind.yaml:4:52: port %d/tcp of this host is taken", port)},
		"taken API port":      {users, "kind.yaml", kind + urls + fmt.Sprintf("networking: {apiServerPort: %d}\n", port), fmt.Sprintf("kind.yaml:6:29: port %d/tcp of this host is taken", port)},
		"no answer":           {isolatedSite, "kind.yaml", kind, "w.yaml:6:16: no node publishes port 18080"},
		"another host":        {elsewhere, "test.sh", "", "exp.yaml:4:21: the docker engine at 192.0.2.1 runs on another host: its cluster listens at that host's 127.0.0.1"},
		"port of a tunnel":    {tunnelled, "kind.yaml", kind + fmt.Sprintf("nodes:\n- extraPortMappings: [{containerPort: 1, hostPort: %d}]\n", port), fmt.Sprintf("kind.yaml:4:52: the tunnel to 192.0.2.1 must listen here at the port that the cluster publishes there, and cannot: listen tcp 127.0.0.1:%d: bind: address already in use; end what", port)},
		"API of a tunnel":     {tunnelled, "kind.yaml", kind + urls + fmt.Sprintf("networking: {apiServerPort: %d}\n", port), "kind.yaml:6:29: the tunnel to 192.0.2.1 must listen here"},
		"mount":               {isolatedSite, "kind.yaml", kind + urls + "  extraMounts: [{hostPath: \"${PWD}/audit\", containerPath: /a}]\n", "audit does not exist on this host: variables are not replaced"},
		"version of kind":     {users, "kind.yaml", "kind: Cluster\napiVersion: kind.sigs.k8s.io/v1alpha3\n", "kind.yaml:2:13: "},
		"claim":               {isolatedSite, "m/pod.yaml", "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: a}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n", "the lab's cluster makes no volumes"},
		"absent":              {users, "img/Dockerfile", "FROM scratch\nCOPY app /\n", "img/Dockerfile:2:6: app is not in the context"},
		"script":              {isolatedSite, "w.yaml", strings.Replace(works()["w.yaml"], "[./test.sh]", "[bash, ../hack/test.sh]", 1), "the test command: its script cannot be read"},
		"no interpreter":      {users, "test.sh", "set -e\nmake e2e\n", "test.sh does not begin with #!, and no shell reads the command; write #!/bin/sh as its first line"},
		"lines of Windows":    {users, "test.sh", "#!/usr/bin/env bash\r\nmake e2e\r\n", "test.sh has lines that end as on Windows"},
		"assignment":          {users, "w.yaml", strings.Replace(works()["w.yaml"], "./test.sh", "HOME=/opt/a, ./test.sh", 1), `w.yaml:7:18: the test command: "HOME=/opt/a" sets a variable, and no shell reads the command; write [env, "HOME=/opt/a", …]`},
		"word of a shell":     {noPrograms, "w.yaml", strings.Replace(works()["w.yaml"], "./test.sh", "cd, e2e", 1), `w.yaml:7:18: the test command: cd is a word of the shell and no program; write [sh, -c, "cd …"]`},
		"chart":               {users, "m/Chart.yaml", "apiVersion: v2\nname: a\n", "m/Chart.yaml:1:1: this belongs to a Helm chart"},
	} {
		files := works()
		files[c.file] = c.text
		certain, _ := inspected(t, files, c.site(t))
		if !strings.Contains(certain, c.want) || strings.Count(certain, "\n") > 1 {
			t.Errorf("%s: got\n%s\nwant %s", name, certain, c.want)
		}
	}
}

// A trial builds each image under a name of its own, which only the value of a build
// argument leads to, however the Dockerfile comes to the name.
func TestImagesThatAreBuiltFromEachOther(t *testing.T) {
	const another, lib = ", another image of this workload", `give the image args: {BASE: "lib:latest"}`
	for name, c := range map[string]struct{ dockerfile, args, at, want string }{
		"by its tag":                 {"FROM --platform=linux/amd64 localhost/app:e2e\n", "", "1:29", another},
		"copied from":                {"FROM scratch\nCOPY --from=localhost/app:e2e /a /a\n", "", "2:13", another},
		"the default of an argument": {"ARG BASE=localhost/app:e2e\nFROM ${BASE}\n", "", "2:6", another},
		"a part by an argument":      {"ARG V=e2e\nFROM localhost/app:${V}\n", "V: e2e", "2:6", another},
		"a complete name":            {"FROM docker.io/library/lib:latest\n", "", "1:6", lib},
		"a short name":               {"FROM lib AS a\n", "", "1:6", lib},
		"a further tag":              {"FROM mine/lib:2\n", "", "1:6", lib},
		"itself":                     {"FROM localhost/top:1\n", "", "1:6", ", which is this image itself"},
		"an argument":                {"ARG BASE=x\nFROM ${BASE}\n", `BASE: "localhost/app:e2e"`, "", ""},
		"an argument, complete":      {"ARG BASE\nFROM ${BASE}\n", `BASE: "docker.io/library/lib:latest"`, "", ""},
		"a word":                     {"FROM scratch\nARG SERVICE\n", "SERVICE: lib", "", ""},
		"a stage that is not built":  {"FROM localhost/app:e2e AS debug\nFROM scratch\n", "", "", ""},
	} {
		files := works()
		files["top/Dockerfile"] = c.dockerfile
		files["exp.yaml"] = strings.Replace(files["exp.yaml"], "[serial, parallel]", "[serial]", 1)
		const app = "  - {name: app, tag: \"localhost/app:e2e\", context: img}\n"
		files["w.yaml"] = strings.Replace(files["w.yaml"], app, app+"  - {name: lib, tag: \"lib:latest\", tags: [\"mine/lib:2\"], context: img}\n"+
			"  - {name: top, tag: \"localhost/top:1\", context: top, args: {"+c.args+"}}\n", 1)
		certain, _ := inspected(t, files, usersSite())
		if (certain == "") != (c.want == "") || !strings.HasPrefix(certain, "top/Dockerfile:"+c.at) && c.want != "" || !strings.Contains(certain, c.want) || strings.Contains(certain, "\n") {
			t.Errorf("%s: got\n%s\nwant %s %s", name, certain, c.at, c.want)
		}
	}
}

func TestWhatMayGoWrongIsAWarning(t *testing.T) {
	for name, c := range map[string]struct{ file, text, want string }{
		"download":  {"img/Dockerfile", "FROM scratch\nRUN apt-get update && apt-get install -y git\n", "img/Dockerfile:2:1: \"apt-get update"},
		"variables": {"w.yaml", strings.Replace(works()["w.yaml"], "[./test.sh]", "[./test.sh], env: {A: \"${CLUSTER}\"}", 1), "\"${CLUSTER}\" is passed as it stands"},
		"network":   {"kind.yaml", works()["kind.yaml"] + "networking: {disableDefaultCNI: true}\n", "the lab's node image has a network of its own"},
		"argument":  {"w.yaml", strings.Replace(works()["w.yaml"], "context: img}", "context: img, args: {VERSION: $(git describe)}}", 1), "w.yaml:3:73: \"$(git describe)\" is passed as it stands: variables are not replaced here; write the value out, or name a variable of your environment under build.argsFromEnvironment"},
		"script":    {"test.sh", "#!/bin/sh\n# kind-control-plane\ndocker exec kind-control-plane true\n", "test.sh:3:13: this script: \"kind-control-plane\" names another cluster than the trial's"},
	} {
		files := works()
		files[c.file] = c.text
		if certain, possible := inspected(t, files, isolatedSite(t)); certain != "" || !strings.Contains(possible, c.want) {
			t.Errorf("%s: got\n%s\n%s", name, certain, possible)
		}
	}
}

func TestPortsThatNoTunnelCarriesAreAWarning(t *testing.T) {
	for name, mapping := range map[string]string{"of another protocol": "{containerPort: 53, hostPort: 18053, protocol: UDP}", "not set": "{containerPort: 53}"} {
		files := works()
		files["kind.yaml"] = strings.Replace(files["kind.yaml"], "extraPortMappings: [", "extraPortMappings: ["+mapping+", ", 1)
		if certain, possible := inspected(t, files, tunnelledSite()); certain != "" || !strings.Contains(possible, "the tunnel to 192.0.2.1 carries only ports that are set here, and only TCP") {
			t.Errorf("%s: got\n%s\n%s", name, certain, possible)
		}
	}
}

// TestPortsOfARunThatLives has a port taken while another run uses the engine: its cluster
// may have it, so nobody is told to end what listens there.
func TestPortsOfARunThatLives(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	users, tunnelled := usersSite(), tunnelledSite()
	for _, s := range []*site{users, tunnelled} {
		s.inUse = holder{Run: "20260101-000000-theirs"}.inUse(trial.Docker)
		files := works()
		files["kind.yaml"] = strings.Replace(files["kind.yaml"], "[{", fmt.Sprintf("[{containerPort: 80, hostPort: %d}, {", l.Addr().(*net.TCPAddr).Port), 1)
		if certain, possible := inspected(t, files, s); certain != "" || !strings.Contains(possible, "another run uses this docker engine: ?@?, ") || !strings.Contains(possible, "run 20260101-000000-theirs; wait for it to end") {
			t.Errorf("got\n%s\n%s", certain, possible)
		}
	}
}

// TestPortsThatOnlyRootPublishesAreAWarning has a rootless engine and ports of web
// servers: a capability of the engine's program may let it publish them.
func TestPortsThatOnlyRootPublishesAreAWarning(t *testing.T) {
	s := usersSite()
	s.lowestPort = 1024
	files := works()
	files["kind.yaml"] = strings.Replace(files["kind.yaml"], "[{", "[{containerPort: 80, hostPort: 80}, {", 1)
	certain, possible := inspected(t, files, s)
	if !strings.Contains(possible, "kind.yaml:5:53: the docker engine at unix:///run/docker.sock is rootless, and publishes port 80 only if root lets it") ||
		strings.Contains(possible, "\n") || strings.Contains(certain, "rootless") {
		t.Errorf("got\n%s\n%s", certain, possible)
	}
}

// TestFoldersOfSubmodules has a folder in the context that git has not filled.
func TestFoldersOfSubmodules(t *testing.T) {
	files := works()
	files["img/Dockerfile"] = "FROM scratch\nCOPY third_party /src\n"
	files["img/third_party/"] = ""
	certain, possible := inspected(t, files, usersSite())
	if want := "img/Dockerfile:2:6: third_party is an empty folder; if it is a submodule of git, run git submodule update --init"; certain != "" || possible != want {
		t.Errorf("got\n%s\n%s\nwant %s", certain, possible, want)
	}
}

// TestWhatHooksMakeIsAWarning has what a hook may make before it is needed.
func TestWhatHooksMakeIsAWarning(t *testing.T) {
	for name, c := range map[string]struct{ hooks, file, text, want string }{
		"a binary":      {"build: {before: [make, app]}", "img/Dockerfile", "FROM scratch\nCOPY app /\n", "img/Dockerfile:2:6: app is not in the context"},
		"a mount":       {"cluster: {before: [make, disks]}", "kind.yaml", works()["kind.yaml"] + "  extraMounts: [{hostPath: disks, containerPath: /d}]\n", "kind.yaml:6:28: "},
		"a node image":  {"cluster: {before: [kind, build, node-image]}", "kind.yaml", works()["kind.yaml"] + "  image: mine/node:e2e\n", "kind.yaml:6:10: the node image is mine/node:e2e: "},
		"a test binary": {"test: {before: [make, e2e.test]}", "w.yaml", strings.Replace(works()["w.yaml"], "./test.sh", "./e2e.test", 1), "w.yaml:7:18: the test command: "},
	} {
		files := works()
		files[c.file] = c.text
		files["w.yaml"] += "hooks: {" + c.hooks + "}\n"
		if certain, possible := inspected(t, files, usersSite()); certain != "" || !strings.Contains(possible, c.want) || strings.Contains(possible, "\n") {
			t.Errorf("%s: got\n%s\n%s", name, certain, possible)
		}
		files["w.yaml"] = strings.Replace(files["w.yaml"], "hooks: {"+c.hooks+"}\n", "", 1)
		files["exp.yaml"] = strings.Replace(files["exp.yaml"], "docker", "podman", 1)
		if certain, _ := inspected(t, files, usersSite()); !strings.Contains(certain, c.want) {
			t.Errorf("%s, without the hook: got %s", name, certain)
		}
	}
}

// TestWhatOnlyAShellReadsIsAWarning has commands written as for a shell.
func TestWhatOnlyAShellReadsIsAWarning(t *testing.T) {
	for command, want := range map[string]string{
		`[kustomize, build, ., "|", kubectl, apply, -f, -]`:    `"|" is passed as it stands, because no shell reads the command; write [sh, -c, "…"]`,
		`[kubectl, apply, -f, $DIR/a.yaml]`:                    `"$DIR/a.yaml" is passed as it stands`,
		`[sh, -c, "kustomize build . | kubectl apply -f -"]`:   "",
		`[make, "IMG=$(IMG)"]`:                                 "",
		`[kubectl, --kubeconfig=~/.kube/config, get, pods]`:    `"--kubeconfig=~/.kube/config" is passed as it stands`,
		`[sh, -c, docker network inspect kind]`:                `"network inspect kind" names another cluster than the trial's`,
		`[docker, run, --network, kind, frr]`:                  `"network kind" names another cluster than the trial's`,
		`[docker, run, --network=kind-of-mine, frr]`:           "",
		`[inv, nics, --name=$KIND_CLUSTER_NAME]`:               `"--name=$KIND_CLUSTER_NAME" is passed as it stands`,
		`[go, test, "-run=^TestA$"]`:                           "",
		`[docker, exec, node, "true"], env: {A: kind-worker2}`: `the variable A: "kind-worker2" names another cluster than the trial's`,
	} {
		files := works()
		files["w.yaml"] = strings.Replace(files["w.yaml"], "manifests: [m]", "deploy: [{apply: [m]}, {command: "+command+"}]", 1)
		if certain, possible := inspected(t, files, usersSite()); certain != "" || (possible == "") != (want == "") || !strings.Contains(possible, want) {
			t.Errorf("%s: got\n%s\n%s", command, certain, possible)
		}
	}
}

// TestImagesThatCommandsBuildAreInspected has an image without a Dockerfile, and a workload
// without images.
func TestImagesThatCommandsBuildAreInspected(t *testing.T) {
	image := func(image string) map[string]string {
		files := works()
		files["w.yaml"] = strings.Replace(files["w.yaml"], "context: img", image, 1)
		return files
	}
	withFile := func(files map[string]string, path, text string) map[string]string {
		files[path] = text
		return files
	}
	const noName = "w.yaml:3:53: the command that builds app does not use $STRATBENCH_IMAGE"
	missing := usersSite()
	missing.lookPath = func(program string) error { return fmt.Errorf("no %s here", program) }
	for name, c := range map[string]struct {
		files             map[string]string
		site              *site
		certain, possible string
	}{
		"a command":            {image(`command: [./test.sh, "1"], env: {MODE: $STRATBENCH_IMAGE}`), usersSite(), "", "is passed as it stands"},
		"a program that lacks": {image(`command: [ko, build]`), missing, "w.yaml:3:53: the command that builds app: no ko here", noName},
		"another name":         {image(`command: [docker, build, -t, "shop/app:dev", img]`), usersSite(), noName, ""},
		"by a shell":           {image(`command: [sh, -c, "docker build -t $STRATBENCH_IMAGE img"]`), usersSite(), "", ""},
		"another by a shell":   {image(`command: [sh, -c, "docker build -t shop/app:dev img"]`), usersSite(), "", noName},
		"by bake":              {withFile(image(`command: [docker, buildx, bake]`), "docker-bake.hcl", `variable "STRATBENCH_IMAGE" {}`), usersSite(), "", ""},
		"by a script":          {withFile(image(`command: [sh, -e, img/build.sh]`), "img/build.sh", "docker build -t $STRATBENCH_IMAGE img"), usersSite(), "", ""},
		"another by a script":  {image(`command: [./test.sh]`), usersSite(), "", noName},
		"by a program":         {withFile(image(`command: [./build]`), "build", "\x7fELF\x00"), usersSite(), "", ""},
		"a variable":           {image(`command: [pack, build, $STRATBENCH_IMAGE]`), usersSite(), "", `the command that builds app: "$STRATBENCH_IMAGE" is passed as it stands`},
		"no image": {map[string]string{
			"exp.yaml": "apiVersion: stratbench/v1\nname: e\nworkload: w.yaml\nsettings: {runtime: docker}\nfactors: {etcd: [default, noFsync]}\n",
			"w.yaml":   "apiVersion: stratbench/v1\nmanifests: [m]\ntest: {command: [./test.sh]}\n", "test.sh": "",
			"m/pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: app}\nspec: {containers: [{name: a, image: here/a}]}\n"}, usersSite(), "", ""},
	} {
		certain, possible := inspected(t, c.files, c.site)
		if !strings.Contains(certain, c.certain) || (certain == "") != (c.certain == "") || !strings.Contains(possible, c.possible) || (possible == "") != (c.possible == "") {
			t.Errorf("%s: got\n%s\n%s", name, certain, possible)
		}
	}
}

func TestMirrorsThatNodesDoNotReach(t *testing.T) {
	answers, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer answers.Close()
	port := answers.Addr().(*net.TCPAddr).Port
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	own, err := os.Hostname() // leads to an address of this host that containers may reach
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ endpoint, hooks, want string }{
		"a name of Kind's network": {"http://kind-registry.invalid:5000", "", "kind.yaml:4:3: nodes may not reach the mirror http://kind-registry.invalid:5000: no host of that name is known here"},
		"one that a hook brings":   {"http://kind-registry.invalid:5000", `{cluster: {after: [sh, -c, "docker network connect $STRATBENCH_CLUSTER kind-registry.invalid"]}}`, ""},
		"the node itself":          {fmt.Sprintf("http://localhost:%d", port), "", "this address is the node itself and not this host"},
		"nothing there":            {fmt.Sprintf("http://%s:%d", own, free.Addr().(*net.TCPAddr).Port), "", "does not answer: "},
		"one of containers' own":   {"http://host.docker.internal:5000", "", ""},
	} {
		files := works()
		files["kind.yaml"] = strings.Replace(files["kind.yaml"], "nodes:", fmt.Sprintf("containerdConfigPatches:\n- |-\n  [plugins.\"io.containerd.grpc.v1.cri\".registry.mirrors.\"docker.io\"]\n    endpoint = [%q]\nnodes:", c.endpoint), 1)
		if c.hooks != "" {
			files["w.yaml"] += "hooks: " + c.hooks + "\n"
		}
		// In each of these cases, containerd may refuse how the mirror is written.
		certain, possible := inspected(t, files, usersSite())
		if certain != "" || !strings.Contains(possible, c.want) || strings.Contains(possible, "reach the mirror "+c.endpoint) != (c.want != "") {
			t.Errorf("%s: got\n%s\n%s", name, certain, possible)
		}
	}
}

func TestTooLittleMemoryForACluster(t *testing.T) {
	for memory, want := range map[string]string{"1GiB": "", "100MiB": "exp.yaml:4:37: memory 100 MiB is less than an engine and a Kind cluster of one node need"} {
		files := works()
		files["exp.yaml"] = strings.Replace(files["exp.yaml"], "docker}", "docker, memory: "+memory+"}", 1)
		if certain, possible := inspected(t, files, usersSite()); certain != "" || !strings.HasPrefix(possible, want) || strings.Contains(possible, "\n") || (possible == "") != (want == "") {
			t.Errorf("%s: got\n%s\n%s", memory, certain, possible)
		}
	}
}

func TestQuickDNSNeedsAPatchOfKubeadms(t *testing.T) {
	const exp = "apiVersion: stratbench/v1\nname: e\nworkload: w.yaml\nsettings: {runtime: docker, strategy: serial, nodeImage: \"kindest/node:%s\"}\nfactors: {dns: [default, quick]}\n"
	own := strings.Replace(works()["kind.yaml"], "nodes:\n", "kubeadmConfigPatches:\n- |\n  kind: InitConfiguration\n  patches: {directory: /p}\nnodes:\n", 1)
	for name, c := range map[string]struct{ version, kind, want string }{
		"works":        {"v1.34.3", works()["kind.yaml"], ""},
		"older":        {"v1.30.13@sha256:" + strings.Repeat("a", 64), works()["kind.yaml"], "exp.yaml:5:26: dns quick: kubeadm patches CoreDNS from Kubernetes 1.31 on, and the node image has v1.30.13"},
		"user's own":   {"v1.34.3", own, "kind.yaml:4:3: dns quick: kubeadm takes patches from one folder"},
		"unknown node": {"latest", works()["kind.yaml"], ""},
	} {
		files := works()
		files["exp.yaml"], files["kind.yaml"] = fmt.Sprintf(exp, c.version), c.kind
		if certain, _ := inspected(t, files, usersSite()); !strings.Contains(certain, c.want) || strings.Contains(certain, "dns quick") != (c.want != "") {
			t.Errorf("%s: got\n%s", name, certain)
		}
	}
}

func TestQuickDNSNeedsAnAddressThatStays(t *testing.T) {
	one := works()["kind.yaml"]
	for kind, want := range map[string]string{one: "", one + "- role: worker\n": "exp.yaml:4:"} {
		files := works()
		files["exp.yaml"] = "apiVersion: stratbench/v1\nname: e\nworkload: w.yaml\nsettings: {runtime: docker, strategy: serial, dns: quick}\nfactors: {cluster: [fresh, prebooted]}\n"
		files["kind.yaml"] = kind
		if certain, _ := inspected(t, files, usersSite()); !strings.Contains(certain, want) || strings.Contains(certain, "2 nodes are started again") != (want != "") {
			t.Errorf("%s: got\n%s", kind, certain)
		}
	}
}

func TestAKeptClusterHasOneControlPlane(t *testing.T) {
	two := works()["kind.yaml"] + "- role: control-plane\n"
	for cluster, want := range map[string]bool{"fresh": false, "prebooted": true} {
		files := works()
		files["exp.yaml"] = "apiVersion: stratbench/v1\nname: e\nworkload: w.yaml\nsettings: {runtime: docker, cluster: " + cluster + "}\nfactors: {strategy: [serial, parallel]}\n"
		files["kind.yaml"] = two
		if certain, _ := inspected(t, files, usersSite()); strings.Contains(certain, "several control planes do not find each other again") != want {
			t.Errorf("%s: got\n%s", cluster, certain)
		}
	}
}

// Images and their arguments may be factors: what a cell pulls is what was built for it.
func TestImagesOfACell(t *testing.T) {
	cell := func(memory trial.Bytes, args, own map[string]string) string {
		return imagesOf(resolved{settings: spec.Settings{Memory: memory, Build: spec.BuildSettings{Args: args}},
			workload: spec.Workload{Images: []spec.Image{{Name: "a", Args: own}}}})
	}
	plain := cell(1, nil, nil)
	if plain != cell(2, nil, nil) || plain == cell(1, map[string]string{"MODE": "b"}, nil) || plain == cell(1, nil, map[string]string{"MODE": "b"}) {
		t.Error("cells share images that differ, or do not share the same")
	}
}

func TestStrategiesThatASetUpCommandDoesNotGet(t *testing.T) {
	for command, want := range map[string]string{
		`[./test.sh]`:                    "exp.yaml:5:22: the set-up command gets none of {{strategy}}, {{schedule}} and {{concurrency}}",
		`[./test.sh, "{{concurrency}}"]`: "",
	} {
		files := works()
		files["w.yaml"] = "apiVersion: stratbench/v1\nsetup: {command: " + command + "}\n"
		if certain, possible := inspected(t, files, usersSite()); certain != "" || !strings.HasPrefix(possible, want) || (possible == "") != (want == "") {
			t.Errorf("%s: got\n%s\n%s", command, certain, possible)
		}
	}
}

func TestASetUpThatIsAlsoTheTest(t *testing.T) {
	files := works()
	files["w.yaml"] = "apiVersion: stratbench/v1\nsetup: {command: [./test.sh, \"{{strategy}}\"]}\ntest: {command: [./test.sh, \"{{strategy}}\"], format: exit-code}\n"
	certain, possible := inspected(t, files, usersSite())
	if want := "w.yaml:3:17: the test command is the set-up command, so everything is done twice"; certain != "" || !strings.HasPrefix(possible, want) {
		t.Errorf("got\n%s\n%s\nwant %s", certain, possible, want)
	}
}

func TestPortsOfAKilledRunAreNoIssue(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	files, s := works(), usersSite()
	s.owes = true
	files["kind.yaml"] += fmt.Sprintf("networking: {apiServerPort: %d}\n", taken.Addr().(*net.TCPAddr).Port)
	if certain, possible := inspected(t, files, s); certain != "" || !strings.Contains(possible, "it may be a cluster of a killed run") {
		t.Errorf("got\n%s\n%s", certain, possible)
	}
}

func TestSecretsAndAgentsOfBuildsAreInspected(t *testing.T) {
	agent, err := net.Listen("unix", filepath.Join(t.TempDir(), "agent"))
	if err != nil {
		t.Fatal(err)
	}
	defer agent.Close()
	key := keyOf(t, "")
	t.Setenv("STRATBENCH_TEST_SECRET", "swordfish")
	for name, c := range map[string]struct {
		ssh, secrets, step, runtime, env string
		certain, possible                string
	}{
		"the user's agent":      {"default: agent", "", "type=ssh", "docker", agent.Addr().String(), "", ""},
		"a key":                 {"git: \"" + key + "\"", "", "type=ssh,id=git,required=true", "docker", "", "", ""},
		"no agent":              {"default: agent", "", "type=ssh", "docker", "", "w.yaml:3:85: SSH_AUTH_SOCK is not set, so there is no agent of yours; start one", ""},
		"an agent that is gone": {"default: agent", "", "type=ssh", "docker", agent.Addr().String() + "-gone", "w.yaml:3:85: the ssh agent does not answer", ""},
		"a key with a lock":     {"git: \"" + keyOf(t, "a passphrase") + "\"", "", "type=ssh,id=git", "docker", "", "give a private key without a passphrase, or add it to an agent", ""},
		"no key":                {"git: test.sh", "", "type=ssh,id=git", "docker", "", "test.sh cannot be used", ""},
		"podman":                {"default: agent", "", "type=ssh", "podman", agent.Addr().String(), "w.yaml:3:85: Podman's service gives builds no ssh agent; fetch what the build needs beforehand", ""},
		"one that is needed":    {"", "", "type=ssh,required", "docker", "", "img/Dockerfile:2:1: the build of app mounts the ssh agent default, which the workload does not give, and the step fails without it; give it under ssh of the image", ""},
		"a secret":              {"", "token: test.sh", "type=secret,id=token,env=TOKEN", "podman", "", "", ""},
		"one that is another":   {"", "tokens: test.sh", "type=secret,target=/run/token", "docker", "", "", "img/Dockerfile:2:37: the build of app mounts the secret token, which the workload does not give, and the step runs without it"},
		"a variable":            {"", "token: env:STRATBENCH_TEST_SECRET", "type=secret,id=token", "docker", "", "", ""},
		"no variable":           {"", "token: env:STRATBENCH_TEST_NONE", "type=secret,id=token", "podman", "", "w.yaml:3:74: the variable STRATBENCH_TEST_NONE is not set, or empty, and the build gets the secret token from it; set it where stratbench is started", ""},
		"an option of Podman's": {"", "", "type=bind,source=.,target=/a,Z", "podman", "", "", ""},
	} {
		t.Setenv("SSH_AUTH_SOCK", c.env)
		files := works()
		files["img/Dockerfile"] = "FROM scratch\nRUN --mount=" + c.step + " true\n"
		files["exp.yaml"] = strings.Replace(files["exp.yaml"], "runtime: docker", "runtime: "+c.runtime, 1)
		files["w.yaml"] = strings.Replace(files["w.yaml"], "context: img}", "context: img, secrets: {"+c.secrets+"}, ssh: {"+c.ssh+"}}", 1)
		certain, possible := inspected(t, files, usersSite())
		if !strings.Contains(certain, c.certain) || !strings.Contains(possible, c.possible) || (certain == "") != (c.certain == "") || (possible == "") != (c.possible == "") {
			t.Errorf("%s: got\n%s\n%s", name, certain, possible)
		}
	}
}

// TestFurtherContextsAreInspected has contexts that a build uses in the place of images.
func TestFurtherContextsAreInspected(t *testing.T) {
	for name, c := range map[string]struct{ contexts, dockerfile, version, certain string }{
		"a folder":          {"proto: m", "FROM scratch\nCOPY --from=proto pod.yaml /\n", "20.10.24", "w.yaml:4:75: Docker before 23 knows no further contexts; begin the Dockerfile with # syntax="},
		"a newer Docker":    {"proto: m", "FROM scratch\nCOPY --from=proto pod.yaml /\n", "26.1.5", ""},
		"a frontend":        {"proto: m", "# syntax=here/dockerfile:1\nFROM scratch\nCOPY --from=proto pod.yaml /\n", "20.10.24", ""},
		"an image":          {"base: \"docker-image://here/a:1\"", "FROM base\n", "26.1.5", ""},
		"an image, gone":    {"base: \"docker-image://nowhere/a:1\"", "FROM base\n", "26.1.5", "img/Dockerfile:1:6: the build of app begins with nowhere/a:1: it is not on the engine"},
		"the image itself":  {"base: \"docker-image://localhost/app:e2e\"", "FROM base\n", "26.1.5", ", which is this image itself"},
		"another image":     {"base: \"docker-image://lib\"", "FROM base\n", "26.1.5", ""},
		"none of that name": {"protos: m", "FROM scratch\nCOPY --from=proto pod.yaml /\n", "26.1.5", "if it is the name of a further context, list it under contexts of the image"},
	} {
		files, s := works(), usersSite()
		s.version = c.version
		files["img/Dockerfile"], files["lib/Dockerfile"] = c.dockerfile, "FROM scratch\n"
		files["exp.yaml"] = strings.Replace(files["exp.yaml"], "[serial, parallel]", "[serial]", 1)
		files["w.yaml"] = strings.Replace(files["w.yaml"], "context: img}", "context: img, contexts: {"+c.contexts+"}}", 1)
		files["w.yaml"] = strings.Replace(files["w.yaml"], "images:\n", "images:\n  - {name: lib, tag: \"lib:latest\", context: lib}\n", 1)
		certain, possible := inspected(t, files, s)
		if !strings.Contains(certain, c.certain) || (certain == "") != (c.certain == "") || possible != "" || strings.Contains(certain, "\n") {
			t.Errorf("%s: got\n%s\n%s", name, certain, possible)
		}
	}
}

// TestIgnoreFilesThatDifferAreAWarning has an ignore file that only Podman reads.
func TestIgnoreFilesThatDifferAreAWarning(t *testing.T) {
	for name, c := range map[string]struct{ docker, podman, runtimes, want string }{
		"two that differ": {"*.log\n", "*.md\n", "[docker, podman]", "img/.containerignore:1:1: the engines build app from different contexts: Podman leaves out what .containerignore excludes, and Docker what .dockerignore excludes; make the two the same"},
		"one for Podman":  {"", "*.md\n", "[docker, podman]", "and Docker what no file excludes"},
		"two alike":       {"*.md\n", "# comment\n*.md\n", "[docker, podman]", ""},
		"one for both":    {"*.md\n", "", "[docker, podman]", ""},
		"one engine":      {"*.log\n", "*.md\n", "[podman]", ""},
	} {
		files := works()
		files["exp.yaml"] = strings.Replace(files["exp.yaml"], "settings: {runtime: docker}\nfactors: {", "factors: {runtime: "+c.runtimes+", ", 1)
		for file, text := range map[string]string{"img/.dockerignore": c.docker, "img/.containerignore": c.podman} {
			if text != "" {
				files[file] = text
			}
		}
		if certain, possible := inspected(t, files, usersSite()); certain != "" || !strings.Contains(possible, c.want) || (possible == "") != (c.want == "") || strings.Contains(possible, "\n") {
			t.Errorf("%s: got\n%s\n%s", name, certain, possible)
		}
	}
}

// TestOneMistakeInAKindConfigIsOneIssue has a node image of a version that serves what the
// default one does not, in a configuration with a mistake.
func TestOneMistakeInAKindConfigIsOneIssue(t *testing.T) {
	for _, mistake := range []string{"- {role: leader}\n", "- {label: {a: b}}\n"} {
		files := works()
		files["kind.yaml"] += "  image: kindest/node:v1.30.0\n" + mistake
		files["m/flow.yaml"] = "apiVersion: flowcontrol.apiserver.k8s.io/v1beta3\nkind: FlowSchema\nmetadata: {name: a}\nspec: {priorityLevelConfiguration: {name: b}}\n"
		certain, _ := inspected(t, files, usersSite())
		if !strings.HasPrefix(certain, "kind.yaml:7:") || strings.Contains(certain, "\n") {
			t.Errorf("with %s got\n%s", mistake, certain)
		}
	}
}

// keyOf makes a private key, locked by a passphrase if there is one.
func keyOf(t *testing.T, passphrase string) (path string) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
