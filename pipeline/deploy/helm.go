package deploy

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/releaseutil"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/issue"
	"github.com/stratbench/stratbench/internal/readable"
)

// Chart is a Helm chart on this host and how it is installed.
type Chart spec.Chart

// render renders the chart as helm install does, but without a cluster, so that lookup
// finds nothing. Hooks before and after the installation become steps, by weight. Hooks
// for tests and upgrades are left out.
func (c Chart) render(server Server, before []Object) ([]Step, error) {
	loaded, err := loader.Load(c.Chart)
	if err != nil {
		return nil, &SourceError{Part: "helm.chart", Err: fmt.Errorf("loading the chart %s: %w; name the folder with Chart.yaml, or its archive", c.Chart, err)}
	}
	if loaded.Metadata.Type == "library" {
		return nil, &SourceError{Part: "helm.chart", Err: fmt.Errorf("the chart %s is a library, which nothing installs; name the chart that uses it", c.Chart)}
	}
	var missing []string
	for _, d := range loaded.Metadata.Dependencies {
		if !slices.ContainsFunc(loaded.Dependencies(), func(have *chart.Chart) bool { return have.Name() == d.Name }) {
			missing = append(missing, d.Name)
		}
	}
	if len(missing) > 0 {
		return nil, &SourceError{Part: "helm.chart", Err: fmt.Errorf("the chart %s depends on %s, which its folder charts lacks; run helm dependency build %s beforehand", c.Chart, strings.Join(missing, ", "), c.Chart)}
	}
	values, err := c.values()
	if err != nil {
		return nil, err
	}
	r := &reader{}
	rendered, err := c.templates(loaded, values, server, before, r)
	if err != nil {
		return nil, c.place(err)
	}
	return c.steps(r, rendered, before)
}

func (c Chart) values() (map[string]any, error) {
	all := map[string]any{}
	for _, file := range c.ValuesFiles {
		text, err := readable.File(file)
		if err != nil {
			return nil, &SourceError{Part: "helm.valuesFiles", Err: fmt.Errorf("reading values of the chart: %w; make it readable", err)}
		}
		read, err := chartutil.ReadValues(text)
		if err != nil {
			at, message := issue.YAMLError(strings.TrimPrefix(err.Error(), "error converting YAML to JSON: "))
			list := &issue.List{}
			list.Add(file, at, "reading values of the chart: %s; correct the file", message)
			return nil, list
		}
		all = chartutil.CoalesceTables(read, all)
	}
	given, err := converted(c.Values)
	if err != nil {
		return nil, &SourceError{Part: "helm.values", Err: err}
	}
	return chartutil.CoalesceTables(given, all), nil
}

// templates renders the templates. First it reads the definitions in the folder crds,
// which helm applies before it renders anything, so that templates can ask for them.
func (c Chart) templates(loaded *chart.Chart, values map[string]any, server Server, before []Object, r *reader) (map[string]string, error) {
	version, err := chartutil.ParseKubeVersion(fmt.Sprintf("v1.%d.0", cmp.Or(server.Minor, typesMinor)))
	if err != nil {
		return nil, err
	}
	if wants := loaded.Metadata.KubeVersion; wants != "" && !chartutil.IsCompatibleRange(wants, version.String()) {
		return nil, fmt.Errorf("the chart wants Kubernetes %s and the cluster has %s; choose another node image, or another version of the chart", wants, version)
	}
	if err := chartutil.ProcessDependenciesWithMerge(loaded, values); err != nil {
		return nil, err
	}
	for _, crd := range loaded.CRDObjects() {
		r.readDocument(&document{file: c.file(crd.Filename), text: crd.File.Data})
	}
	can := chartutil.DefaultCapabilities.Copy()
	can.KubeVersion = *version
	can.APIVersions = slices.Clone(can.APIVersions)
	for _, o := range slices.Concat(before, r.objects) {
		if o.GetKind() != "CustomResourceDefinition" {
			continue
		}
		group, kind := o.text("spec", "group"), o.text("spec", "names", "kind")
		for _, v := range o.versions() {
			name, _ := v["name"].(string)
			can.APIVersions = append(can.APIVersions, group+"/"+name, group+"/"+name+"/"+kind)
		}
	}
	with, err := chartutil.ToRenderValues(loaded, values, chartutil.ReleaseOptions{Name: c.Release, Namespace: c.Namespace, Revision: 1, IsInstall: true}, can)
	if err != nil {
		return nil, err
	}
	return engine.Render(loaded, with)
}

// inTemplate finds the position in an error of a template: "(shop/templates/a.yaml:3:12)".
var inTemplate = regexp.MustCompile(`\(?[^\s/()]+/((?:charts/[^\s/]+/)*(?:templates|crds)/[^\s:()]+):(\d+)(?::(\d+))?`)

