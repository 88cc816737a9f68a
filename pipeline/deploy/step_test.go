package deploy

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/stratbench/stratbench/experiments/spec"
)

// files writes files below a folder, which it returns.
func files(t *testing.T, texts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range texts {
		write(t, dir, name, text)
	}
	return dir
}

// said are the errors of a deployment with their positions, without the folder.
func said(dir string, errs []error) string {
	var texts []string
	for _, err := range errs {
		var source *SourceError
		if errors.As(err, &source) {
			texts = append(texts, source.Part+": "+source.Error())
			continue
		}
		texts = append(texts, err.Error())
	}
	return strings.ReplaceAll(strings.Join(texts, "\n"), dir+"/", "")
}

// outline is a short description of steps.
func outline(steps []Step) (lines []string) {
	for _, s := range steps {
		line := s.Name + ":"
		for _, o := range s.Objects {
			line += " " + o.GetKind() + "/" + o.GetName()
			if o.home != "" {
				line += "@" + o.home
			}
		}
		if s.Settle {
			line += " settle"
		}
		lines = append(lines, line)
	}
	return lines
}

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME}\n"

func mapOf(name string) string { return strings.Replace(configMap, "NAME", name, 1) }

func TestKustomizationsAreBuilt(t *testing.T) {
	dir := files(t, map[string]string{
		"base/kustomization.yaml": "resources: [app.yaml]\nimages: [{name: app, newName: localhost/app, newTag: e2e}]\n",
		"base/app.yaml":           strings.Replace(app, "localhost/app:e2e", "app", 1) + "  replicas: 1\n",
		"e2e/kustomization.yaml":  "namespace: shop\nresources: [../base, ns.yaml]\nreplicas: [{name: app, count: 2}]\nconfigMapGenerator: [{name: rules, literals: [a=b], options: {disableNameSuffixHash: true}}]\n",
		"e2e/ns.yaml":             "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n",
	})
	steps, errs := Prepare([]spec.Step{{Name: "shop", Kustomize: filepath.Join(dir, "e2e")}}, Server{})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if got, want := outline(steps), []string{"shop: Namespace/shop Deployment/app ConfigMap/rules"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	of := steps[0].Objects[1]
	if replicas, _, _ := unstructured.NestedInt64(of.Object, "spec", "replicas"); replicas != 2 || of.GetNamespace() != "shop" || Images(steps[0].Objects)[0].Image != "localhost/app:e2e" {
		t.Errorf("got %v", of.Object)
	}
	if added := of.GetAnnotations(); len(added) > 0 {
		t.Errorf("the build for files is deployed: annotations %v", added)
	}
}

func TestKustomizationsThatReachOut(t *testing.T) {
	for name, c := range map[string]struct {
		text, want string
	}{
		"a file above":   {"resources: [../above.yaml]\n", "k/kustomization.yaml:1:13: the kustomization reaches out of its tree: kustomize reads no file outside of the folder"},
		"a URL":          {"resources: [\"https://shop.test/app.yaml\"]\n", "k/kustomization.yaml:1:13: the kustomization reaches out of its tree: https://shop.test/app.yaml would be fetched for every trial"},
		"a repository":   {"resources: [\"github.com/shop/app//deploy?ref=v1\"]\n", "reaches out of its tree: github.com/shop/app//deploy?ref=v1"},
		"a chart":        {"helmCharts: [{name: app, repo: \"https://shop.test\", version: 1.0.0}]\n", "charts are rendered by a helm step"},
		"itself":         {"resources: [../k]\n", "cycle"},
		"nothing":        {"resources: []\nnamePrefix: a-\n", "kustomiz"},
		"what is absent": {"resources: [gone.yaml]\n", "k/kustomization.yaml:1:13: gone.yaml is not there; correct the path"},
		"no YAML":        {"resources: [\n", "k/kustomization.yaml: "},
		"no such key":    {"resorces: [a.yaml]\n", "k/kustomization.yaml:1:11: invalid Kustomization: json: unknown field \"resorces\""},
		"absent files": {"patches: [{path: p.yaml}]\nreplacements: [{path: r.yaml}]\nsecretGenerator: [{name: a, envs: [a.env]}]\nconfigMapGenerator: [{name: b, files: [b=c.txt]}]\n",
			"k/kustomization.yaml:1:18: p.yaml is not there; correct the path, which is relative to the kustomization\n" +
				"k/kustomization.yaml:2:23: r.yaml is not there; correct the path, which is relative to the kustomization\n" +
				"k/kustomization.yaml:4:40: c.txt is not there; correct the path, which is relative to the kustomization\n" +
				"k/kustomization.yaml:3:36: a.env is not there; correct the path, which is relative to the kustomization"},
		"a component":  {"resources: [../part]\n", "k/kustomization.yaml:1:13: ../part is a component; list it under components"},
		"no component": {"components: [../base]\n", "k/kustomization.yaml:1:14: ../base is no component; list it under resources"},
	} {
		dir := files(t, map[string]string{"k/kustomization.yaml": c.text, "above.yaml": mapOf("a"),
			"part/kustomization.yaml": "kind: Component\nnamePrefix: a-\n", "base/kustomization.yaml": "resources: [a.yaml]\n", "base/a.yaml": mapOf("a")})
		_, errs := Prepare([]spec.Step{{Kustomize: filepath.Join(dir, "k")}}, Server{})
		if got := said(dir, errs); !strings.HasPrefix(got, "kustomize: ") || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
	dir := files(t, map[string]string{"a.yaml": mapOf("a")})
	if _, errs := Prepare([]spec.Step{{Kustomize: dir}}, Server{}); !strings.Contains(said(dir, errs), "holds no kustomization.yaml") {
		t.Errorf("got %v", errs)
	}
}

// aChart is a chart with definitions, hooks and conditional manifests.
func aChart() map[string]string {
	return map[string]string{
		"shop/Chart.yaml":  "apiVersion: v2\nname: shop\nversion: 1.0.0\nkubeVersion: \">=1.28\"\n",
		"shop/values.yaml": "replicas: 1\nimage: {name: app, tag: latest}\n",
		"shop/templates/_helpers.tpl": `{{- define "shop.name" -}}{{ .Release.Name }}-app{{- end -}}
`,
		"shop/templates/app.yaml": `apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ include "shop.name" . }}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec: {containers: [{name: app, image: "{{ .Values.image.name }}:{{ .Values.image.tag }}"}]}
`,
		"shop/templates/NOTES.txt": "Thank you.",
		"shop/templates/service.yaml": `{{ if .Capabilities.APIVersions.Has "shop.test/v1/Till" }}
apiVersion: shop.test/v1
kind: Till
metadata: {name: till}
{{ end }}
`,
		"shop/templates/cart.yaml": `{{ if .Capabilities.APIVersions.Has "shop.test/v1/Cart" }}
apiVersion: shop.test/v1
kind: Cart
metadata: {name: cart}
{{ end }}
`,
		"shop/templates/migrate.yaml": hook("migrate", "pre-install,pre-upgrade", 5) + "---\n" + hook("prepare", "pre-install", -5) + "---\n" + hook("tell", "post-install", 0) + "---\n" + hook("try", "test", 0),
		"shop/crds/tills.yaml":        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: carts.shop.test}\nspec: {group: shop.test, names: {kind: Cart}, versions: [{name: v1}]}\n",
	}
}

func hook(name, on string, weight int) string {
	return strings.NewReplacer("NAME", name, "ON", on, "WEIGHT", string(mustJSON(weight))).Replace(`apiVersion: batch/v1
kind: Job
metadata: {name: NAME, annotations: {helm.sh/hook: "ON", helm.sh/hook-weight: "WEIGHT"}}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: b}]}}}
`)
}

func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

func TestChartsAreRenderedAsHelmInstalls(t *testing.T) {
	texts := aChart()
	texts["e2e.yaml"] = "replicas: 2\nimage: {tag: e2e}\n"
	texts["more.yaml"] = "image: {name: localhost/app}\n"
	texts["crd.yaml"] = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: tills.shop.test}\nspec: {group: shop.test, names: {kind: Till}, versions: [{name: v1}]}\n"
	dir := files(t, texts)
	chart := &spec.Chart{Chart: filepath.Join(dir, "shop"), Release: "one", Namespace: "shop",
		ValuesFiles: []string{filepath.Join(dir, "e2e.yaml"), filepath.Join(dir, "more.yaml")}, Values: map[string]any{"replicas": float64(3)}}
	steps, errs := Prepare([]spec.Step{{Name: "first", Apply: []string{filepath.Join(dir, "crd.yaml")}}, {Name: "shop", Helm: chart}}, Server{Minor: 34})
	if len(errs) > 0 {
		t.Fatal(said(dir, errs))
	}
	want := []string{
		"first: CustomResourceDefinition/tills.shop.test",
		"helm one: namespace: Namespace/shop@shop",
		"helm one: definitions: CustomResourceDefinition/carts.shop.test@shop",
		"helm one: pre-install hooks -5: Job/prepare@shop settle",
		"helm one: pre-install hooks 5: Job/migrate@shop settle",
		"shop: Deployment/one-app@shop Cart/cart@shop Till/till@shop",
		"helm one: post-install hooks 0: Job/tell@shop settle",
	}
	if got := outline(steps); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	deployed := steps[5].Objects[0]
	if replicas, _, _ := unstructured.NestedFieldNoCopy(deployed.Object, "spec", "replicas"); fmt.Sprint(replicas) != "3" || Images(steps[5].Objects)[0].Image != "localhost/app:e2e" {
		t.Errorf("got %v", deployed.Object)
	}
	if !strings.HasSuffix(deployed.File, "shop/templates/app.yaml") {
		t.Errorf("its file is %s", deployed.File)
	}
}

