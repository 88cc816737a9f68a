package classify

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
)

// What single messages of the programs mean, as testdata/words.txt has them.
// A message alone can mislead, so a small part may be wrong.
func TestWordsOfThePrograms(t *testing.T) {
	f, err := os.Open(filepath.Join("testdata", "words.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	right, all := 0, 0
	for lines := bufio.NewScanner(f); lines.Scan(); {
		outcomes, rest, _ := strings.Cut(lines.Text(), "|")
		phase, text, ok := strings.Cut(rest, "|")
		if !ok {
			continue
		}
		all++
		text = strings.NewReplacer(`\n`, "\n", `\t`, "\t").Replace(text)
		got := classify(t, Options{Phase: trial.Phase(phase)}, text)
		if slices.Contains(strings.Split(outcomes, ","), string(got.Outcome)) {
			right++
			continue
		}
		t.Logf("in %s, %q is %s, classified %s by %s", phase, text, outcomes, got.Outcome, decidedBy(got))
	}
	if all < 500 || float64(right) < 0.97*float64(all) {
		t.Errorf("%d of %d messages are right, want 97 %%", right, all)
	}
}
