package page_test

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/answer"
	"github.com/stratbench/stratbench/results/observations"
	"github.com/stratbench/stratbench/results/report"
	"github.com/stratbench/stratbench/results/report/page"
	"github.com/stratbench/stratbench/results/simulated"
	"github.com/stratbench/stratbench/results/study"
)

func material(t testing.TB, runs ...results.Run) page.Material {
	t.Helper()
	s := study.Gather(runs)
	m := page.Material{Title: "Set-up strategies: simulated", Study: s, Analysis: s.Analyse(), Command: "a test"}
	if found, err := answer.Of(s, 0); err == nil {
		m.Answer = &found
	}
	return m
}

func markdown(t testing.TB, p page.Page) string {
	t.Helper()
	var b bytes.Buffer
	if err := p.Markdown(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var notShown = regexp.MustCompile(`(?m)^!\[.*$`)

// words counts those that one sees of a text, without tables' rules.
func words(text string) (n int) {
	for _, word := range strings.Fields(notShown.ReplaceAllString(text, "")) {
		if strings.ContainsFunc(word, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
			n++
		}
	}
	return n
}

// A report of a whole matrix in which much fails is short; all else is in the
// appendices, which nobody has to read.
func TestAReportIsShort(t *testing.T) {
	m := material(t, simulated.Run(simulated.Matrix(), 7, 1))
	text := markdown(t, page.Report(m))
	if n := words(text); n > 1500 {
		t.Errorf("%d words", n)
	}
	if n := strings.Count(text, "!["); n < 5 || n > 8 {
		t.Errorf("%d figures", n)
	}
	if strings.Contains(text, "<details>") {
		t.Error("there are appendices that nobody asked for")
	}
	m.Full = true
	if full := markdown(t, page.Report(m)); !strings.HasPrefix(full, text) || strings.Count(full, "<details>") < 4 {
		t.Errorf("--full is not the same with appendices: %d of them", strings.Count(full, "<details>"))
	}
}

// The whole report on a terminal begins with the first screen, and says the same in
// every format.
func TestFullIsThePageWithoutFigures(t *testing.T) {
	m := material(t, simulated.Run(simulated.Matrix(), 3, 1))
	for format, want := range map[report.Format]string{
		report.FormatTable: "Outcomes and times to ready", report.FormatMarkdown: "## Outcomes", report.FormatJSON: `"schema": "stratbench.analysis/v2"`,
		report.FormatCSV: "build,local,,",
	} {
		var first, full bytes.Buffer
		if err := errors.Join(report.Answer(m.Study, *m.Answer).Write(&first, format), page.Full(m).Write(&full, format)); err != nil || !strings.Contains(full.String(), want) {
			t.Errorf("%s: no %q; %v", format, want, err)
		}
		if format != report.FormatJSON && !strings.HasPrefix(full.String(), first.String()) {
			t.Errorf("%s: %s\ndoes not begin with\n%s", format, full.String(), first.String())
		}
	}
}

// Everywhere the first screen has at most 250 words: where the answer is the same
// everywhere, and where it is different on each engine or at each memory limit.
func TestTheFirstScreenIsOneScreen(t *testing.T) {
	showcase, err := observations.Read("../../compare/testdata/showcase.csv")
	if err != nil {
		t.Fatal(err)
	}
	studies := map[string]results.Run{"showcase": showcase}
	for seed := range uint64(4) {
		studies[fmt.Sprintf("split %d", seed)] = simulated.Run(simulated.Matrix(), 5+3*int(seed), seed)
	}
	cards := 0
	for name, run := range studies {
		m := material(t, run)
		var terminal, inHTML bytes.Buffer
		p := page.Report(m)
		p.Sections = p.Sections[:2] // the figure and the table, and what they rest on
		if err := errors.Join(report.Answer(m.Study, *m.Answer).Write(&terminal, report.FormatTable), p.HTML(&inHTML)); err != nil {
			t.Fatal(err)
		}
		cards = max(cards, len(p.Cards))
		_, body, _ := strings.Cut(inHTML.String(), "<body>")
		for format, screen := range map[string]string{"terminal": terminal.String(), "HTML": html.UnescapeString(tags.ReplaceAllString(body, " ")), "Markdown": markdown(t, p)} {
			n := words(screen)
			if format == "terminal" {
				n = len(strings.Fields(screen))
			}
			if n > 250 {
				t.Errorf("%s: in %s the first screen has %d words:\n%s", name, format, n, screen)
			}
		}
		for line := range strings.Lines(terminal.String()) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, " \n")); n > 80 {
				t.Errorf("%s: a line has %d columns: %s", name, n, line)
			}
		}
	}
	if cards < 5 {
		t.Errorf("%d cards are no study that is split", cards)
	}
}

// A name in a file is text in every sentence, heading and table.
func TestNamesAreTextInMarkdown(t *testing.T) {
	var rows strings.Builder
	rows.WriteString("strategy,block,outcome,setup_seconds\n")
	for block := range 6 {
		fmt.Fprintf(&rows, "<script>alert(1)</script>,%d,ok,10%d.3\n\x1b[31mB,%d,engine-crash,\n", block+1, block, block+1)
	}
	run, err := observations.Parse("trials.csv", []byte(rows.String()))
	if err != nil {
		t.Fatal(err)
	}
	text := markdown(t, page.Report(material(t, run)))
	if strings.ContainsAny(text, "\x1b") || strings.Contains(text, "<script") || strings.Count(text, "&lt;script") < 2 {
		t.Errorf("a name is obeyed, or left out:\n%s", text)
	}
}

