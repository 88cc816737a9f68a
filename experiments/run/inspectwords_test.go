package run

import (
	"errors"
	"strings"
	"testing"
)

func TestTargetsOfMakeThatHaveNoRule(t *testing.T) {
	const plain = "VERSION := a:b\n.PHONY: all clean # and others\nbin/app bin/tool: go.mod\n\tgo build\nhelm.generate: bin/app\n\ttrue: it\n"
	for args, c := range map[string]struct{ makefile, want string }{
		"bin/tool, clean, VERSION=2": {plain, ""},
		"test.sh":                    {plain, ""}, // a file
		"-j4, gone":                  {plain, ""}, // options are not known
		"-C, img, Dockerfile":        {plain, ""},
		"helm-generate":              {plain, "w.yaml:6:26: the hook before build: Makefile has no rule for helm-generate; did you mean helm.generate?"},
		"strange":                    {plain, "has no rule for strange; correct the name"},
		"gone":                       {plain + "%.img:\n\ttrue\n", ""},
		"missing":                    {"include more.mk\n" + plain, ""},
		"absent":                     {"", ""},
	} {
		files := works()
		files["w.yaml"] = strings.Replace(files["w.yaml"], "ready:", "hooks: {build: {before: [make, "+args+"]}}\nready:", 1)
		if c.makefile != "" {
			files["Makefile"] = c.makefile
		}
		if certain, possible := inspected(t, files, usersSite()); certain != "" || !strings.Contains(possible, c.want) || (c.want == "") != (possible == "") {
			t.Errorf("%s: got\n%s\n%s", args, certain, possible)
		}
	}
}

func TestWordsInBracketsOfMarks(t *testing.T) {
	for mark, want := range map[string]bool{"^TASK [Create cluster]": true, "[INFO] Building": true, `^TASK \\[Create`: false, "^[A-Z]": false, "[abc]+": false, "[ab]": false} {
		files := map[string]string{
			"exp.yaml": "apiVersion: stratbench/v1\nname: e\nworkload: w.yaml\nsettings: {runtime: docker, strategy: serial}\nfactors: {workload.setup.env.N: [1, 2]}\n",
			"w.yaml":   "apiVersion: stratbench/v1\nimages: [{name: a}]\nsetup:\n  command: [./up.sh, \"{{concurrency}}\"]\n  marks: {build: {start: \"" + mark + "\"}}\n", "up.sh": "#!/bin/sh\n",
		}
		if certain, possible := inspected(t, files, usersSite()); certain != "" || strings.Contains(possible, "w.yaml:5:26: [") != want || (possible != "") != want {
			t.Errorf("%s: got\n%s\n%s", mark, certain, possible)
		}
	}
}

// All issues of a chart's objects have one position, and are found in the order of maps,
// which changes.
func TestTheSameInputGivesTheSameText(t *testing.T) {
	files := deploying("- {name: c, helm: {chart: c}}\n", map[string]string{"c/Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n",
		"c/templates/a.yaml": strings.Replace(podOfApp, "e2e\"}", "e2e\", resources: {requests: {cpu: 2, memory: 2Gi, ephemeral-storage: 2Gi}, limits: {cpu: 1, memory: 1Gi, ephemeral-storage: 1Gi}}}", 1)})
	first, _ := inspected(t, files, usersSite())
	for range 19 {
		if again, _ := inspected(t, files, usersSite()); again != first || strings.Count(first, "which is more than its limit") != 3 {
			t.Fatalf("got\n%s\nand then\n%s", first, again)
		}
	}
}

func TestImagesThatDockerHubDoesNotHave(t *testing.T) {
	refused := errors.New("GET https://index.docker.io/v2/library/p/manifests/1: UNAUTHORIZED: authentication required; [map[Action:pull Class: Name:library/p Type:repository]]")
	if certain, doubt := judge("this host", "p:1", refused, "correct its name"); doubt != nil || certain == nil || !strings.Contains(certain.Error(), "Docker Hub has no docker.io/library/p:1") {
		t.Errorf("a short name: got %v, %v", certain, doubt)
	}
	for ref, err := range map[string]error{"shop/p:1": refused, "p:1": errors.New("unauthorized: incorrect username or password")} {
		if certain, doubt := judge("this host", ref, err, "correct its name"); certain != nil || doubt == nil {
			t.Errorf("%s may be there: got %v, %v", ref, certain, doubt)
		}
	}
}
