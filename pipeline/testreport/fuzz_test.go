package testreport

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"github.com/stratbench/stratbench/internal/trial"
)

// FuzzRead gives every reader anything: it must not crash, and what it returns
// must be fit for a record.
func FuzzRead(f *testing.F) {
	seeds, err := filepath.Glob("testdata/*.*")
	if err != nil || len(seeds) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, seed := range seeds {
		text, err := os.ReadFile(seed)
		if err != nil {
			f.Fatal(err)
		}
		for i := range Formats() {
			f.Add(i, text)
		}
	}
	f.Add(1, []byte("\x16--- PASS: T (NaNs)\n\x16--- FAIL: T (-1s)\n=== RUN \n--- SKIP:  (1s)"))
	f.Fuzz(func(t *testing.T, format int, text []byte) {
		formats := Formats()
		of, known := formats[uint(format)%uint(len(formats))], []string{"T", ""}
		report, brief := Report{}, Brief(known)
		for _, r := range []*Report{&report, &brief} {
			_ = r.Read(of, bytes.NewReader(text), func(string) {}) // what was read before an error is judged
		}
		j := Judge(report, Exit{Known: true}, known)
		sameJudgement(t, Judge(brief, Exit{Known: true}, known), j)
		for _, r := range j.Tests {
			switch r.Status {
			case trial.TestPass, trial.TestFail, trial.TestSkip:
			default:
				t.Errorf("%q has the status %q", r.Name, r.Status)
			}
			if r.Length < 0 || len(r.Output) > keptOutput+200 || !utf8.ValidString(r.Output) || !utf8.ValidString(r.Name) || !utf8.ValidString(r.Message) || len(r.Message) > 2*mostWords {
				t.Errorf("%q: length %v, %d bytes of output", r.Name, r.Length, len(r.Output))
			}
		}
		if len(j.Tests) == 0 && len(j.Reasons) == 0 {
			t.Error("a report without results is good")
		}
		if _, again, err := Recognise(bytes.NewReader(text)); err == nil {
			if _, err := io.Copy(io.Discard, again); err != nil {
				t.Error(err)
			}
		}
	})
}
