package classify

import (
	"fmt"
	"slices"
	"strings"
)

// Level says what kind of statement a rule recognises. A statement of a
// higher level explains those below it and wins over them.
type Level int

// The levels, lowest first.
const (
	// Ordinary is no statement: a rule of this level knows a line that healthy
	// programs print, however it sounds, and keeps all others away from it.
	Ordinary Level = iota - 1
	// Marker tells where the log is (a phase begins, a step succeeds) and is
	// never an outcome by itself.
	Marker
	// Hint is a weak sign, used when there is nothing else.
	Hint
	// Wrapper says that something failed, and not why: "exit status 1".
	Wrapper
	// Fault is a component telling its own failure: a compiler's error, a
	// probe that timed out.
	Fault
	// Root is the reason below a component's failure: the kernel's errno, a
	// killed process, a registry's refusal.
	Root
	// Death is the engine gone or not answering, which explains all else.
	Death
)

var levelNames = []string{"ordinary", "marker", "hint", "wrapper", "fault", "root", "death"}

func (l Level) String() string { return levelNames[l-Ordinary] }

// UnmarshalText implements encoding.TextUnmarshaler; unknown names are errors.
func (l *Level) UnmarshalText(text []byte) error {
	i := slices.Index(levelNames, string(text))
	if i < 0 {
		return fmt.Errorf("%q is not a known level; known are %s", text, strings.Join(levelNames, ", "))
	}
	*l = Level(i) + Ordinary
	return nil
}
