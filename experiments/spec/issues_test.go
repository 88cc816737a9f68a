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

// Each file in testdata/faults is a spec with what belongs to it, and every
// fault that it must be refused with.
func TestFaults(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(here, "testdata", "faults", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no specs with faults found: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got, want := faultsOf(t, archive), &archive.Files[len(archive.Files)-1]
			if want.Name != "want" {
				t.Fatalf("the last file is %s, not want", want.Name)
			}
			if update() {
				want.Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != string(want.Data) {
				t.Errorf("faults are\n%s\nwant\n%s", got, want.Data)
			}
		})
	}
}

// update says whether to write what is found as what is wanted; the flag
// itself belongs to the tests inside the package.
func update() bool { return flag.Lookup("update").Value.String() == "true" }

// faultsOf loads the archive's spec.yaml in a folder of its own, which it
// calls $WORK in the faults.
func faultsOf(t *testing.T, archive *txtar.Archive) string {
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
	spec, err := spec.Load("spec.yaml")
	var issues *issue.List
	if spec != nil || !errors.As(err, &issues) {
		t.Fatalf("loaded %v with error %v, which is no list of issues", spec, err)
	}
	return strings.ReplaceAll(err.Error(), dir, "$WORK") + "\n"
}

// archives returns the spec and the workload of each of the specs with faults.
func archives(t testing.TB) (out [][2][]byte) {
	t.Helper()
	files, err := filepath.Glob("testdata/faults/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no specs with faults found: %v", err)
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

func checkFaults(t *testing.T, err error) {
	t.Helper()
	var issues *issue.List
	if !errors.As(err, &issues) || len(issues.List) == 0 {
		t.Fatalf("error %v is no list of issues", err)
	}
	for _, f := range issues.List {
		if f.File == "" || f.Line < 1 || f.Column < 1 || !strings.ContainsAny(f.Message, ";?:") {
			t.Errorf("fault %+v has no place or no cure", f)
		}
	}
}
