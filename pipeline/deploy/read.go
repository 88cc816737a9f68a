// Package deploy applies manifests to a cluster server-side and waits until
// what they describe is ready by the rules of kstatus.
package deploy

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// Object is one object of the manifests, and the file that describes it.
type Object struct {
	*unstructured.Unstructured
	File string
}

// String names the object as people do: "Deployment default/store".
func (o Object) String() string { return describe(o.Unstructured) }

func describe(u *unstructured.Unstructured) string {
	if u.GetNamespace() == "" {
		return u.GetKind() + " " + u.GetName()
	}
	return u.GetKind() + " " + u.GetNamespace() + "/" + u.GetName()
}

// Read reads manifests: files, or folders of .yaml, .yml and .json files, each
// with any number of documents. Objects keep their order, save that namespaces
// come first and definitions of resources second.
func Read(paths []string) ([]Object, error) {
	var objects []Object
	for _, path := range paths {
		files, err := filesOf(path)
		if err != nil {
			return nil, fmt.Errorf("reading manifests: %w", err)
		}
		for _, file := range files {
			read, err := readFile(file)
			if err != nil {
				return nil, fmt.Errorf("reading manifests: %s: %w", file, err)
			}
			objects = append(objects, read...)
		}
	}
	slices.SortStableFunc(objects, func(a, b Object) int { return order(a) - order(b) })
	return objects, nil
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
	if err != nil || !info.IsDir() {
		return []string{path}, err
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

func readFile(file string) ([]Object, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f, file)
}

func readAll(r io.Reader, file string) ([]Object, error) {
	var objects []Object
	decoder := yaml.NewYAMLOrJSONDecoder(bufio.NewReader(r), 4096)
	for document := 1; ; document++ {
		u := &unstructured.Unstructured{}
		err := decoder.Decode(&u.Object)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("document %d: %w", document, err)
		}
		if len(u.Object) == 0 {
			continue
		}
		if objects, err = appendObjects(objects, u, file); err != nil {
			return nil, fmt.Errorf("document %d: %w", document, err)
		}
	}
}

// appendObjects adds an object, or the items of a list.
func appendObjects(objects []Object, u *unstructured.Unstructured, file string) ([]Object, error) {
	if u.IsList() {
		err := u.EachListItem(func(item runtime.Object) error {
			var err error
			objects, err = appendObjects(objects, item.(*unstructured.Unstructured), file)
			return err
		})
		return objects, err
	}
	if u.GetAPIVersion() == "" || u.GetKind() == "" || u.GetName() == "" {
		return objects, fmt.Errorf("an object needs apiVersion, kind and metadata.name; this one has apiVersion %q, kind %q, name %q",
			u.GetAPIVersion(), u.GetKind(), u.GetName())
	}
	return append(objects, Object{u, file}), nil
}
