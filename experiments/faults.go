package experiments

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing wrong with a spec: where it is, what it is, and the cure.
type Fault struct {
	File string
	// Line and Column count from 1; both are 0 for a file that cannot be read.
	Line, Column int
	// Message says what is wrong and, after a semicolon, what to do about it.
	Message string
}

// String prints the fault as compilers do: "file:line:column: message".
func (f Fault) String() string {
	if f.Line == 0 {
		return f.File + ": " + f.Message
	}
	return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Message)
}

// Faults is the error of a spec that cannot be run: all that is wrong with it
// and with its workload, in the order of the files.
type Faults struct {
	List []Fault
}

// Error prints a fault a line.
func (f *Faults) Error() string {
	lines := make([]string, len(f.List))
	for i, fault := range f.List {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

// place is a position in a file.
type place struct{ line, column int }

func (f *Faults) add(file string, at place, format string, args ...any) {
	f.List = append(f.List, Fault{file, at.line, at.column, fmt.Sprintf(format, args...)})
}

// err returns the faults as an error, those of the first file first, or nil
// when there are none. A fault that two checks found is kept once.
func (f *Faults) err(first string) error {
	if len(f.List) == 0 {
		return nil
	}
	slices.SortStableFunc(f.List, func(a, b Fault) int {
		return cmp.Or(
			boolOrder(a.File != first, b.File != first),
			cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	f.List = slices.Compact(f.List)
	return f
}

func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}