// place adds the template's file and line to an error of rendering, if it names them.
func (c Chart) place(err error) error {
	text := strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", " ")
	if m := inTemplate.FindStringSubmatch(text); m != nil {
		file := filepath.Join(c.Chart, filepath.FromSlash(m[1]))
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			line, _ := strconv.Atoi(m[2])
			column, _ := strconv.Atoi(m[3])
			list := &issue.List{}
			list.Add(file, issue.Position{Line: line, Column: max(column, 1)}, "the chart does not render: %s; correct the template, or the values that it is given", text)
			return list
		}
	}
	part := "helm"
	if strings.HasPrefix(text, "values don't meet the specifications of the schema") {
		part = "helm.values"
	}
	return &SourceError{Part: part, Err: fmt.Errorf("the chart %s does not render: %s; correct the chart, or the values that it is given", c.Chart, text)}
}

// steps are the namespace that the chart needs, its hooks, and its manifests after the
// definitions that r has read.
func (c Chart) steps(r *reader, rendered map[string]string, before []Object) (steps []Step, err error) {
	definitions := len(r.objects)
	maps.DeleteFunc(rendered, func(name, _ string) bool { return strings.HasSuffix(name, "NOTES.txt") })
	hooks, manifests, err := releaseutil.SortManifests(rendered, nil, releaseutil.InstallOrder)
	if err != nil {
		return nil, c.place(err)
	}
	slices.SortStableFunc(hooks, func(a, b *release.Hook) int { return cmp.Compare(a.Weight, b.Weight) })
	for _, m := range manifests {
		r.readDocument(&document{file: c.file(m.Name), text: []byte(m.Content)})
	}
	if len(r.objects) == 0 && len(r.issues.List) == 0 && len(hooks) == 0 {
		return nil, &SourceError{Part: "helm", Err: errors.New("the chart renders to nothing; give it the values that switch something on")}
	}
	objects := c.own(r.objects)
	created := slices.ContainsFunc(append(before, objects...), func(o Object) bool { return o.GetKind() == "Namespace" && o.GetName() == c.Namespace })
	if !created && !slices.Contains(startingNamespaces, c.Namespace) {
		steps = append(steps, Step{Name: "helm " + c.Release + ": namespace", Objects: c.own([]Object{{Unstructured: &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": c.Namespace}}}, File: c.Chart}})})
	}
	if first := c.hookSteps(hooks, release.HookPreInstall, &r.issues); len(first) > 0 {
		if definitions > 0 { // the hooks may be objects of them
			steps = append(steps, Step{Name: "helm " + c.Release + ": definitions", Objects: inOrder(objects[:definitions])})
			objects = objects[definitions:]
		}
		steps = append(steps, first...)
	}
	steps = append(steps, Step{Objects: inOrder(objects)})
	steps = append(steps, c.hookSteps(hooks, release.HookPostInstall, &r.issues)...)
	return steps, r.issues.Err()
}

// file is the path of a part of the chart that helm calls "shop/templates/a.yaml".
func (c Chart) file(name string) string {
	if _, below, ok := strings.Cut(name, "/"); ok {
		if file := filepath.Join(c.Chart, filepath.FromSlash(below)); exists(file) {
			return file
		}
	}
	return filepath.Join(c.Chart, filepath.FromSlash(name))
}

// own gives objects the namespace of the release, for those that need one and have
// none. Rendered text has no position in its template.
func (c Chart) own(objects []Object) []Object {
	for i := range objects {
		objects[i].home, objects[i].in, objects[i].from = c.Namespace, nil, ofKind(objects[i])
	}
	return objects
}

// ofKind is the position of an object's kind in its template, or the beginning.
func ofKind(o Object) issue.Position {
	text, _ := os.ReadFile(o.File) // without it, it is the beginning
	for i, line := range strings.Split(string(text), "\n") {
		if value, is := strings.CutPrefix(line, "kind: "); is && strings.TrimSpace(value) == o.GetKind() {
			return issue.Position{Line: i + 1, Column: len("kind: ") + 1}
		}
	}
	return issue.Position{Line: 1, Column: 1}
}

// hookSteps are the hooks of an event. Hooks of the same weight are one step.
func (c Chart) hookSteps(hooks []*release.Hook, event release.HookEvent, issues *issue.List) (steps []Step) {
	last := 0
	for _, h := range hooks {
		if !slices.Contains(h.Events, event) {
			continue
		}
		r := &reader{}
		r.readDocument(&document{file: c.file(h.Path), text: bytes.TrimSpace([]byte(h.Manifest))})
		issues.List = append(issues.List, r.issues.List...)
		if len(steps) == 0 || h.Weight != last {
			steps = append(steps, Step{Name: fmt.Sprintf("helm %s: %s hooks %d", c.Release, event, h.Weight), Settle: true})
		}
		last = h.Weight
		step := &steps[len(steps)-1]
		step.Objects = append(step.Objects, c.own(r.objects)...)
	}
	return steps
}
