package buildlog

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/runtimes"
)

// toy is a language of marks for tests.
func toy(line string) (Mark, string) {
	switch {
	case strings.HasPrefix(line, "go "):
		return Start, line
	case line == "same":
		return Cached, ""
	case line == "done":
		return End, ""
	}
	return None, ""
}

// journal writes progress down in one line each.
func journal(lines *[]string) func(runtimes.Progress) {
	return func(p runtimes.Progress) {
		switch {
		case !p.Started.IsZero():
			*lines = append(*lines, "start "+p.Step)
		case !p.Ended.IsZero():
			*lines = append(*lines, fmt.Sprintf("end %s %t %s", p.Step, p.Cached, p.Error))
		default:
			*lines = append(*lines, fmt.Sprintf("%s: %q", p.Step, p.Output))
		}
	}
}

func TestSteps(t *testing.T) {
	var got []string
	s := NewSteps(journal(&got), toy)
	for _, piece := range []string{"hello\ngo a\n", "wor", "king\r\ndone\n", "between\ngo b\nsa", "me\ngo c\nhalf a line"} {
		if n, err := s.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Fatalf("wrote %d of %d: %v", n, len(piece), err)
		}
	}
	s.Close(errors.New("out of memory"))
	want := []string{
		`: "hello\n"`, "start go a", `go a: "go a\n"`, `go a: "wor"`, `go a: "king\r\n"`, `go a: "done\n"`, "end go a false ",
		`: "between\n"`, "start go b", `go b: "go b\n"`, `go b: "sa"`, `go b: "me\n"`, "end go b true ",
		"start go c", `go c: "go c\n"`, `go c: "half a line"`, "end go c false out of memory",
	}
	if a, b := strings.Join(got, "\n"), strings.Join(want, "\n"); a != b {
		t.Errorf("got\n%s\nwant\n%s", a, b)
	}
}

func TestStepsKeepNoEndlessLine(t *testing.T) {
	s := NewSteps(func(runtimes.Progress) {}, toy)
	for range 100 {
		s.Write(make([]byte, longest/10))
	}
	if len(s.line) > longest {
		t.Errorf("%d bytes of a line are kept", len(s.line))
	}
}

// FuzzSteps checks that output comes through whole and steps are in order,
// however the stream is cut.
func FuzzSteps(f *testing.F) {
	f.Add("go a\nx\nsame\ndone\ngo b\n", 3)
	f.Add("done\nsame\ngo a\r\ngo a\n", 1)
	f.Fuzz(func(t *testing.T, text string, size int) {
		size = max(size, 1)
		var out strings.Builder
		open := ""
		s := NewSteps(func(p runtimes.Progress) {
			switch {
			case !p.Started.IsZero():
				if open != "" {
					t.Errorf("%q starts within %q", p.Step, open)
				}
				open = p.Step
			case !p.Ended.IsZero():
				if p.Step != open {
					t.Errorf("%q ends within %q", p.Step, open)
				}
				open = ""
			default:
				out.Write(p.Output)
			}
		}, toy)
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			s.Write([]byte(rest[:n]))
			rest = rest[n:]
		}
		s.Close(nil)
		if out.String() != text || open != "" {
			t.Errorf("%q came out as %q, %q is still open", text, out.String(), open)
		}
	})
}
