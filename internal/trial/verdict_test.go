package trial

import (
	"strings"
	"testing"
)

func TestVerdictInShort(t *testing.T) {
	output := strings.Repeat("Step 3/7 : RUN make\n", 400) + "make: *** [all] Error 2\n" + strings.Repeat("removing intermediate container\n", 3)
	for name, c := range map[string]struct {
		v    Verdict
		want string
	}{
		"what decided":          {Verdict{Error: output, Evidence: []Evidence{{Source: "log", Text: "no space left on device", Rule: "disk-full"}}}, "no space left on device"},
		"an output":             {Verdict{Error: "building api: exit status 2\n" + output}, "make: *** [all] Error 2"},
		"a sentence":            {Verdict{Error: "not done within its limit of 10m0s"}, "not done within its limit of 10m0s"},
		"two reasons":           {Verdict{Error: "1 of 4 tests failed: TestA: boom\npackage b does not build"}, "1 of 4 tests failed: TestA: boom"},
		"colours and long ones": {Verdict{Error: "\x1b[31m" + strings.Repeat("é", 300) + "\x1b[0m"}, strings.Repeat("é", 240) + "…"},
		"nothing":               {Verdict{}, ""},
	} {
		if got := c.v.InShort(); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}
