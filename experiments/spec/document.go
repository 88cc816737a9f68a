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
)

// What a spec may be at most. Aliases count each time they are used, so a
// small file cannot grow into a large one.
const (
	maxBytes = 1 << 20
	maxNodes = 50_000
	maxDepth = 32
)

// document is a YAML file as a JSON value that remembers where each part of
// it stands. Parts are found by their JSON pointer.
type document struct {
	file string
	data []byte
	// value is made of map[string]any, []any, string, bool, numbers and nil.
	value any
	at    map[string]issue.Position // of values
	keyAt map[string]issue.Position // of the keys of mappings
	keys  map[string][]string       // of a mapping, in the order of the file
	text  map[string]string         // of a scalar, as written
}

// readDocument reads a file; what is wrong with it is added to issues. It
// returns nil when there is nothing to look at.
func readDocument(file string, issues *issue.List) *document {
	data, err := readAtMost(file, maxBytes)
	if err != nil {
		issues.Add(file, issue.Position{}, "%v", err)
		return nil
	}
	return parseDocument(file, data, issues)
}

func readAtMost(file string, limit int64) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("cannot be opened: %w; give the path of a readable file", withoutPath(err))
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w; give the path of a YAML file", withoutPath(err))
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("is larger than %d bytes; a spec or workload is a short text, so check the path", limit)
	}
	return data, nil
}

// withoutPath drops the file name from err, since a fault begins with it.
func withoutPath(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

func parseDocument(file string, data []byte, issues *issue.List) *document {
	d := &document{file: file, data: data,
		at: map[string]issue.Position{}, keyAt: map[string]issue.Position{}, keys: map[string][]string{}, text: map[string]string{}}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var root, second yaml.Node
	switch err := decoder.Decode(&root); {
	case errors.Is(err, io.EOF) || err == nil && isNull(&root):
		issues.Add(file, issue.Position{Line: 1, Column: 1}, "the file is empty; start from one of those in experiments/")
		return nil
	case err != nil:
		at, message := issue.YAMLError(strings.ReplaceAll(err.Error(), "\n", " "))
		issues.Add(file, at, "this is not YAML: %s; check indentation, quotes and brackets around this line", message)
		return nil
	}
	if err := decoder.Decode(&second); err == nil {
		issues.Add(file, issue.Position{Line: second.Line, Column: max(second.Column, 1)}, "a second document begins; put it in a file of its own")
	} else if !errors.Is(err, io.EOF) {
		at, message := issue.YAMLError(strings.ReplaceAll(err.Error(), "\n", " "))
		issues.Add(file, at, "what follows the document is not YAML: %s; remove it", message)
	}
	r := &nodeReader{document: d, issues: issues}
	d.value = r.read(root.Content[0], "", 0)
	if r.tooBig {
		return nil
	}
	return d
}

func isNull(root *yaml.Node) bool {
	return len(root.Content) == 0 || root.Content[0].Kind == yaml.ScalarNode && root.Content[0].ShortTag() == "!!null"
}

// nodeReader turns YAML nodes into a document.
type nodeReader struct {
	*document
	issues *issue.List
	nodes  int
	tooBig bool
}

func (r *nodeReader) fault(n *yaml.Node, format string, args ...any) {
	r.issues.Add(r.file, issue.Position{Line: n.Line, Column: n.Column}, format, args...)
}

func (r *nodeReader) read(n *yaml.Node, pointer string, depth int) any {
	if r.nodes++; r.tooBig || r.nodes > maxNodes || depth > maxDepth {
		if !r.tooBig {
			r.fault(n, "the document grows beyond %d values or %d levels here; write less, and let no alias stand within what it stands for", maxNodes, maxDepth)
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
		return r.readMapping(n, pointer, depth)
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

func (r *nodeReader) readMapping(n *yaml.Node, pointer string, depth int) any {
	mapping := map[string]any{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		for key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge" {
			r.fault(key, "a key here is not a plain text; write each key out (merge keys are not supported)")
			continue
		}
		below := pointer + "/" + escape(key.Value)
		if first, ok := r.keyAt[below]; ok {
			r.fault(key, "key %q is given a second time, first on line %d; keep one", key.Value, first.Line)
			continue
		}
		r.keyAt[below] = issue.Position{Line: key.Line, Column: key.Column}
		r.keys[pointer] = append(r.keys[pointer], key.Value)
		mapping[key.Value] = r.read(value, below, depth+1)
	}
	return mapping
}

// scalar returns the value of a scalar. What JSON has no number for, such as
// .inf, stays a text, which the schema then refuses where a number belongs.
func (r *nodeReader) scalar(n *yaml.Node) any {
	var value any
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!str", "!!timestamp":
		return n.Value
	case "!!bool", "!!int", "!!float":
		if err := n.Decode(&value); err != nil {
			return n.Value
		}
	default:
		r.fault(n, "tag %s is not supported; write the value without it", n.Tag)
		return n.Value
	}
	switch v := value.(type) {
	case float64:
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return n.Value
		}
	case bool, int, int64, uint64:
	default:
		return n.Value
	}
	return value
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

// where returns the position of the value at the pointer, or of the nearest
// value around it that stands in the file.
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

// has says whether something stands at the pointer.
func (d *document) has(pointer string) bool {
	_, ok := d.at[pointer]
	return ok
}
