package run

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// deploying is an experiment that works, with these steps instead of manifests.
func deploying(steps string, more map[string]string) map[string]string {
	files := works()
	files["w.yaml"] = strings.Replace(files["w.yaml"], "manifests: [m]\n", "deploy:\n"+steps, 1)
	for name, text := range more {
		files[name] = text
	}
	return files
}

const (
	podOfApp = "apiVersion: v1\nkind: Pod\nmetadata: {name: app}\nspec: {containers: [{name: app, image: \"localhost/app:e2e\"}]}\n"
	aJob     = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: \"localhost/app:e2e\"}]}}}\n"
)

func TestStepsOfADeploymentAreInspected(t *testing.T) {
	for name, c := range map[string]struct {
		steps   string
		files   map[string]string
		certain string
	}{
		"kustomize, helm, a command and a wait": {"- kustomize: k\n- helm: {chart: c, namespace: shop}\n- {command: [./test.sh]}\n- {name: done, apply: [job.yaml]}\n- wait: {for: condition=Complete, object: job/migrate}\n",
			map[string]string{"k/kustomization.yaml": "resources: [pod.yaml]\n", "k/pod.yaml": podOfApp, "job.yaml": aJob, "c/Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n", "c/templates/a.yaml": strings.Replace(podOfApp, "app}", "{{ .Release.Name }}}", 1)}, ""},
		"a kustomization that reaches out": {"- kustomize: k\n", map[string]string{"k/kustomization.yaml": "resources: [\"https://shop.test/a.yaml\"]\n"}, "k/kustomization.yaml:1:13: the kustomization reaches out of its tree: https://shop.test/a.yaml"},
		"a chart that does not render":     {"- {name: shop, helm: {chart: c}}\n", map[string]string{"c/Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n", "c/templates/a.yaml": "a: b\nkind: {{ .Values.a.b }}\n"}, "c/templates/a.yaml:2:16: the chart does not render"},
		"a chart that is none":             {"- {name: shop, helm: {chart: k}}\n", map[string]string{"k/a.yaml": podOfApp}, "w.yaml:6:30: loading the chart k: "},
		"a wait for nothing":               {"- apply: [job.yaml]\n- {name: done, wait: {for: condition=Complete, object: job/migrates}}\n", map[string]string{"job.yaml": aJob}, "w.yaml:7:56: done: it waits for job migrates"},
		"a condition that is none":         {"- apply: [job.yaml]\n- {wait: {for: Complete, object: job/migrate}}\n", map[string]string{"job.yaml": aJob}, "w.yaml:7:16: \"Complete\" is nothing that can be waited for"},
		"a command that is not there":      {"- apply: [job.yaml]\n- {command: [./gone]}\n", map[string]string{"job.yaml": aJob}, "w.yaml:7:14: the command of the step: "},
		"an image that is not there":       {"- kustomize: k\n", map[string]string{"k/kustomization.yaml": "resources: [pod.yaml]\n", "k/pod.yaml": strings.Replace(podOfApp, "localhost/app:e2e", "gone/app:1", 1)}, "k/pod.yaml:4:40: Pod app needs gone/app:1"},
	} {
		certain, possible := inspected(t, deploying(c.steps, c.files), isolatedSite(t))
		if c.certain == "" && certain+possible != "" || !strings.Contains(certain, c.certain) {
			t.Errorf("%s: got\n%s\n%s\nwant %s", name, certain, possible, c.certain)
		}
	}
}

func TestFilesAreFetchedByTheirChecksum(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	text, asked := podOfApp, 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		_, _ = w.Write([]byte(text))
	}))
	defer server.Close()
	address := server.URL + "/v1/pod.yaml"
	step := "- apply: [m/port.yaml, \"" + address + "#sha256=" + sumOf([]byte(text)) + "\"]\n"
	for range 2 {
		if certain, possible := inspected(t, deploying(step, nil), isolatedSite(t)); certain+possible != "" || asked != 1 {
			t.Errorf("got %s%s after %d requests", certain, possible, asked)
		}
	}
	if err := os.RemoveAll(os.Getenv("XDG_CACHE_HOME")); err != nil {
		t.Fatal(err)
	}
	text += "# changed\n"
	if certain, _ := inspected(t, deploying(step, nil), isolatedSite(t)); !strings.Contains(certain, "w.yaml:6:24: the file at "+address+" has the checksum "+sumOf([]byte(text))) {
		t.Errorf("a file that has changed: got %s", certain)
	}
	server.Close()
	if certain, _ := inspected(t, deploying(step, nil), isolatedSite(t)); !strings.Contains(certain, "w.yaml:6:24: fetching "+address) {
		t.Errorf("a server that is gone: got %s", certain)
	}
}

