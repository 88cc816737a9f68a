package spec_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/issue"
)

// Each file in testdata/issues is a spec with its other files, and every issue with
// which it must be refused.
func TestIssues(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(here, "testdata", "issues", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no specs with issues found: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got, want := issuesOf(t, archive), &archive.Files[len(archive.Files)-1]
			if want.Name != "want" {
				t.Fatalf("the last file is %s, not want", want.Name)
			}
			if update() {
				want.Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != string(want.Data) {
				t.Errorf("issues are\n%s\nwant\n%s", got, want.Data)
			}
		})
	}
}

// update reports whether to write the results as the expected ones; the flag itself
// belongs to the tests inside the package.
func update() bool { return flag.Lookup("update").Value.String() == "true" }

// issuesOf loads the archive's spec.yaml in a folder of its own, which is $WORK in
// the issues.
func issuesOf(t *testing.T, archive *txtar.Archive) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range archive.Files {
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	_, err := spec.Load("spec.yaml")
	var issues *issue.List
	if !errors.As(err, &issues) {
		t.Fatalf("the error %v is no list of issues", err)
	}
	return strings.ReplaceAll(err.Error(), dir, "$WORK") + "\n"
}

// archives returns the spec and the workload of each of the specs with issues.
func archives(t testing.TB) (out [][2][]byte) {
	t.Helper()
	files, err := filepath.Glob("testdata/issues/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no specs with issues found: %v", err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var pair [2][]byte
		for _, f := range archive.Files {
			switch f.Name {
			case "spec.yaml":
				pair[0] = f.Data
			case "w/workload.yaml":
				pair[1] = f.Data
			}
		}
		out = append(out, pair)
	}
	return out
}

func checkIssues(t *testing.T, err error) {
	t.Helper()
	var issues *issue.List
	if !errors.As(err, &issues) || len(issues.List) == 0 {
		t.Fatalf("error %v is no list of issues", err)
	}
	for _, f := range issues.List {
		if f.File == "" || f.Line < 1 || f.Column < 1 || !strings.ContainsAny(f.Message, ";?:") {
			t.Errorf("issue %+v has no position or no cure", f)
		}
	}
}
