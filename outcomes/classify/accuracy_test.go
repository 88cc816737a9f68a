package classify

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/stratbench/stratbench/internal/trial"
)

// fieldRecord is a log from the field, or one like them, with what is known
// about it.
type fieldRecord struct {
	ID       string          `json:"id"`
	Class    trial.Outcome   `json:"class"`
	Also     []trial.Outcome `json:"also"`
	Cause    trial.Cause     `json:"cause"`
	Phase    trial.Phase     `json:"phase"`
	Runtime  string          `json:"runtime"`
	ExitCode *int            `json:"exit_code"`
	Text     string          `json:"text"`
}

func (r fieldRecord) options() Options {
	opts := Options{Phase: r.Phase, ExitCode: r.ExitCode}
	if r.Runtime != "either" {
		opts.Runtime = trial.Runtime(r.Runtime)
	}
	return opts
}

func (r fieldRecord) accepts(o trial.Outcome) bool {
	return o == r.Class || slices.Contains(r.Also, o)
}

// given reads the data set that lies beside some checkouts, and returns nothing if it is
// not there.
func given(t testing.TB) []fieldRecord {
	t.Helper()
	name := filepath.Join("..", "..", "..", "shared", "data", "failures.jsonl")
	if _, err := os.Stat(name); err != nil {
		return nil
	}
	return readRecords(t, name)
}

// tally counts how often a class was recognised.
type tally struct{ right, cause, all int }

// TestAccuracy measures the share of the given texts that is classified right, with what a
// caller knows of them and from the text alone. Run it with -v for the table. The bars are
// set by other texts, those in testdata (TestFieldBatches, TestLogsOfCI).
func TestAccuracy(t *testing.T) {
	records := given(t)
	if records == nil {
		t.Skip("the given set is not beside this checkout; testdata holds the bars")
	}
	if got := share(t, records, fieldRecord.options); got < 0.9 {
		t.Errorf("classified %.1f %% right, want 90 %%", 100*got)
	}
	t.Run("text alone", func(t *testing.T) {
		share(t, records, func(fieldRecord) Options { return Options{} })
	})
}

// share classifies the records and returns what part is right, of 1.
func share(t *testing.T, records []fieldRecord, known func(fieldRecord) Options) float64 {
	t.Helper()
	byClass := map[trial.Outcome]tally{}
	var total tally
	for _, r := range records {
		got := classify(t, known(r), r.Text)
		n := byClass[r.Class]
		n.all++
		total.all++
		if r.accepts(got.Outcome) {
			n.right++
			total.right++
			if got.Cause == r.Cause {
				n.cause++
				total.cause++
			}
		} else {
			t.Logf("%s is %s, classified %s (%s) by %s", r.ID, r.Class, got.Outcome, got.Cause, decidedBy(got))
		}
		byClass[r.Class] = n
	}
	t.Logf("\n%s", table(byClass, total))
	return float64(total.right) / float64(total.all)
}

func decidedBy(r Result) string {
	if len(r.Evidence) == 0 {
		return "no rule"
	}
	return r.Evidence[0].Rule
}

func table(byClass map[trial.Outcome]tally, total tally) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "class\tright\tof\tshare\tsame cause\t")
	row := func(name string, n tally) {
		fmt.Fprintf(w, "%s\t%d\t%d\t%.0f %%\t%d\t\n", name, n.right, n.all, 100*float64(n.right)/float64(n.all), n.cause)
	}
	for _, class := range slices.Sorted(maps.Keys(byClass)) {
		row(string(class), byClass[class])
	}
	row("all", total)
	w.Flush()
	return b.String()
}
