package issue

import (
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Find is the position of the value at a path of keys and indices in a YAML
// document, or of the nearest value around it. In a document that is not YAML it is
// the beginning.
func Find(document []byte, path ...string) Position {
	var root yaml.Node
	if yaml.Unmarshal(document, &root) != nil || len(root.Content) == 0 {
		return Position{Line: 1, Column: 1}
	}
	node := root.Content[0]
	for _, key := range path {
		below := child(node, key)
		if below == nil {
			break
		}
		node = below
	}
	return Position{node.Line, node.Column}
}

func child(node *yaml.Node, key string) *yaml.Node {
	for node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	switch node.Kind {
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(key); err == nil && i < len(node.Content) {
			return node.Content[i]
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == key {
				return node.Content[i+1]
			}
		}
	}
	return nil
}

var yamlLine = regexp.MustCompile(`line (\d+): ?`)

// YAMLError splits the text of a YAML error into its position and its message. A
// text without a line is about line 1.
func YAMLError(text string) (Position, string) {
	m := yamlLine.FindStringSubmatchIndex(text)
	if m == nil {
		return Position{Line: 1, Column: 1}, strings.TrimPrefix(text, "yaml: ")
	}
	line, err := strconv.Atoi(text[m[2]:m[3]])
	if err != nil || line < 1 {
		line = 1
	}
	message := strings.TrimPrefix(strings.TrimSpace(text[m[1]:]), "yaml: ")
	return Position{line, 1}, strings.Replace(message, "found character that cannot start any token",
		"a tab, @ or ` cannot begin here: indent with spaces, and put a text that begins so in quotes", 1)
}
