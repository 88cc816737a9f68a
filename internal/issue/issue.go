// Package issue holds mistakes in what a user wrote: where each is, what it
// is, and the cure.
package issue

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/agext/levenshtein"
	"go.yaml.in/yaml/v3"
)

// Position is a place in a file. Line and Column count from 1; both are 0 for
// a file as a whole.
type Position struct{ Line, Column int }

// Issue is one mistake.
type Issue struct {
	File string
	Position
	// Message is what is wrong and, after a semicolon, what to do about it.
	Message string
}

// String prints the issue as compilers do: "file:line:column: message".
func (i Issue) String() string {
	switch {
	case i.File == "":
		return i.Message
	case i.Line == 0:
		return i.File + ": " + i.Message
	}
	return fmt.Sprintf("%s:%d:%d: %s", i.File, i.Line, i.Column, i.Message)
}

// List is the error of an input that cannot be used: all that is wrong with it.
type List struct{ List []Issue }

// Error prints an issue a line.
func (l *List) Error() string {
	lines := make([]string, len(l.List))
	for i, one := range l.List {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}

// Add appends an issue.
func (l *List) Add(file string, at Position, format string, args ...any) {
	l.List = append(l.List, Issue{file, at, fmt.Sprintf(format, args...)})
}

// AddError appends the issues of a List, or the text of another error as an issue
// without a position.
func (l *List) AddError(err error) {
	if more, is := errors.AsType[*List](err); is {
		l.List = append(l.List, more.List...)
	} else if err != nil {
		l.List = append(l.List, Issue{Message: err.Error()})
	}
}

// Sort orders the issues by file, position and message, beginning with the file first, and
// keeps one of equal ones. So it does not matter in which order they were found.
func (l *List) Sort(first string) {
	file := func(i Issue) string {
		if i.File == first {
			return ""
		}
		return "\x00" + i.File
	}
	slices.SortStableFunc(l.List, func(a, b Issue) int {
		return cmp.Or(cmp.Compare(file(a), file(b)), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Message, b.Message))
	})
	l.List = slices.Compact(l.List)
}

// Err returns the list as an error, or nil when it is empty.
func (l *List) Err() error {
	if len(l.List) == 0 {
		return nil
	}
	return l
}

// Nearest returns the known name that differs from name in the fewest letters, at
// most in about a third of them, or "".
func Nearest(name string, known []string) string {
	if len(name) > 50 {
		return ""
	}
	best, bound := "", max(1, (len(name)+1)/3)
	for _, k := range known {
		if d := levenshtein.Distance(strings.ToLower(name), strings.ToLower(k), nil); d <= bound {
			best, bound = k, d-1
		}
	}
	return best
}

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
