package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/stratbench/stratbench/internal/issue"
	"github.com/stratbench/stratbench/internal/readable"
)

// The limits of a file. Aliases count each time they are used, so a small file
// cannot grow into a large one.
const (
	maxBytes = 1 << 20
	maxNodes = 50_000
	maxDepth = 32
)

// document is a YAML file as a JSON value, with the position of each part. Parts
// are found by their JSON pointer.
type document struct {
	file string
	// value is made of map[string]any, []any, string, bool, numbers and nil.
	value any
	at    map[string]issue.Position // of values
	keyAt map[string]issue.Position // of the keys of mappings
	keys  map[string][]string       // of mappings, in the order of the file
	text  map[string]string         // of scalars, as written
	// merged are mappings with a merge key, of which not all is known.
	merged []string
}

func readAtMost(file string, limit int64) ([]byte, error) {
	if info, err := os.Stat(file); err == nil && info.Size() > limit {
		return nil, fmt.Errorf("is larger than %d bytes; a spec or workload is a short text, so check the path", limit)
	}
	data, err := readable.File(file)
	if err != nil {
		return nil, fmt.Errorf("cannot be opened: %w; give the path of a readable file", withoutPath(err))
	}
	return data, nil
}

// withoutPath drops the file name from err, because an issue begins with it.
func withoutPath(err error) error {
	if path, is := errors.AsType[*os.PathError](err); is {
		return path.Err
	}
	return err
}

// parseDocument adds what is wrong with the text to issues. It returns nil when
// there is nothing to look at.
func parseDocument(file string, data []byte, issues *issue.List) *document {
	d := &document{file: file,
		at: map[string]issue.Position{}, keyAt: map[string]issue.Position{}, keys: map[string][]string{}, text: map[string]string{}}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	noYAML := func(err error, format string) {
		at, message := issue.YAMLError(strings.ReplaceAll(err.Error(), "\n", " "))
		issues.Add(file, at, format, message)
	}
	var root, second yaml.Node
	switch err := decoder.Decode(&root); {
	case errors.Is(err, io.EOF) || err == nil && (len(root.Content) == 0 || root.Content[0].ShortTag() == "!!null"):
		issues.Add(file, issue.Position{Line: 1, Column: 1}, "the file is empty; start from one of those in experiments/")
		return nil
	case err != nil:
		noYAML(err, "this is not YAML: %s; check indentation, quotes and brackets around this line")
		return nil
	}
	if err := decoder.Decode(&second); err == nil {
		issues.Add(file, issue.Position{Line: second.Line, Column: max(second.Column, 1)}, "a second document begins; put it in a file of its own")
	} else if !errors.Is(err, io.EOF) {
		noYAML(err, "what follows the document is not YAML: %s; remove it")
	}
	r := &nodeReader{document: d, issues: issues}
	d.value = r.read(root.Content[0], "", 0)
	if r.tooBig {
		return nil
	}
	return d
}

// nodeReader turns YAML nodes into a document.
type nodeReader struct {
	*document
	issues *issue.List
	nodes  int
	tooBig bool
}

func (r *nodeReader) issue(n *yaml.Node, format string, args ...any) {
	r.issues.Add(r.file, issue.Position{Line: n.Line, Column: n.Column}, format, args...)
}

func (r *nodeReader) read(n *yaml.Node, pointer string, depth int) any {
	if r.nodes++; r.tooBig || r.nodes > maxNodes || depth > maxDepth {
		if !r.tooBig {
			r.issue(n, "the document grows beyond %d values or %d levels here; write less, and let no alias be part of its own value", maxNodes, maxDepth)
		}
		r.tooBig = true
		return nil
	}
	r.at[pointer] = issue.Position{Line: n.Line, Column: n.Column}
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch n.Kind {
	case yaml.MappingNode:
		mapping := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			for key.Kind == yaml.AliasNode {
				key = key.Alias
			}
			if key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge" {
				r.issue(key, "a key here is not a plain text; write each key out (merge keys are not supported)")
				r.merged = append(r.merged, pointer)
				continue
			}
			below := pointer + "/" + escape(key.Value)
			if first, ok := r.keyAt[below]; ok {
				r.issue(key, "key %q is given a second time, first on line %d; keep one", key.Value, first.Line)
				continue
			}
			r.keyAt[below] = issue.Position{Line: key.Line, Column: key.Column}
			r.keys[pointer] = append(r.keys[pointer], key.Value)
			mapping[key.Value] = r.read(value, below, depth+1)
		}
		return mapping
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, item := range n.Content {
			list[i] = r.read(item, pointer+"/"+strconv.Itoa(i), depth+1)
		}
		return list
	default:
		r.text[pointer] = n.Value
		return r.scalar(n)
	}
}

