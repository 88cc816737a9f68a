package deploy

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/resid"
	"sigs.k8s.io/yaml"

	"github.com/stratbench/stratbench/internal/issue"
	"github.com/stratbench/stratbench/internal/readable"
)

// buildKustomization builds the kustomization in a folder, as kustomize build does by
// default. It refuses a kustomization that would fetch anything, which might be
// different in every trial.
func buildKustomization(dir string) (objects []Object, err error) {
	missing := &issue.List{}
	if _, err := inTree(dir, map[string]bool{}, missing); err != nil {
		return nil, err
	}
	if err := missing.Err(); err != nil {
		return nil, err
	}
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return nil, fmt.Errorf("building the kustomization %s: %s%s", dir, strings.Join(strings.Fields(err.Error()), " "), kustomizeCure(err))
	}
	from := origins(dir)
	for _, r := range made.Resources() {
		values, err := r.Map()
		if err == nil {
			values, err = converted(values)
		}
		if err != nil {
			return nil, fmt.Errorf("reading what the kustomization %s makes: %w", dir, err)
		}
		o := Object{Unstructured: &unstructured.Unstructured{Object: values}, File: filepath.Join(dir, kustomizationIn(dir)), from: issue.Position{Line: 1, Column: 1}}
		if message := nameless(o); message != "" {
			return nil, fmt.Errorf("the kustomization %s makes something that cannot be applied: %s", dir, message)
		}
		if origin := from[r.CurId()]; origin != nil {
			o.trace(dir, origin)
		}
		objects = append(objects, o)
	}
	if len(objects) == 0 {
		return nil, fmt.Errorf("the kustomization %s makes no object; list resources in it", dir)
	}
	return inOrder(objects), nil
}

// edited is the disk with another text of one file.
type edited struct {
	filesys.FileSystem
	file string
	text []byte
}

func (e edited) ReadFile(path string) ([]byte, error) {
	if path == e.file {
		return e.text, nil
	}
	return e.FileSystem.ReadFile(path)
}

// origins are the files that objects are from, by another build of the kustomization in a
// folder: its annotations may be in the way of patches, and are not deployed. An object
// whose file is not known is left out.
func origins(dir string) map[resid.ResId]*resource.Origin {
	real, err := filepath.EvalSymlinks(dir)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	file, k := filepath.Join(real, kustomizationIn(dir)), map[string]any{}
	text, readErr := readable.File(file)
	if err = cmp.Or(err, readErr); err == nil {
		err = yaml.Unmarshal(text, &k)
	}
	if err != nil || k == nil {
		return nil
	}
	metadata, _ := k["buildMetadata"].([]any)
	k["buildMetadata"] = append(metadata, types.OriginAnnotations)
	if text, err = yaml.Marshal(k); err != nil {
		return nil
	}
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(edited{filesys.MakeFsOnDisk(), file, text}, dir)
	if err != nil {
		return nil
	}
	all := map[resid.ResId]*resource.Origin{}
	for _, r := range made.Resources() {
		all[r.CurId()], _ = r.GetOrigin()
	}
	return all
}

// trace finds the document that an object was made from, or its generator. Patches and
// prefixes may have changed it since.
func (o *Object) trace(dir string, origin *resource.Origin) {
	isOf := func(name string) bool { return name != "" && strings.Contains(o.GetName(), name) }
	if file := filepath.Join(dir, origin.ConfiguredIn); origin.ConfiguredIn != "" && exists(file) {
		text, _ := readable.File(file) // it was read before
		var k types.Kustomization
		if yaml.Unmarshal(text, &k) != nil {
			return
		}
		o.File = file
		for _, g := range generators(k) {
			if o.GetKind() == g.kind && isOf(g.Name) {
				o.from = issue.Find(text, g.at...)
			}
		}
		return
	}
	file := filepath.Join(dir, origin.Path)
	r := &reader{}
	if origin.Path != "" && exists(file) {
		r.readFile(file)
	}
	for _, from := range r.objects {
		if from.GetKind() == o.GetKind() && isOf(from.GetName()) && (o.in == nil || from.GetName() == o.GetName()) {
			o.File, o.in, o.path = file, from.in, from.path
		}
	}
}

// generator makes an object of a kind; it is at a path of its kustomization.
type generator struct {
	types.GeneratorArgs
	kind string
	at   []string
}

func generators(k types.Kustomization) (all []generator) {
	for i, g := range k.ConfigMapGenerator {
		all = append(all, generator{g.GeneratorArgs, "ConfigMap", []string{"configMapGenerator", strconv.Itoa(i)}})
	}
	for i, g := range k.SecretGenerator {
		all = append(all, generator{g.GeneratorArgs, "Secret", []string{"secretGenerator", strconv.Itoa(i)}})
	}
	return all
}

func kustomizeCure(err error) string {
	switch text := err.Error(); {
	case strings.Contains(text, "security; file"):
		return "; kustomize reads no file outside of the folder of the kustomization that names it: move the file below it, or name the folder of a kustomization instead"
	case strings.Contains(text, "must specify --enable-helm"):
		return "; charts are rendered by a helm step: move helmCharts there, or have a command build and apply the whole: [sh, -c, \"kustomize build --enable-helm DIR | kubectl apply -f -\"]"
	case strings.Contains(text, "cycle detected"):
		return "; take one of the references out"
	}
	return "; correct the kustomization"
}