func TestASetUpCommandIsInspected(t *testing.T) {
	files := func(setup, settings string) map[string]string {
		return map[string]string{
			"exp.yaml": "apiVersion: stratbench/v1\nname: e\nworkload: w.yaml\nsettings: " + settings + "\nfactors: {workload.setup.env.N: [1, 2]}\n",
			"w.yaml":   "apiVersion: stratbench/v1\nimages: [{name: a}, {name: b, weight: 3}]\nsetup:\n  " + setup + "\n", "up.sh": "#!/bin/sh\n",
		}
	}
	for name, c := range map[string]struct{ setup, settings, want string }{
		"good":         {"command: [./up.sh, \"{{concurrency}}\"]", "{runtime: docker, strategy: 2+1}", ""},
		"gone":         {"command: [./gone.sh]", "{runtime: docker, strategy: serial}", "w.yaml:4:13: the set-up command: "},
		"cleanup gone": {"{command: [./up.sh], cleanup: [./down.sh]}", "{runtime: docker, strategy: serial}", "w.yaml:4:34: the command that cleans up: "},
		"registry":     {"command: [./up.sh]", "{runtime: docker, strategy: registry}", "strategy registry pulls images that stratbench has built"},
	} {
		certain, possible := inspected(t, files(c.setup, c.settings), isolatedSite(t))
		if c.want == "" && certain+possible != "" || !strings.Contains(certain, c.want) {
			t.Errorf("%s: got\n%s\n%s\nwant %s", name, certain, possible, c.want)
		}
	}
}

func TestAnotherImageInsteadOfTheBuiltOneIsDoubted(t *testing.T) {
	doubt := "m/pod.yaml:4:40: Pod app gets here/app:1.2 from a registry, and no object uses localhost/app:e2e, which the workload builds"
	for name, c := range map[string]struct{ pod, certain, possible string }{
		"instead":      {strings.Replace(podOfApp, "localhost/app:e2e", "here/app:1.2", 1), "", doubt},
		"beside":       {podOfApp + "---\n" + strings.NewReplacer("localhost/app:e2e", "here/app:1.2", "{name: app}", "{name: old}").Replace(podOfApp), "", ""},
		"argument":     {strings.Replace(podOfApp, "image: \"localhost/app:e2e\"", "image: \"here/app:1.2\", args: [\"--image=localhost/app:e2e\"]", 1), "", ""},
		"a longer tag": {strings.NewReplacer("localhost/app:e2e", "here/app:e2e-1", "{name: app}", "{name: app, annotations: {of: \"localhost/app:e2e-1\"}}").Replace(podOfApp), "", "gets here/app:e2e-1 from a registry"},
		"another":      {strings.Replace(podOfApp, "localhost/app:e2e", "here/db:1", 1), "", ""},
		"never":        {strings.Replace(podOfApp, "localhost/app:e2e\"", "here/db:1\", imagePullPolicy: Never", 1), "Pod app needs here/db:1, which the workload neither builds nor preloads, and no node may pull", ""},
	} {
		files := works()
		files["m/pod.yaml"] = c.pod
		certain, possible := inspected(t, files, usersSite())
		if (c.certain == "") != (certain == "") || !strings.Contains(certain, c.certain) || (c.possible == "") != (possible == "") || !strings.Contains(possible, c.possible) {
			t.Errorf("%s: got\n%s\n%s", name, certain, possible)
		}
	}
}

