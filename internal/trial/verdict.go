package trial

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Verdict is how a trial ended and what that rests on.
type Verdict struct {
	Outcome Outcome `json:"outcome"`
	// Phase is where it ended, for every outcome but ok.
	Phase Phase `json:"phase,omitempty"`
	// Cause is why. A record of another version may hold one that this version
	// does not know.
	Cause Cause `json:"cause,omitempty"`
	// Confidence is between 0 and 1.
	Confidence float64 `json:"confidence"`
	// TimedOut is true if a limit of the spec ended the trial, so that its time is
	// known only to exceed that limit.
	TimedOut bool `json:"timed_out,omitempty"`
	// Error is the error text as the pipeline saw it.
	Error    string     `json:"error,omitempty"`
	Evidence []Evidence `json:"evidence,omitempty"`
}

var (
	terminalCodes = regexp.MustCompile("\x1b\\[[0-9;?]*[A-Za-z]")
	complaint     = regexp.MustCompile(`(?i)error|fail|cannot|could not|denied|refused|no such|not found|time[d -]?out|killed|invalid|unable|fatal|panic`)
)

// mostShort bounds a line on a terminal.
const mostShort = 240

// InShort is the one line that explains best why the trial ended so: the line that
// decided, or a line of the error, which may be the whole output of a command.
func (v Verdict) InShort() string {
	for _, e := range v.Evidence {
		if e.Rule != "" && e.Text != "" {
			return shortLine(e.Text)
		}
	}
	return ErrorInShort(v.Error)
}

// ErrorInShort is the line of an error that explains best what went wrong: the first
// of up to three lines, or the last line of a whole output that complains.
func ErrorInShort(text string) string {
	lines := slices.DeleteFunc(strings.Split(text, "\n"), func(l string) bool { return strings.TrimSpace(l) == "" })
	if len(lines) == 0 {
		return ""
	}
	if len(lines) > 3 {
		for _, l := range slices.Backward(lines) {
			if complaint.MatchString(l) {
				return shortLine(l)
			}
		}
	}
	return shortLine(lines[0])
}

func shortLine(text string) string {
	text = terminalCodes.ReplaceAllString(text, "")
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if runes := []rune(text); len(runes) > mostShort {
		text = string(runes[:mostShort]) + "…"
	}
	return text
}