// kustomizationIn is the name of the kustomization file in a folder, or "".
func kustomizationIn(dir string) string {
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Mode().IsRegular() {
			return name
		}
	}
	return ""
}

// unknownKey is in the error of a kustomization with a key that kustomize does not know.
var unknownKey = regexp.MustCompile(`unknown field "([^"]+)"`)

// component is the kind of a kustomization that others list under components.
const component = "Component"

// inTree reports keys of a kustomization that are unknown, and parts of it that are
// missing or outside of its tree. It returns the kind that the kustomization has. The
// error is one of the kustomization in dir itself.
func inTree(dir string, seen map[string]bool, issues *issue.List) (kind string, err error) {
	name := kustomizationIn(dir)
	if name == "" {
		return "", fmt.Errorf("the folder %s holds no %s; name the folder of a kustomization", dir, konfig.DefaultKustomizationFileName())
	}
	file := filepath.Join(dir, name)
	text, err := readable.File(file)
	if err != nil {
		return "", fmt.Errorf("reading the kustomization %s: %w", dir, err)
	}
	var k types.Kustomization
	if err := yaml.Unmarshal(text, &k); err != nil {
		return "", fmt.Errorf("reading the kustomization %s: %w", file, err)
	}
	if seen[dir] {
		return k.Kind, nil // kustomize itself reports a cycle
	}
	seen[dir] = true
	if err := new(types.Kustomization).Unmarshal(text); err != nil {
		at := issue.Position{Line: 1, Column: 1}
		if m := unknownKey.FindStringSubmatch(err.Error()); m != nil {
			if at = issue.Find(text, m[1]); at == issue.Find(text) { // it is further down
				if found := regexp.MustCompile(`(?m)(?:^|[\s{,-])(` + regexp.QuoteMeta(m[1]) + `)\s*:`).FindSubmatchIndex(text); found != nil {
					at = issue.Position{Line: 1 + bytes.Count(text[:found[2]], []byte("\n")), Column: found[2] - bytes.LastIndexByte(text[:found[2]], '\n')}
				}
			}
		}
		issues.Add(file, at, "%v; correct the key or the value", err)
	}
	check := func(entry string, at ...string) {
		if entry == "" || strings.Contains(entry, "\n") {
			return // there is none, or it is written inline
		}
		if err := entryInTree(dir, entry, at[0], seen, issues); err != nil {
			issues.Add(file, issue.Find(text, at...), "%v", err)
		}
	}
	for _, list := range []struct {
		key     string
		entries []string
	}{
		//lint:ignore SA1019 Bases are deprecated, and people still write them.
		{"resources", k.Resources}, {"bases", k.Bases}, {"components", k.Components}, {"crds", k.Crds}, {"configurations", k.Configurations},
		{"generators", k.Generators}, {"transformers", k.Transformers}, {"validators", k.Validators},
	} {
		for i, entry := range list.entries {
			check(entry, list.key, strconv.Itoa(i))
		}
	}
	for i, p := range k.Patches {
		check(p.Path, "patches", strconv.Itoa(i), "path")
	}
	for i, r := range k.Replacements {
		check(r.Path, "replacements", strconv.Itoa(i), "path")
	}
	for _, g := range generators(k) {
		for n, entry := range g.FileSources {
			if _, path, named := strings.Cut(entry, "="); named {
				entry = path
			}
			check(entry, below(g.at, "files", strconv.Itoa(n))...)
		}
		for n, entry := range g.EnvSources {
			check(entry, below(g.at, "envs", strconv.Itoa(n))...)
		}
	}
	return k.Kind, nil
}

// entryInTree checks one part of the kustomization in dir, which is listed under key.
func entryInTree(dir, entry, key string, seen map[string]bool, issues *issue.List) error {
	path := entry
	if !filepath.IsAbs(entry) {
		path = filepath.Join(dir, entry)
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		kind, err := inTree(path, seen, issues)
		switch {
		case err == nil && kind == component && key != "components":
			return fmt.Errorf("%s is a component; list it under components", entry)
		case err == nil && kind != component && key == "components":
			return fmt.Errorf("%s is no component; list it under resources, or write kind: Component into it", entry)
		}
		return err
	case err == nil && readable.Regular(path) != nil:
		return readable.Regular(path)
	case err == nil && !filepath.IsLocal(entry):
		return fmt.Errorf("the kustomization reaches out of its tree: kustomize reads no file outside of the folder of the kustomization that names it, and %s is one; move it below, or name the folder of a kustomization instead", entry)
	case err != nil && fetched.MatchString(entry):
		return fmt.Errorf("the kustomization reaches out of its tree: %s would be fetched for every trial; copy it beside the kustomization and name that, apply a file by its URL with #sha256=, or have a command build and apply the whole: [kubectl, apply, -k, DIR]", entry)
	case err != nil:
		return fmt.Errorf("%s is not there; correct the path, which is relative to the kustomization", entry)
	}
	return nil
}

// fetched matches an entry that kustomize would fetch.
var fetched = regexp.MustCompile(`://|\?ref=|\.git/|^(git@|github\.com/|gitlab\.com/)`)

// converted returns a copy of the values with the numbers that Kubernetes' types have:
// int64 and float64.
func converted(values map[string]any) (copied map[string]any, err error) {
	text, err := json.Marshal(values)
	if err == nil {
		err = utiljson.Unmarshal(text, &copied)
	}
	return copied, err
}