func TestChartsThatDoNotRender(t *testing.T) {
	for name, c := range map[string]struct {
		change map[string]string
		want   string
	}{
		"a function that is none": {map[string]string{"shop/templates/app.yaml": "kind: {{ nope .Values }}\n"}, "shop/templates/app.yaml:1:1: the chart does not render: "},
		"a value that is missing": {map[string]string{"shop/templates/app.yaml": "a: b\nkind: {{ required \"say image\" .Values.gone }}\n"}, "shop/templates/app.yaml:2:9: the chart does not render: "},
		"nothing in a nil":        {map[string]string{"shop/templates/app.yaml": "kind: {{ .Values.a.b.c }}\n"}, "shop/templates/app.yaml:1:16: the chart does not render: "},
		"no YAML":                 {map[string]string{"shop/templates/app.yaml": "kind: [\n"}, "shop/templates/app.yaml"},
		"no object":               {map[string]string{"shop/templates/app.yaml": "kind: Pod\napiVersion: v1\n"}, "shop/templates/app.yaml"},
		"a template in itself":    {map[string]string{"shop/templates/app.yaml": "{{ define \"a\" }}{{ include \"a\" . }}{{ end }}kind: {{ include \"a\" . }}\n"}, "nested reference"},
		"a schema":                {map[string]string{"shop/values.schema.json": `{"properties": {"replicas": {"type": "string"}}}`}, "replicas"},
		"an old Kubernetes":       {map[string]string{"shop/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\nkubeVersion: \">=1.99\"\n"}, "helm: the chart shop does not render: the chart wants Kubernetes >=1.99 and the cluster has v1.34.0"},
		"a dependency":            {map[string]string{"shop/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\ndependencies: [{name: db, version: 1.0.0, repository: \"https://shop.test\"}]\n"}, "helm.chart: the chart shop depends on db, which its folder charts lacks; run helm dependency build"},
		"a library":               {map[string]string{"shop/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\ntype: library\n"}, "helm.chart: the chart shop is a library"},
		"no chart":                {map[string]string{"shop/Chart.yaml": "a: b\n"}, "helm.chart: loading the chart shop: "},
		"values that are no YAML": {map[string]string{"v.yaml": "a: [\n"}, "v.yaml:"},
	} {
		texts := aChart()
		texts["v.yaml"] = "a: b\n"
		for file, text := range c.change {
			texts[file] = text
		}
		dir := files(t, texts)
		chart := &spec.Chart{Chart: filepath.Join(dir, "shop"), Release: "one", Namespace: "default", ValuesFiles: []string{filepath.Join(dir, "v.yaml")}}
		_, errs := Prepare([]spec.Step{{Helm: chart}}, Server{Minor: 34})
		if got := said(dir, errs); !strings.Contains(got, c.want) || strings.Contains(got, "\n") {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestAStepSurvivesItsJourney(t *testing.T) {
	dir := files(t, map[string]string{"a.yaml": app + "  replicas: 2\n"})
	steps, errs := Prepare([]spec.Step{{Name: "a", Apply: []string{filepath.Join(dir, "a.yaml")}, Timeout: 3}}, Server{})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	steps[0].Objects[0].home = "shop"
	var arrived []Step
	if err := json.Unmarshal(mustJSON(steps), &arrived); err != nil {
		t.Fatal(err)
	}
	o := arrived[0].Objects[0]
	if replicas, _, err := unstructured.NestedInt64(o.Object, "spec", "replicas"); replicas != 2 || err != nil || o.File != steps[0].Objects[0].File || o.home != "shop" || arrived[0].Timeout != 3 {
		t.Errorf("got %+v, %v", arrived, err)
	}
}

func TestStepsHaveNames(t *testing.T) {
	steps, errs := Prepare([]spec.Step{{Command: []string{"./bin/migrate", "up"}}, {Command: []string{"migrate"}}, {Name: "own", Command: []string{"migrate"}},
		{Wait: &spec.Wait{For: "condition=Ready", Object: "certificate/shop"}}}, Server{})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var got []string
	for _, s := range steps {
		got = append(got, s.Name)
	}
	for _, s := range []spec.Step{{Apply: []string{"a"}}, {Kustomize: "/x/e2e"}, {Helm: &spec.Chart{Release: "shop"}}} {
		got = append(got, nameOf(s))
	}
	if want := []string{"command migrate", "command migrate (2)", "own", "wait certificate/shop Ready", "apply", "kustomize e2e", "helm shop"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestWaitsForWhatIsNeverApplied(t *testing.T) {
	job := strings.Replace(mapOf("x"), "v1\nkind: ConfigMap", "batch/v1\nkind: Job", 1)
	operator := "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: a}\nrules: [{apiGroups: [batch], resources: [jobs], verbs: [create]}]\n"
	dir := files(t, map[string]string{"job.yaml": job, "other.yaml": mapOf("other"), "operator.yaml": operator, "prefixed.yaml": strings.Replace(job, "name: x", "name: shop-x", 1)})
	apply := func(names ...string) spec.Step {
		s := spec.Step{Name: "apply"}
		for _, name := range names {
			s.Apply = append(s.Apply, filepath.Join(dir, name))
		}
		return s
	}
	wait := func(object string) spec.Step {
		return spec.Step{Name: "wait", Wait: &spec.Wait{For: "condition=Complete", Object: object}}
	}
	for name, c := range map[string]struct {
		sources           []spec.Step
		certain, possible string
	}{
		"it is there":            {[]spec.Step{apply("job.yaml"), wait("job/x")}, "", ""},
		"by another name":        {[]spec.Step{apply("job.yaml"), wait("jobs.batch/x")}, "", ""},
		"another name":           {[]spec.Step{apply("job.yaml"), wait("job/z")}, "it waits for job z in the namespace default, which no step before it applies", ""},
		"without its prefix":     {[]spec.Step{{Name: "c", Command: []string{"x"}}, apply("prefixed.yaml"), wait("job/x")}, "", "the steps before it apply one that is called shop-x"},
		"later":                  {[]spec.Step{wait("job/x"), apply("job.yaml")}, "it waits for job x, which a later step applies; put it after that step", ""},
		"an operator makes it":   {[]spec.Step{apply("operator.yaml"), wait("job/z")}, "", "something in the cluster must create it"},
		"a command makes it":     {[]spec.Step{{Name: "c", Command: []string{"x"}}, wait("job/z")}, "", ""},
		"Kubernetes makes it":    {[]spec.Step{apply("job.yaml"), wait("pod/x-1")}, "", ""},
		"any of them":            {[]spec.Step{apply("other.yaml"), wait("job")}, "", ""},
		"a kind that is unknown": {[]spec.Step{apply("other.yaml"), wait("certificate/shop")}, "", ""},
	} {
		steps, errs := Prepare(c.sources, Server{})
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		var certain, possible string
		Check(steps, true, Server{Minor: 34}, func(_ Step, sure bool, text string) {
			if sure {
				certain += text
			} else {
				possible += text
			}
		})
		if !strings.Contains(certain, c.certain) || !strings.Contains(possible, c.possible) || (certain == "") != (c.certain == "") || (possible == "") != (c.possible == "") {
			t.Errorf("%s: got %q and %q", name, certain, possible)
		}
	}
}

// Objects that a chart's hook, or an object that a step waits for, needs in order to
// start must not come after it.
func TestWaitsThatGoRound(t *testing.T) {
	job := "apiVersion: batch/v1\nkind: Job\nmetadata: {name: x ANNOTATIONS}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: \"localhost/b:1\", envFrom: [{configMapRef: {name: rules}}]}]}}}\n"
	texts := map[string]string{
		"job.yaml": strings.Replace(job, " ANNOTATIONS", "", 1), "rules.yaml": mapOf("rules"), "in.yaml": strings.Replace(mapOf("a"), "a}", "a, namespace: late}", 1),
		"ns.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: late}\n", "c/Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n",
		"c/templates/job.yaml": strings.Replace(job, " ANNOTATIONS", ", annotations: {helm.sh/hook: pre-install}", 1), "c/templates/rules.yaml": mapOf("rules"),
	}
	dir := files(t, texts)
	apply := func(name string) spec.Step { return spec.Step{Name: name, Apply: []string{filepath.Join(dir, name)}} }
	wait := func(what string) spec.Step {
		return spec.Step{Name: "wait", Wait: &spec.Wait{For: what, Object: "job/x"}}
	}
	const round = "a step waits for it before the ConfigMap \"rules\" is applied"
	for name, c := range map[string]struct {
		sources []spec.Step
		want    string
	}{
		"a hook":             {[]spec.Step{{Name: "c", Helm: &spec.Chart{Chart: filepath.Join(dir, "c"), Release: "c", Namespace: "default"}}}, round},
		"a wait":             {[]spec.Step{apply("job.yaml"), wait("condition=Complete"), apply("rules.yaml")}, round},
		"a wait for failure": {[]spec.Step{apply("job.yaml"), wait("condition=Failed"), apply("rules.yaml")}, ""},
		"in time":            {[]spec.Step{apply("job.yaml"), apply("rules.yaml"), wait("condition=Complete")}, ""},
		"before the chart":   {[]spec.Step{apply("rules.yaml"), {Name: "c", Helm: &spec.Chart{Chart: filepath.Join(dir, "c"), Release: "c", Namespace: "default"}}}, ""},
		"a later namespace":  {[]spec.Step{apply("in.yaml"), apply("ns.yaml")}, "a later step creates the namespace \"late\""},
	} {
		steps, errs := Prepare(c.sources, Server{Minor: 34})
		if len(errs) > 0 {
			t.Fatal(said(dir, errs))
		}
		certain, _ := Check(steps, true, Server{Minor: 34}, func(Step, bool, string) {})
		if got := lines(certain); !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
