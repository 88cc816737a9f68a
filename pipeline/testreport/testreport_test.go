package testreport

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
)

func read(t *testing.T, format Format, file string) (results []trial.TestResult, printed []string) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var report Report
	if err := report.Read(format, f, func(line string) { printed = append(printed, line) }); err != nil {
		t.Fatal(err)
	}
	return report.Tests, printed
}

// brief is a result without its length and output.
func brief(results []trial.TestResult) []string {
	var texts []string
	for _, r := range results {
		texts = append(texts, fmt.Sprintf("%s %s", r.Status, r.Name))
	}
	return texts
}

// shop is what each of Go's three formats reports of the same suite.
var shop = []string{
	"pass TestPasses",
	"skip TestSkips",
	"fail TestFails",
	"fail TestTable",
	"pass TestTable/one",
	"pass TestTable/two_words",
	"fail TestTable/three",
	"pass TestTalksLikeTheFramework",
	"pass TestDies",
}

func TestGoVerboseWithMarks(t *testing.T) {
	results, printed := read(t, GoVerbose, "verbose-marked.txt")
	if got := brief(results); !slices.Equal(got, shop) {
		t.Errorf("got %q", got)
	}
	if text := strings.Join(printed, "\n"); strings.Contains(text, mark) || !strings.Contains(text, "unfinished line of one--- PASS") {
		t.Errorf("what is printed keeps marks or loses lines: %q", text)
	}
	if out := results[2].Output; !strings.Contains(out, "got 1, want 2") || strings.Contains(out, "three") {
		t.Errorf("output of TestFails: %q", out)
	}
	if out := results[6].Output; !strings.Contains(out, "three is wrong") {
		t.Errorf("output of a parallel subtest: %q", out)
	}
	if results[0].Length != trial.Seconds(10*time.Millisecond) {
		t.Errorf("length of TestPasses: %v", results[0].Length)
	}
}

func TestGoVerboseWithoutMarksIsReadAsFarAsItCanBe(t *testing.T) {
	results, _ := read(t, GoVerbose, "verbose-plain.txt")
	// Without marks, the suite's own lines are treated as the framework's.
	want := slices.Clone(shop)
	want[0] = "fail TestPasses"
	want = slices.Insert(want, 8, "fail TestNever")
	if got := brief(results); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestGoVerboseOfASuiteThatDied(t *testing.T) {
	results, _ := read(t, GoVerbose, "verbose-died.txt")
	last := results[len(results)-1]
	if last.Name != "TestDies" || last.Status != trial.TestFail || !strings.Contains(last.Output, "panic: out of cheese") {
		t.Errorf("got %+v", last)
	}
}

func TestGoJSON(t *testing.T) {
	results, printed := read(t, GoJSON, "gotest.json")
	var want []string
	for _, s := range shop {
		status, name, _ := strings.Cut(s, " ")
		want = append(want, status+" example.test/shop/shop."+name)
	}
	want = append(want, "pass example.test/shop/till.TestPasses")
	if got := brief(results); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if text := strings.Join(printed, "\n"); !strings.Contains(text, "got 1, want 2") || strings.Contains(text, `"Action"`) {
		t.Errorf("printed %q", text)
	}
}

func TestGoJSONOfASuiteThatDied(t *testing.T) {
	results, _ := read(t, GoJSON, "gotest-died.json")
	last := results[len(results)-1]
	if last.Name != "TestDies" || last.Status != trial.TestFail || !strings.Contains(last.Output, "out of cheese") {
		t.Errorf("got %+v", last)
	}
}

func TestATestThatNeverEndedHasFailed(t *testing.T) {
	results := readText(t, Report{}, GoVerbose, "=== RUN   TestHangs\nwaiting\n").Tests
	if len(results) != 1 || results[0].Status != trial.TestFail || !strings.Contains(results[0].Output, "never ended") {
		t.Errorf("got %+v", results)
	}
}

func TestGinkgoJSON(t *testing.T) {
	results, _ := read(t, GinkgoJSON, "ginkgo.json")
	want := []string{
		"pass the till when open takes money",
		"fail the till when open gives change",
		"fail the till when open breaks",
		"skip the till is skipped",
		"skip the till is pending",
	}
	if got := brief(results); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	for _, text := range []string{"counting", "gk_test.go:8", "to equal"} {
		if !strings.Contains(results[1].Output, text) {
			t.Errorf("the output lacks %q: %q", text, results[1].Output)
		}
	}
}

func TestGinkgoSetUpThatFailsIsAResult(t *testing.T) {
	report := `[{"SpecReports":[{"LeafNodeType":"BeforeSuite","State":"failed","Failure":{"Message":"no cluster"}}]}]`
	if got := brief(readText(t, Report{}, GinkgoJSON, report).Tests); !slices.Equal(got, []string{"fail [BeforeSuite]"}) {
		t.Errorf("got %q", got)
	}
}

func TestJUnit(t *testing.T) {
	results, _ := read(t, JUnit, "ginkgo.xml")
	want := []string{
		"pass Shop suite.[BeforeSuite]",
		"pass Shop suite.[It] the till when open takes money",
		"fail Shop suite.[It] the till when open gives change",
		"fail Shop suite.[It] the till when open breaks",
		"skip Shop suite.[It] the till is skipped",
		"skip Shop suite.[It] the till is pending",
	}
	if got := brief(results); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestJUnitNested(t *testing.T) {
	results, _ := read(t, JUnit, "junit-nested.xml")
	want := []string{"pass shop.Till.takes_money", "fail shop.Door.opens", "skip shop.Door.closes"}
	if got := brief(results); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if !strings.Contains(results[1].Output, "pushing") || !strings.Contains(results[1].Output, "the door is stuck") {
		t.Errorf("output %q", results[1].Output)
	}
}

func TestUnknownFormatIsRefused(t *testing.T) {
	if _, err := ParseFormat("tap"); err == nil || !strings.Contains(err.Error(), "go-json") {
		t.Errorf("got %v", err)
	}
}

func TestLongOutputKeepsItsEnd(t *testing.T) {
	var report strings.Builder
	report.WriteString("=== RUN   TestTalks\n")
	for i := range 20000 {
		fmt.Fprintf(&report, "line %d\n", i)
	}
	report.WriteString("--- FAIL: TestTalks (1.00s)\n")
	read := readText(t, Report{}, GoVerbose, report.String())
	if out := read.Tests[0].Output; len(out) > keptOutput || !strings.HasSuffix(out, "line 19999") {
		t.Errorf("%d bytes kept, ending in %q", len(out), out[max(0, len(out)-20):])
	}
}
