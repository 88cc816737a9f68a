// Package deploy applies manifests to a cluster server-side and waits until
// what they describe is ready: a Job when it is complete, and all else by the
// rules of kstatus.
package deploy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/stratbench/stratbench/internal/issue"
)

// Object is one object of the manifests, and the file that describes it.
type Object struct {
	*unstructured.Unstructured
	File string
	// in is the document that describes the object, below path.
	in   *document
	path []string
}

// String names the object as people do: "Deployment default/store".
func (o Object) String() string { return describe(o.Unstructured) }

// Where is the position of a field of the object, or of what is nearest around
// it: o.Where("spec", "containers", "0", "image").
func (o Object) Where(path ...string) issue.Position {
	if o.in == nil {
		return issue.Position{}
	}
	return o.in.where(append(slices.Clone(o.path), path...))
}

func describe(u *unstructured.Unstructured) string {
	if u.GetNamespace() == "" {
		return u.GetKind() + " " + u.GetName()
	}
	return u.GetKind() + " " + u.GetNamespace() + "/" + u.GetName()
}

// Read reads manifests: files, or folders of .yaml, .yml and .json files, each
// with any number of documents. Objects keep their order, except that
// namespaces come first and definitions of resources second. The error is an
// *issue.List of all that cannot be read.
func Read(paths []string) ([]Object, error) {
	r := &reader{}
	for _, path := range paths {
		files, err := filesOf(path)
		if err != nil {
			r.issues.Add(path, issue.Position{}, "reading manifests: %v; correct the path", err)
		}
		for _, file := range files {
			r.readFile(file)
		}
	}
	if len(r.objects) == 0 && len(r.issues.List) == 0 && len(paths) > 0 {
		r.issues.Add(paths[0], issue.Position{Line: 1, Column: 1}, "the manifests describe no object: there are only comments; list the files that describe what is deployed")
	}
	slices.SortStableFunc(r.objects, func(a, b Object) int { return order(a) - order(b) })
	return r.objects, r.issues.Err()
}

func order(o Object) int {
	switch o.GetKind() {
	case "Namespace":
		return 0
	case "CustomResourceDefinition":
		return 1
	}
	return 2
}

// filesOf lists a folder's manifests in order of name. A folder without any is
// an error: it is a path gone wrong.
func filesOf(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); !e.IsDir() && (ext == ".yaml" || ext == ".yml" || ext == ".json") {
			files = append(files, filepath.Join(path, e.Name()))
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("the folder %s holds no .yaml, .yml or .json file", path)
	}
	return files, nil
}

// reader collects the objects of manifests and what is wrong with them.
type reader struct {
	objects []Object
	issues  issue.List
}

func (r *reader) readFile(file string) {
	if instead := notManifests(file); instead != "" {
		r.issues.Add(file, issue.Position{Line: 1, Column: 1}, "%s", instead)
		return
	}
	text, err := os.ReadFile(file)
	if err != nil {
		r.issues.Add(file, issue.Position{}, "reading manifests: %v; make it readable", err)
		return
	}
	for _, d := range documents(file, text) {
		if !r.readDocument(d) {
			return // what follows would be read wrong, too
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
		_ = o.EachListItem(func(item runtime.Object) error { // it returns what this function does
			r.add(Object{Unstructured: item.(*unstructured.Unstructured), File: o.File, in: o.in, path: append(slices.Clone(o.path), "items", strconv.Itoa(i))})
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

// nameless says why something is no object that can be applied.
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