func TestAnImageThatOthersAreBuiltOnIsUsed(t *testing.T) {
	files := works()
	files["w.yaml"] = strings.Replace(files["w.yaml"], "context: img}", "context: img, args: {GO_IMAGE: \"localhost/db:e2e\"}}\n  - {name: db, tag: \"localhost/db:e2e\", context: lib}", 1)
	files["exp.yaml"] = strings.Replace(files["exp.yaml"], "[serial, parallel]", "[first]", 1) + "strategies: {first: {stages: [[db], [app]]}}\n"
	files["lib/Dockerfile"], files["img/Dockerfile"] = "FROM scratch\n", "ARG GO_IMAGE\nFROM ${GO_IMAGE}\n"
	files["m/pod.yaml"] = podOfApp + "---\n" + strings.NewReplacer("localhost/app:e2e", "here/db:1", "{name: app}", "{name: db}").Replace(podOfApp)
	if certain, possible := inspected(t, files, usersSite()); certain != "" || possible != "" {
		t.Errorf("got\n%s\n%s", certain, possible)
	}
}

func TestANodeImageMayContainImages(t *testing.T) {
	files := works()
	files["exp.yaml"] = strings.Replace(files["exp.yaml"], "{runtime: docker}", "{runtime: docker, nodeImage: \"here/node:v1.34.0\"}", 1)
	files["m/pod.yaml"] = podOfApp + "---\n" + strings.NewReplacer("localhost/app:e2e\"", "here/db:1\", imagePullPolicy: Never", "{name: app}", "{name: db}").Replace(podOfApp)
	if certain, possible := inspected(t, files, usersSite()); certain != "" || possible != "" {
		t.Errorf("got\n%s\n%s", certain, possible)
	}
}

func TestNodesAreKnownByTheirLabels(t *testing.T) {
	pod := strings.Replace(podOfApp, "{containers", "{nodeSelector: {disk: fast}, containers", 1)
	for name, c := range map[string]struct{ kind, hooks, want string }{
		"none":  {"", "", "m/pod.yaml:4:22: Pod app: no node has the labels of its nodeSelector (disk=fast)"},
		"label": {"  labels: {disk: fast}\n", "", ""},
		"patch": {"  kubeadmConfigPatches: [\"kind: InitConfiguration\\nnodeRegistration: {kubeletExtraArgs: {node-labels: 'disk=fast'}}\"]\n", "", ""},
		"hook":  {"", "hooks: {cluster: {after: [./test.sh]}}\n", ""},
	} {
		files := works()
		files["m/pod.yaml"], files["kind.yaml"], files["w.yaml"] = pod, files["kind.yaml"]+c.kind, files["w.yaml"]+c.hooks
		if certain, _ := inspected(t, files, usersSite()); (c.want == "") != (certain == "") || !strings.Contains(certain, c.want) {
			t.Errorf("%s: got %s", name, certain)
		}
	}
}

func TestPortsAtWhichNothingAnswers(t *testing.T) {
	const at = "no Service of the deployment has the nodePort 30080"
	service := func(spec string) map[string]string {
		return map[string]string{"m/port.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: app}\nspec: " + spec + "\n"}
	}
	for name, c := range map[string]struct {
		steps string
		files map[string]string
		want  string
	}{
		"its own":      {"- apply: [m]\n", nil, ""},
		"another":      {"- apply: [m]\n", service("{type: NodePort, ports: [{port: 80, nodePort: 30081}]}"), "the deployment has [30081], which no node publishes"},
		"none":         {"- apply: [m]\n", service("{ports: [{port: 80}]}"), at},
		"by a command": {"- apply: [m]\n- {command: [./test.sh]}\n", service("{ports: [{port: 80}]}"), ""},
		"of the host":  {"- apply: [m]\n", map[string]string{"m/port.yaml": "", "m/pod.yaml": strings.Replace(podOfApp, "spec: {", "spec: {hostNetwork: true, ", 1)}, ""},
	} {
		certain, possible := inspected(t, deploying(c.steps, c.files), isolatedSite(t))
		if certain != "" || (c.want == "") == strings.Contains(possible, at) || !strings.Contains(possible, c.want) {
			t.Errorf("%s: got %s and %s", name, certain, possible)
		}
	}
}