// scalar returns the value of a scalar. Numbers that JSON does not have, such as
// .inf, stay text, which the schema then refuses.
func (r *nodeReader) scalar(n *yaml.Node) any {
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool", "!!int", "!!float":
		var value any
		_ = n.Decode(&value) // without a value, it stays text
		switch v := value.(type) {
		case float64:
			if !math.IsInf(v, 0) && !math.IsNaN(v) {
				return v
			}
		case bool, int, int64, uint64:
			return v
		}
	case "!!str", "!!timestamp":
	default:
		r.issue(n, "tag %s is not supported; write the value without it", n.Tag)
	}
	return n.Value
}

// ofKubernetes is what the document is instead of a file of stratbench: a Kind
// configuration or another object of Kubernetes, or "". A file of another version of
// stratbench is none of them.
func (d *document) ofKubernetes() string {
	kind, version := d.text["/kind"], d.text["/apiVersion"]
	switch {
	case kind == "" || version == "" || strings.HasPrefix(version, "stratbench/"):
		return ""
	case strings.HasPrefix(version, "kind.x-k8s.io/"):
		return "a Kind configuration"
	}
	return fmt.Sprintf("a file of %s, kind: %s,", version, kind)
}

// pointerTo joins parts to a JSON pointer.
func pointerTo(parts ...string) string {
	var b strings.Builder
	for _, part := range parts {
		b.WriteString("/" + escape(part))
	}
	return b.String()
}

func escape(part string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(part)
}

// keysOf takes a JSON pointer apart.
func keysOf(pointer string) []string {
	keys := strings.Split(pointer, "/")[1:]
	for i, key := range keys {
		keys[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(key)
	}
	return keys
}

// lookUp returns what is at the pointer in a JSON value, or nil.
func lookUp(value any, pointer string) any {
	for _, key := range keysOf(pointer) {
		switch here := value.(type) {
		case map[string]any:
			value = here[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(here) {
				return nil
			}
			value = here[i]
		default:
			return nil
		}
	}
	return value
}

// remove takes what is at the pointer out of the value; in a list, null takes its
// place.
func (d *document) remove(pointer string) {
	last := strings.LastIndexByte(pointer, '/')
	key := keysOf(pointer[last:])[0]
	switch in := lookUp(d.value, pointer[:last]).(type) {
	case map[string]any:
		delete(in, key)
	case []any:
		if i, err := strconv.Atoi(key); err == nil && i < len(in) {
			in[i] = nil
		}
	}
}

// lost reports whether the value at the pointer was taken out because it is wrong, or
// a key of the mapping there.
func (d *document) lost(pointer string) bool {
	value := lookUp(d.value, pointer)
	left, _ := value.(map[string]any)
	return value == nil && d.has(pointer) || len(left) < len(d.keys[pointer])
}

// where returns the position of the value at the pointer, or of the nearest
// value around it that the file has.
func (d *document) where(pointer string) issue.Position {
	for {
		if at, ok := d.at[pointer]; ok {
			return at
		}
		i := strings.LastIndexByte(pointer, '/')
		if i < 0 {
			return issue.Position{Line: 1, Column: 1}
		}
		pointer = pointer[:i]
	}
}

// has reports whether there is something at the pointer.
func (d *document) has(pointer string) bool {
	_, ok := d.at[pointer]
	return ok
}
