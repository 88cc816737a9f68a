package page_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stratbench/stratbench/results/report/page"
	"github.com/stratbench/stratbench/results/simulated"
)

// A report into the folder of another one leaves none of its figures, and all
// that somebody put there.
func TestFiguresOfTheReportBeforeGo(t *testing.T) {
	dir := t.TempDir()
	write := func(arms int) []string {
		m := material(t, simulated.Run(simulated.Matrix()[:arms], 3, 1))
		if err := page.Report(m).Write(dir, m.Analysis); err != nil {
			t.Fatal(err)
		}
		names, err := filepath.Glob(filepath.Join(dir, page.Figures, "*"))
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	few := write(2)
	own := filepath.Join(dir, page.Figures, "own.svg")
	if err := os.WriteFile(own, []byte("<svg/>"), 0o644); err != nil {
		t.Fatal(err)
	}
	if many := write(len(simulated.Matrix())); len(many) <= len(few)+1 {
		t.Fatalf("%d figures of the whole matrix, %d of a part", len(many), len(few))
	}
	got := slices.DeleteFunc(write(2), func(name string) bool { return name == own })
	if _, err := os.Stat(own); err != nil || !slices.Equal(got, few) {
		t.Errorf("%v; %d figures, want %d: %v", err, len(got), len(few), got)
	}
}
