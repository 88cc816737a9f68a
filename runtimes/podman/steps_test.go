package podman

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/runtimes"
)

// journal records each progress in one line.
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
	s := steps{report: journal(&got)}
	for _, piece := range []string{"hello\nSTEP 1/3: a\n", "wor", "king\r\n--> " + layer + "\n", "between\nSTEP 2/3: b\n--> Using ca", "che " + whole + "\nSTEP 3/3: c\nhalf a line"} {
		s.write([]byte(piece))
	}
	s.close(errors.New("out of memory"))
	want := []string{
		`: "hello\n"`, "start STEP 1/3: a", `STEP 1/3: a: "STEP 1/3: a\n"`, `STEP 1/3: a: "wor"`, `STEP 1/3: a: "king\r\n"`,
		`STEP 1/3: a: "--> ` + layer + `\n"`, "end STEP 1/3: a false ",
		`: "between\n"`, "start STEP 2/3: b", `STEP 2/3: b: "STEP 2/3: b\n"`, `STEP 2/3: b: "--> Using ca"`, `STEP 2/3: b: "che ` + whole + `\n"`, "end STEP 2/3: b true ",
		"start STEP 3/3: c", `STEP 3/3: c: "STEP 3/3: c\n"`, `STEP 3/3: c: "half a line"`, "end STEP 3/3: c false out of memory",
	}
	if a, b := strings.Join(got, "\n"), strings.Join(want, "\n"); a != b {
		t.Errorf("got\n%s\nwant\n%s", a, b)
	}
}

func TestExportsAreSteps(t *testing.T) {
	var got []string
	s := steps{report: journal(&got), lines: lines{cache: "host:5000/cache/a"}}
	s.write([]byte("STEP 1/2: FROM a\nSTEP 2/2: RUN b\n--> Pushing cache [host:5000/other]:7f83\nCOMMIT c\n" +
		"--> Pushing cache [host:5000/cache/a]:7f83\n--> " + layer + "\n"))
	s.close(nil)
	got = slices.DeleteFunc(got, func(line string) bool { return !strings.HasPrefix(line, "start ") && !strings.HasPrefix(line, "end ") })
	want := []string{"start STEP 1/2: FROM a", "end STEP 1/2: FROM a false ", "start STEP 2/2: RUN b", "end STEP 2/2: RUN b false ",
		"start COMMIT c", "end COMMIT c false ", "start export the cache", "end export the cache false "}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestStepsKeepNoEndlessLine(t *testing.T) {
	s := steps{report: func(runtimes.Progress) {}}
	for range 100 {
		s.write(make([]byte, longest/10))
	}
	if len(s.line) > longest {
		t.Errorf("%d bytes of a line are kept", len(s.line))
	}
}

// FuzzSteps checks that output comes through whole and steps are in order,
// however the stream is cut.
func FuzzSteps(f *testing.F) {
	f.Add("STEP 1/2: a\nx\n--> Using cache "+whole+"\n--> "+layer+"\nSTEP 2/2: b\n", 3)
	f.Add("--> "+layer+"\n--> Using cache "+whole+"\nSTEP 1/2: a\r\nSTEP 1/2: a\n", 1)
	f.Fuzz(func(t *testing.T, text string, size int) {
		size = max(size, 1)
		var out strings.Builder
		open := ""
		s := steps{report: func(p runtimes.Progress) {
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
		}}
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			s.write([]byte(rest[:n]))
			rest = rest[n:]
		}
		s.close(nil)
		if out.String() != text || open != "" {
			t.Errorf("%q came out as %q, %q is still open", text, out.String(), open)
		}
	})
}