var tags = regexp.MustCompile(`<[^>]*>`)

// HTML says what Markdown says.
func TestBothFormatsSayTheSame(t *testing.T) {
	p := page.Report(material(t, simulated.Run(simulated.Matrix(), 7, 1)))
	var b bytes.Buffer
	if err := p.HTML(&b); err != nil {
		t.Fatal(err)
	}
	plain := strings.NewReplacer("&#34;", `"`, "&#39;", "'", "&#43;", "+", "&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(b.String())
	for _, c := range p.Cards {
		for _, want := range []string{c.When, c.Do[1:], c.Why} {
			if !strings.Contains(plain, want) {
				t.Errorf("the page lacks %q", want)
			}
		}
	}
	for _, s := range p.Sections {
		for _, want := range slices.Concat(s.Text, s.Points) {
			if !strings.Contains(plain, want) {
				t.Errorf("the page lacks %q", want)
			}
		}
	}
	for _, outside := range []string{`src="http`, `href="http`, "@import", "url(http", "<script"} {
		if strings.Contains(plain, outside) {
			t.Errorf("the page needs something else: %s", outside)
		}
	}
}

// A page that somebody else put there is not written over.
func TestAPageThatIsNoReportStays(t *testing.T) {
	dir := t.TempDir()
	index := filepath.Join(dir, "index.html")
	if err := os.WriteFile(index, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	err := page.Report(material(t, simulated.Run(simulated.Matrix()[3:5], 3, 1))).Write(dir, map[string]any{"answer.json": 1}, false)
	if text, _ := os.ReadFile(index); err == nil || string(text) != "mine" {
		t.Errorf("written over, %v: %q", err, text)
	}
}

// A report into the folder of another one leaves none of its figures, and all
// that somebody put there.
func TestFiguresOfTheReportBeforeGo(t *testing.T) {
	dir := t.TempDir()
	write := func(run results.Run, png bool) []string {
		if err := page.Report(material(t, run)).Write(dir, map[string]any{"answer.json": 1}, png); err != nil {
			t.Fatal(err)
		}
		names, err := filepath.Glob(filepath.Join(dir, page.Figures, "*"))
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	few := write(simulated.Run(simulated.Matrix()[3:5], 3, 1), false)
	own := filepath.Join(dir, page.Figures, "own.svg")
	if err := os.WriteFile(own, []byte("<svg/>"), 0o644); err != nil {
		t.Fatal(err)
	}
	if many := write(simulated.Run(simulated.Matrix(), 3, 1), true); len(many) <= 2*len(few)+1 {
		t.Fatalf("%d figures of the whole matrix, %d of a part", len(many), len(few))
	}
	got := slices.DeleteFunc(write(simulated.Run(simulated.Matrix()[3:5], 3, 1), false), func(name string) bool { return name == own })
	if _, err := os.Stat(own); err != nil || !slices.Equal(got, few) {
		t.Errorf("%v; %d figures, want %d: %v", err, len(got), len(few), got)
	}
}

const earlier = `trials:
  - {strategy: parallel, memory_gb: 7, outcome: engine-crash, phase: build}
  - {strategy: serial, memory_gb: 7, outcome: ok}
comparison_minutes:
  - {strategy: parallel, setup: [10, 12], stability: crashes, estimate: true}
  - {strategy: serial, setup: [17, 17], stability: proven}
  - {strategy: registry, setup: [4, 4], stability: stable, estimate: true}
  - {strategy: "2+1", setup: [2, 3], stability: unknown, estimate: true}
stated_confidence: {serial: 0.95, parallel: 0.10, registry: 0.90, "2+1": 0.65}
`

// Each claim of the earlier record is held against what was measured: 35 clean
// trials contradict that one in ten works, and hold that 95 % do; the measured
// shares of serial's time are two thirds and a third.
func TestTheDesignRecordJudgesClaims(t *testing.T) {
	name := filepath.Join(t.TempDir(), "earlier.yaml")
	if err := os.WriteFile(name, []byte(earlier), 0o644); err != nil {
		t.Fatal(err)
	}
	record, err := observations.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	arms := simulated.Matrix()[20:]
	for i := range arms {
		arms[i].Crash = 0
	}
	m := material(t, simulated.Run(arms, 100, 1), record)
	text := markdown(t, page.DesignRecord(m))
	for claim, verdict := range map[string]string{
		"parallel works in 10 %":                                 "contradicted",
		"parallel takes 59 to 71 % of the set-up time of serial": "supported",
		"registry takes 24 % of the set-up time of serial":       "contradicted",
		"2+1 takes 12 to 18 % of the set-up time of serial":      "contradicted",
		"serial works in 95 %":                                   "contradicted",
	} {
		found := false
		for line := range strings.Lines(text) {
			found = found || strings.Contains(line, claim) && strings.Contains(line, verdict)
		}
		if !found {
			t.Errorf("no line says that %q is %s:\n%s", claim, verdict, text)
		}
	}
	if text := markdown(t, page.DesignRecord(material(t, record))); strings.Contains(text, "supported |") || !strings.Contains(text, "untested") {
		t.Errorf("without a measured trial nothing is supported:\n%s", text)
	}
	if n := words(text); n > 900 {
		t.Errorf("%d words are more than two pages", n)
	}
}
