package docker

import (
	"strings"
	"testing"

	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/internal/buildlog"
)

func classicMarks(text string) string {
	c := new(classicLines)
	var out []string
	for line := range strings.Lines(text) {
		switch m, name := c.read(strings.TrimSuffix(line, "\n")); m {
		case buildlog.Start:
			out = append(out, "start "+name)
		case buildlog.Cached:
			out = append(out, "cached")
		case buildlog.End:
			out = append(out, "end")
		}
	}
	return strings.Join(out, "\n")
}

func TestClassicLines(t *testing.T) {
	got := classicMarks(`Step 1/3 : FROM a
 ---> 5d41402abc4b
Step 2/3 : RUN b
 ---> Using cache
 ---> 7f83b1657ff1
Step 2/3 : no
Step 3/4 : no
Step 3/3 : RUN c
 ---> Running in 0a1b2c3d4e5f
 ---> nothing
Removing intermediate container 0a1b2c3d4e5f
 ---> 0cc175b9c0f1
Successfully built 0cc175b9c0f1
`)
	want := `start Step 1/3 : FROM a
end
start Step 2/3 : RUN b
cached
end
start Step 3/3 : RUN c
end`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestReadClassic(t *testing.T) {
	steps := buildlog.NewSteps(func(runtimes.Progress) {}, new(classicLines).read)
	for name, c := range map[string]struct{ stream, id, err string }{
		"built":          {`{"stream":"Step 1/1 : FROM a\n"}{"aux":{"ID":"sha256:12"}}`, "sha256:12", ""},
		"failed":         {`{"aux":{"ID":"sha256:12"}}{"errorDetail":{"code":7,"message":"returned 7"},"error":"returned 7"}`, "", "returned 7"},
		"without an end": {`{"stream":"Step 1/1 : FROM a\n"}`, "", "the engine ended the build without naming an image"},
	} {
		id, err := readClassic(t.Context(), strings.NewReader(c.stream), steps)
		if string(id) != c.id || (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
			t.Errorf("%s: %q, %v; want %q, %q", name, id, err, c.id, c.err)
		}
	}
}

// FuzzClassicLines checks that no step starts twice under one name.
func FuzzClassicLines(f *testing.F) {
	f.Add("Step 1/2 : FROM a\n ---> 5d41402abc4b\nStep 2/2 : RUN b\n ---> Using cache\n ---> 7f83b1657ff1\n")
	f.Add("Step 1/1 : a\nStep 1/1 : a\n")
	f.Fuzz(func(t *testing.T, text string) {
		seen := map[string]bool{}
		for name := range strings.Lines(classicMarks(text)) {
			if strings.HasPrefix(name, "start ") && seen[name] {
				t.Errorf("%q twice in %q", name, text)
			}
			seen[name] = true
		}
	})
}
