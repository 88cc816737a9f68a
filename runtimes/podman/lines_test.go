package podman

import (
	"strings"
	"testing"
)

const (
	layer = "5d41402abc4b"
	whole = "7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069"
)

// marked renders what lines recognises, one line each.
func marked(text string) string {
	l := new(lines)
	var out []string
	for line := range strings.Lines(text) {
		switch m, name := l.read(strings.TrimSuffix(line, "\n")); m {
		case starts:
			out = append(out, "start "+name)
		case cached:
			out = append(out, "cached")
		case ends:
			out = append(out, "end")
		}
	}
	return strings.Join(out, "\n")
}

func TestLines(t *testing.T) {
	for name, c := range map[string]struct{ text, want []string }{
		"one stage": {
			[]string{"STEP 1/3: FROM a", "STEP 2/3: RUN b", "b says", "--> " + layer, "STEP 3/3: CMD c", "COMMIT d",
				"--> " + layer, "Successfully tagged d", whole},
			[]string{"start STEP 1/3: FROM a", "start STEP 2/3: RUN b", "end", "start STEP 3/3: CMD c", "start COMMIT d", "end"},
		},
		"two stages": {
			[]string{"[1/2] STEP 1/2: FROM a AS b", "[1/2] STEP 2/2: RUN c", "--> " + layer,
				"[2/2] STEP 1/1: FROM a", "[2/2] COMMIT d", "--> " + layer, whole},
			[]string{"start [1/2] STEP 1/2: FROM a AS b", "start [1/2] STEP 2/2: RUN c", "end",
				"start [2/2] STEP 1/1: FROM a", "start [2/2] COMMIT d", "end"},
		},
		"cache": {
			[]string{"STEP 1/2: FROM a", "STEP 2/2: RUN b", "--> Using cache " + whole, "COMMIT c", "--> " + layer},
			[]string{"start STEP 1/2: FROM a", "start STEP 2/2: RUN b", "cached", "start COMMIT c", "end"},
		},
		"a stage that is left out": {
			[]string{"[2/3] STEP 1/1: FROM a", "[3/3] STEP 1/1: FROM b", "[3/3] COMMIT c"},
			[]string{"start [2/3] STEP 1/1: FROM a", "start [3/3] STEP 1/1: FROM b", "start [3/3] COMMIT c"},
		},
		"output that looks like marks": {
			[]string{"STEP 1/3: FROM a", "STEP 3/3: no", "STEP 1/3: no", "STEP 2/4: no", "COMMIT no", "--> no",
				"STEP 2/3: RUN b", "[9/9] STEP 4/9: no", "--> Using cache no"},
			[]string{"start STEP 1/3: FROM a", "start STEP 2/3: RUN b"},
		},
		"numbers beyond all bounds": {
			[]string{"STEP 99999999999999999999/3: FROM a"}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got, want := marked(strings.Join(c.text, "\n")), strings.Join(c.want, "\n"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// FuzzLines checks that no step starts twice under one name.
func FuzzLines(f *testing.F) {
	f.Add("STEP 1/2: FROM a\nSTEP 2/2: RUN b\n--> Using cache " + whole + "\nCOMMIT c\n--> " + layer + "\n")
	f.Add("[1/2] STEP 1/1: FROM a\n[2/2] STEP 1/1: FROM a\n[2/2] COMMIT c\n")
	f.Add("STEP 1/1: a\nCOMMIT\nCOMMIT\nSTEP 1/1: a\n")
	f.Fuzz(func(t *testing.T, text string) {
		seen := map[string]bool{}
		for line := range strings.Lines(marked(text)) {
			if name := strings.TrimSpace(line); strings.HasPrefix(name, "start ") && seen[name] {
				t.Errorf("%q twice in %q", name, text)
			} else {
				seen[name] = true
			}
		}
	})
}
