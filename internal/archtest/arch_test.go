// Package archtest holds the import rules of docs/architecture.md as a test.
// It parses the files themselves, so that no build tag and no cache hides one.
package archtest

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/stratbench/stratbench/"

// rooms says which rooms a room may know. A room is a folder with all below
// it, except where a longer name is listed. Every room may know internal.
var rooms = map[string][]string{
	"internal":               {"internal"},
	"experiments/spec":       {"strategies", "pipeline/testreport"},
	"experiments/plan":       {"experiments/spec"},
	"experiments/run":        {"experiments/spec", "experiments/plan", "strategies", "runtimes", "runtimes/connect", "runtimes/machine", "pipeline", "outcomes", "results", "results/study", "lab"},
	"experiments/confirm":    {"experiments/spec", "experiments/plan", "experiments/run", "strategies", "runtimes", "runtimes/machine", "results", "results/study", "results/answer", "results/compare"},
	"strategies":             {},
	"runtimes":               {},
	"runtimes/docker":        {"runtimes"},
	"runtimes/podman":        {"runtimes"},
	"runtimes/connect":       {"runtimes", "runtimes/docker", "runtimes/podman"},
	"runtimes/enginetest":    {"runtimes", "runtimes/machine"},
	"runtimes/machine":       {"runtimes"},
	"pipeline":               {"experiments/spec", "runtimes", "strategies", "pipeline/testreport"},
	"pipeline/testreport":    {},
	"outcomes":               {"runtimes", "runtimes/machine"},
	"outcomes/triage":        {"results", "results/report"},
	"results":                {},
	"results/study":          {"results", "results/stats"},
	"results/stats":          {},
	"results/compare":        {"results/stats"},
	"results/answer":         {"results", "results/study", "results/stats", "results/compare", "results/claims"},
	"results/claims":         {"results", "results/study", "results/stats", "results/compare"},
	"results/report":         {"results", "results/claims", "results/answer", "results/compare", "results/study", "results/stats", "results/history", "results/history/detect"},
	"results/history":        {"results", "results/study", "results/stats", "results/compare", "results/history/detect"},
	"results/history/detect": {"results/stats"},
	"lab":                    {},
}

// testOnly are further rooms that a room's tests may know.
var testOnly = map[string][]string{
	"results/study":          {"results/compare"},
	"results/history/detect": {"results/compare"},
	"experiments/spec":       {"experiments/plan"},
	"experiments/run":        {"results/claims", "results/report", "runtimes/enginetest"},
	"runtimes":               {"runtimes/docker", "runtimes/podman", "runtimes/enginetest"},
	"runtimes/docker":        {"runtimes/enginetest", "runtimes/machine"},
	"runtimes/enginetest":    {"runtimes/connect"},
	"runtimes/machine":       {"runtimes/enginetest"},
}

// use is a room that a file of another one imports.
type use struct{ from, to string }

func TestImportsPointBackwards(t *testing.T) {
	files, used := 0, map[use]bool{}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel("../..", path)
		name = filepath.ToSlash(name)
		if d.IsDir() {
			return skipFolder(name)
		}
		if !strings.HasSuffix(name, ".go") || strings.HasPrefix(name, "cmd/") {
			return nil
		}
		files++
		checkFile(t, path, name, used)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 20 {
		t.Errorf("found %d files: the walk does not see the tree", files)
	}
	for _, table := range []map[string][]string{rooms, testOnly} {
		for from, allowed := range table {
			for _, to := range allowed {
				if !used[use{from, to}] && from != to {
					t.Errorf("nothing in %s imports %s any more: take it out of the table", from, to)
				}
			}
		}
	}
}

// skipFolder passes over what is not this module's own code.
func skipFolder(name string) error {
	base := filepath.Base(name)
	hidden := name != "." && (base[0] == '.' || base[0] == '_')
	if hidden || name == "results/data" || name == "bin" || name == "experiments/workload" || name == "experiments/nightly-demo" || strings.HasSuffix(name, "/testdata") {
		return filepath.SkipDir
	}
	return nil
}

func checkFile(t *testing.T, path, name string, used map[use]bool) {
	t.Helper()
	from := roomOf(filepath.ToSlash(filepath.Dir(name)))
	if from == "" {
		t.Errorf("%s is in no room of the house", name)
		return
	}
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Error(err)
		return
	}
	allowed := append([]string{from, "internal"}, rooms[from]...)
	if strings.HasSuffix(name, "_test.go") || from == "runtimes/enginetest" {
		allowed = append(allowed, testOnly[from]...)
	}
	for _, imp := range file.Imports {
		imported, _ := strconv.Unquote(imp.Path.Value)
		pkg, ours := strings.CutPrefix(imported, module)
		if !ours {
			continue
		}
		to := roomOf(pkg)
		used[use{from, to}] = true
		if !slices.Contains(allowed, to) {
			t.Errorf("%s imports %s: %s may not know %s", name, pkg, from, to)
		}
	}
}

// roomOf returns the longest room that the package lies in.
func roomOf(pkg string) string {
	best := ""
	for room := range rooms {
		if (pkg == room || strings.HasPrefix(pkg, room+"/")) && len(room) > len(best) {
			best = room
		}
	}
	return best
}
