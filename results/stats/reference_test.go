package stats

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// reference is one value made by the script of the same name in testdata.
type reference struct {
	F    string    `json:"f"`
	Args []float64 `json:"args"`
	Want []float64 `json:"want"`
}

// checkReferences runs every case of testdata/<name>.json through the function
// of its name; a case without one and a function without cases are failures.
func checkReferences(t *testing.T, name string, tolerance float64, functions map[string]func(args []float64) []float64) {
	t.Helper()
	file := readReferences(t, name)
	used := map[string]bool{}
	for _, c := range file.Cases {
		f := functions[c.F]
		if f == nil {
			t.Errorf("%s has cases for %q, which no test runs", name, c.F)
			continue
		}
		used[c.F] = true
		checkClose(t, fmt.Sprintf("%s%v against %s", c.F, c.Args, file.Source), tolerance, f(c.Args), c.Want)
	}
	for f := range functions {
		if !used[f] {
			t.Errorf("%s has no case for %q", name, f)
		}
	}
}

func checkClose(t *testing.T, what string, tolerance float64, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d values %v, want %v", what, len(got), got, want)
		return
	}
	for i := range got {
		if !near(got[i], want[i], tolerance) {
			t.Errorf("%s: [%d] is %.12g, want %.12g", what, i, got[i], want[i])
		}
	}
}

// near is relative agreement; around zero it is absolute at a thousandth of
// the tolerance.
func near(got, want, tolerance float64) bool {
	if got == want {
		return true
	}
	return math.Abs(got-want) <= tolerance*max(math.Abs(want), 1e-3)
}

type references struct {
	Source string      `json:"source"`
	Cases  []reference `json:"cases"`
}

func readReferences(t *testing.T, name string) (file references) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return file
}
