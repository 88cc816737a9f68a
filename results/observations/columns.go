package observations

import (
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// columns are those of a table of trials that are no factors. What ls writes as
// CSV has them, and each may be missing but outcome.
var columns = []string{"trial", "kind", "block", "outcome", "phase", "timed_out", "setup_seconds", "lost_seconds",
	"recovery_seconds", "elapsed_seconds", "tests_passed", "tests_failed", "tests_total", "peak_memory_bytes", "estimate", "simulated", "message", "went_on_after"}

// printed are the columns of a table as people see it, which ls once wrote as
// CSV: times such as "2 min 53 s".
var printed = map[string]string{"setup": "setup_seconds", "elapsed": "elapsed_seconds",
	"tests passed": "tests_passed", "peak memory": "peak_memory_bytes"}

// fromPrinted gives the columns of a printed table their names, and reports
// whether it is one.
func fromPrinted(header []string) bool {
	for name := range printed {
		if !slices.Contains(header, name) {
			return false
		}
	}
	for i, name := range header {
		if known, ok := printed[name]; ok {
			header[i] = known
		}
	}
	return true
}

// nearMiss is the known name, among those not given, that a name was probably
// meant for: a slip of a letter or two, another way to write it, or a time of
// another unit.
func nearMiss(name string, known, given []string) (meant string, found bool) {
	plain := func(s string) string {
		return strings.NewReplacer("_", "", "-", "", " ", "", ".", "").Replace(strings.ToLower(s))
	}
	for _, k := range known {
		if slices.Contains(given, k) || name == k {
			continue
		}
		slips := 1
		if len(k) > 7 {
			slips = 2
		}
		stem, isTime := strings.CutSuffix(k, "_seconds")
		if len(name) > 3 && levenshtein.Distance(plain(name), plain(k), nil) <= slips || plain(name) == plain(k) ||
			isTime && slices.Contains(units, strings.TrimPrefix(plain(name), stem)) && strings.HasPrefix(plain(name), stem) {
			return k, true
		}
	}
	return "", false
}

// units are what people write behind the name of a time.
var units = []string{"", "s", "sec", "secs", "ms", "millis", "milliseconds", "min", "mins", "minute", "minutes", "m", "h", "hours", "time", "duration"}
