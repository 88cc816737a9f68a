// Package deploy reads manifests, kustomizations and charts, and checks them before a run
// (check.go, rules.go, refers.go, pods.go). In a trial it applies them to a cluster,
// server-side, and waits until their objects are ready: a Job once it is complete, every
// other object by kstatus.
package deploy

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/stratbench/stratbench/internal/issue"
	"github.com/stratbench/stratbench/internal/readable"
)

// Object is an object of the manifests, and the file that describes it.
type Object struct {
	*unstructured.Unstructured
	File string
	// home is the namespace of the object if it needs one and names none. Empty is
	// default.
	home string
	// in is the document that describes the object, at path.
	in   *document
	path []string
	// from is the position of what an object without a document was made from.
	from issue.Position
}

// carried is an object as JSON for the process that applies it.
type carried struct {
	Object map[string]any `json:"object"`
	File   string         `json:"file"`
	Home   string         `json:"home,omitempty"`
}

// MarshalJSON writes the object with its file.
func (o Object) MarshalJSON() ([]byte, error) {
	return json.Marshal(carried{o.Object, o.File, o.home})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (o *Object) UnmarshalJSON(text []byte) error {
	var c carried
	if err := utiljson.Unmarshal(text, &c); err != nil { // with int64 for whole numbers
		return err
	}
	*o = Object{Unstructured: &unstructured.Unstructured{Object: c.Object}, File: c.File, home: c.Home}
	return nil
}

// String is the object's kind and name: "Deployment default/store".
func (o Object) String() string { return describe(o.Unstructured) }

// namespace is where the object is applied if its kind has namespaces.
func (o Object) namespace() string { return cmp.Or(o.GetNamespace(), o.home, "default") }

// below is a path that continues another one.
func below(path []string, keys ...string) []string { return append(slices.Clone(path), keys...) }

// Where is the position of a field of the object, or of the smallest part around it
// that is there: o.Where("spec", "containers", "0", "image").
func (o Object) Where(path ...string) issue.Position {
	if o.in == nil {
		return o.from
	}
	at := issue.Find(o.in.text, below(o.path, path...)...)
	at.Line += o.in.line
	return at
}

func describe(u *unstructured.Unstructured) string {
	if u.GetNamespace() == "" {
		return u.GetKind() + " " + u.GetName()
	}
	return u.GetKind() + " " + u.GetNamespace() + "/" + u.GetName()
}

// reader collects the objects of manifests, and their issues.
type reader struct {
	objects []Object
	issues  issue.List
}

func (r *reader) readFile(file string) {
	if instead := notManifests(file); instead != "" {
		r.issues.Add(file, issue.Position{Line: 1, Column: 1}, "%s", instead)
		return
	}
	text, err := readable.File(file)
	if err != nil {
		r.issues.Add(file, issue.Position{}, "reading manifests: %v; make it readable", err)
		return
	}
	for _, d := range documents(file, text) {
		if !r.readDocument(d) {
			return // what follows may be read wrongly, too
		}
	}
}

// readDocument returns false when the document is no YAML or JSON.
func (r *reader) readDocument(d *document) bool {
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(d.text), 4096)
	for {
		u := &unstructured.Unstructured{}
		switch err := decoder.Decode(&u.Object); {
		case errors.Is(err, io.EOF):
			return true
		case err != nil:
			at, message := d.syntaxError(err)
			r.issues.Add(d.file, at, "%s", message)
			return false
		}
		if len(u.Object) > 0 {
			r.add(Object{Unstructured: u, File: d.file, in: d})
		}
	}
}

// add adds an object, or the items of a list.
func (r *reader) add(o Object) {
	if o.IsList() {
		i := 0
		_ = o.EachListItem(func(item runtime.Object) error { // which returns nil
			r.add(Object{Unstructured: item.(*unstructured.Unstructured), File: o.File, in: o.in, path: below(o.path, "items", strconv.Itoa(i))})
			i++
			return nil
		})
		return
	}
	if message := nameless(o); message != "" {
		r.issues.Add(o.File, o.Where(), "%s", message)
		return
	}
	r.objects = append(r.objects, o)
}

// nameless is the reason why an object cannot be applied, or "".
func nameless(o Object) string {
	metadata, _ := o.Object["metadata"].(map[string]any)
	switch {
	case o.GetAPIVersion() == "" || o.GetKind() == "" || metadata == nil && o.GetName() == "":
		return fmt.Sprintf("an object needs apiVersion, kind and metadata.name; this one has apiVersion %q, kind %q, name %q",
			o.GetAPIVersion(), o.GetKind(), o.GetName())
	case o.GetName() == "" && o.GetGenerateName() != "":
		return fmt.Sprintf("the %s has metadata.generateName, and an object that is applied needs a name of its own; write metadata.name", o.GetKind())
	case o.GetName() == "":
		return fmt.Sprintf("the %s has no name; write metadata.name", o.GetKind())
	}
	return ""
}

// document is one document of a file, between two lines of "---".
type document struct {
	file string
	// line is the number of lines before it in the file.
	line int
	text []byte
}

// documents splits a file. JSON has no separators and is one document.
func documents(file string, text []byte) []*document {
	if first := bytes.TrimLeft(text, " \t\r\n\ufeff"); len(first) > 0 && first[0] == '{' {
		return []*document{{file: file, text: text}}
	}
	var all []*document
	current := &document{file: file}
	for i, line := range bytes.SplitAfter(text, []byte("\n")) {
		if rest, separates := bytes.CutPrefix(line, []byte("---")); separates {
			if rest = bytes.TrimSpace(rest); len(rest) == 0 || rest[0] == '#' {
				all = append(all, current)
				current = &document{file: file, line: i + 1}
				continue
			}
		}
		current.text = append(current.text, line...)
	}
	return append(all, current)
}

// syntaxError is what is wrong with a document that cannot be decoded, and where.
func (d *document) syntaxError(err error) (issue.Position, string) {
	at, text := issue.YAMLError(strings.TrimPrefix(err.Error(), "error converting YAML to JSON: "))
	at.Line += d.line
	if bytes.Contains(d.text, []byte("{{")) {
		at.Line = d.line + 1 + bytes.Count(d.text[:bytes.Index(d.text, []byte("{{"))], []byte("\n"))
		return at, "this is a template and not YAML; render a chart with a step of its own, under deploy: - helm: {chart: …}, and anything else beforehand"
	}
	return at, "this is not YAML: " + text + "; check indentation, quotes and brackets around this line"
}

// notManifests explains what a file is if its name and folder show that it is the input
// of a tool that writes manifests. It returns "" for any other file.
func notManifests(file string) string {
	dir := filepath.Dir(file)
	switch name := filepath.Base(file); {
	case name == "kustomization.yaml" || name == "kustomization.yml" || name == "Kustomization":
		return "this is a kustomization and no manifest; build it with a step of its own, under deploy: - kustomize: " + dir
	case name == "Chart.yaml" || filepath.Base(dir) == "templates" && exists(filepath.Join(filepath.Dir(dir), "Chart.yaml")):
		return "this belongs to a Helm chart and is no manifest; render the chart with a step of its own, under deploy: - helm: {chart: …}"
	case name == "values.yaml" && exists(filepath.Join(dir, "Chart.yaml")):
		return "this holds a Helm chart's values and no objects; render the chart with a step of its own, under deploy: - helm: {chart: …}"
	}
	return ""
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
