// Package issue holds mistakes in what a user wrote: where each is, what it
// is, and the cure.
package issue

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
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
