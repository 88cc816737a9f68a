package classify

import (
	"strings"
	"testing"
)

// A rule states a mechanism: its patterns are short, and neither they nor its
// case are a text of the data set.
func TestRulesQuoteNoRecord(t *testing.T) {
	records := given(t)
	for _, batch := range fieldBatches(t) {
		records = append(records, batch...)
	}
	for _, r := range Rules() {
		for _, m := range r.Match {
			if len(m) > 60 {
				t.Errorf("%s: the pattern %q is a quotation", r.Name, m)
			}
		}
		for line := range strings.Lines(r.Case.Log) {
			line = strings.TrimSpace(line)
			if id := quoted(records, line); id != "" && len(line) > 50 {
				t.Errorf("%s: its case is a line of record %s", r.Name, id)
			}
		}
	}
}

func quoted(records []fieldRecord, line string) string {
	for _, r := range records {
		if strings.Contains(r.Text, line) {
			return r.ID
		}
	}
	return ""
}
