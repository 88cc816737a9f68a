// Package deploy applies manifests to a cluster server-side and waits until
// what they describe is ready: a Job when it is complete, and all else by the
// rules of kstatus.
package deploy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/stratbench/stratbench/internal/issue"
)

// Object is one object of the manifests, and the file that describes it.
type Object struct {
	*unstructured.Unstructured
	File string
	// home is the namespace of an object that needs one and names none; empty is
	// default.
	home string
	// in is the document that describes the object, below path.
	in   *document
	path []string
}

// carried is an object on its way to the process that applies it.
type carried struct {
	Object map[string]any `json:"object"`
	File   string         `json:"file"`
	Home   string         `json:"home,omitempty"`
}

// MarshalJSON writes the object with its file.
func (o Object) MarshalJSON() ([]byte, error) {
	return json.Marshal(carried{o.Object, o.File, o.home})
}

// UnmarshalJSON reads what MarshalJSON has written.
func (o *Object) UnmarshalJSON(text []byte) error {
	var c carried
	if err := utiljson.Unmarshal(text, &c); err != nil { // with int64 for whole numbers
		return err
	}
	*o = Object{Unstructured: &unstructured.Unstructured{Object: c.Object}, File: c.File, home: c.Home}
	return nil
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
