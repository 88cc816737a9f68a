package claims

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/observations"
	"github.com/stratbench/stratbench/results/study"
)

// measured are twelve trials of each strategy on each engine and limit: serial
// takes 100 s, parallel 70, registry 40, Docker a tenth less; parallel crashes on
// 3GiB on Podman, and nothing works on 1GiB.
func measured(t *testing.T) study.Study {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 1))
	var text strings.Builder
	text.WriteString("runtime,memory,strategy,block,outcome,setup_seconds\n")
	for block := range 12 {
		for _, engine := range []string{"docker", "podman"} {
			for _, memory := range []string{"1GiB", "3GiB", "7GiB"} {
				for _, strategy := range []string{"serial", "parallel", "registry"} { // in this order, for the same noise in each run
					seconds := map[string]float64{"serial": 100, "parallel": 70, "registry": 40}[strategy]
					if engine == "docker" {
						seconds *= 0.9
					}
					outcome, took := "ok", fmt.Sprintf("%.2f", seconds*(1+0.03*r.NormFloat64()))
					if memory == "1GiB" || engine == "podman" && memory == "3GiB" && strategy == "parallel" {
						outcome, took = "engine-crash", ""
					}
					fmt.Fprintf(&text, "%s,%s,%s,%d,%s,%s\n", engine, memory, strategy, block+1, outcome, took)
				}
			}
		}
	}
	run, err := observations.Parse("trials.csv", []byte(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	return study.Gather([]results.Run{run})
}

func TestClaimsOfMarkdown(t *testing.T) {
	s := measured(t)
	for _, c := range []struct {
		text, want string
		line, col  int
	}{
		// Times.
		{"Serial takes 100 seconds on Podman.", "supported", 1, 14},
		{"Serial takes 17 minutes on Podman.", "contradicted it takes less", 1, 14},
		{"With Docker, a set-up with registry takes about 36 s.", "supported", 1, 49},
		{"Serial builds take\n100 s.", "untested the records do not have this figure", 2, 1},
		{"Serial takes 100 s.", "contradicted it takes less for docker", 1, 14},
		{"`registry` is ready in under a minute, that is within 60 s.", "supported", 1, 55},
		{"parallel takes 63 s with Docker, 70 s with Podman.", "supported; supported", 1, 16},
		{"A set-up takes 100 s.", "untested it does not say with which strategy", 1, 16},
		{"The job has a timeout of 20 minutes.", "untested it reads as a limit or an interval", 1, 26},
		{"Lunch is 45 min.", "untested it does not say what takes so long", 1, 10},
		{"Registry saves 60 s against serial.", "untested differences in time are not compared with records", 1, 16},
		// Ratios.
		{"Registry is 2.5 times as fast as serial.", "supported", 1, 13},
		{"Registry is twice as fast as parallel.", "supported", 1, 13},
		{"Registry is five times faster than serial.", "contradicted it takes more", 1, 13},
		{"Parallel is 30 % faster than serial.", "supported", 1, 13},
		{"We are on Podman. parallel takes 70 s.", "contradicted it takes less for docker", 1, 34},
		{"Parallel takes 70 % of the time of serial.", "supported", 1, 16},
		{"Parallel takes 40 % of the time of serial.", "contradicted it takes more", 1, 16},
		{"Compared with serial, parallel is 30 % quicker.", "supported", 1, 35},
		{"Serial takes half the time of registry.", "contradicted it takes more", 1, 14},
		{"Podman is 11 % slower than Docker with serial.", "supported", 1, 11},
		{"Parallel saves 40 % against serial.", "contradicted it takes more", 1, 16},
		{"Registry is 60 % faster.", "untested it does not say what it is compared with", 1, 13},
		// Rates and events.
		{"Parallel fails in 5 % of set-ups at 3 GB on Podman.", "contradicted it works less often", 1, 19},
		{"Serial works in 99 % of set-ups at 7 GiB.", "supported", 1, 17},
		{"Three parallel builds crash at 3 GB on Podman.", "supported", 1, 32},
		{"Parallel builds crash at 7 GB.", "contradicted none failed", 1, 26},
		{"Serial never fails on 7 GiB.", "supported", 1, 23},
		{"Parallel never crashes at 3 GiB.", "contradicted it works less often for podman", 1, 27},
		{"Serial crashes at 5 GiB.", "untested no trial has memory 5GiB", 1, 19},
		{"Parallel crashes at 3 GiB and 7 GiB on Podman.", "untested it names several amounts of memory", 1, 21},
		{"2+1 crashes at 7 GiB.", "untested no trial has strategy 2+1", 1, 16},
		// Memory.
		{"It needs at least 3 GiB.", "supported", 1, 19},
		{"Serial needs at least 3 GiB.", "supported", 1, 23},
		{"Serial needs at least 7 GiB.", "contradicted it works more often", 1, 23},
		{"The machine has 12.5 GB.", "untested it does not say what happens with that much memory", 1, 17},
		{"Savings of 12 %.", "untested it does not say what the percentage is of", 1, 12},
		{"Registry is twice as fast as parallel, and then it takes 31 s.", "supported; untested it names several levels of strategy and does not say which one has this figure", 1, 13},
		{"Podman and Docker take less than 2 min with serial.", "supported", 1, 34},
		// Where the subject stands elsewhere.
		{"## Parallel on Podman\n\nA set-up takes 70 s.", "supported", 3, 16},
		{"We build in parallel on Docker. The set-up takes 63 s.", "supported", 1, 50},
		// Tables.
		{"| strategy | Docker (s) | Podman |\n| --- | --- | --- |\n| serial | 90 | 100 s |\n", "supported; supported", 3, 12},
		{"| runtime | memory | strategy | set-up |\n| --- | --- | --- | --- |\n| docker | 7GiB | serial | 90 s |\n", "supported", 3, 28},
		{"| memory | strategy | set-up on Docker |\n| --- | --- | --- |\n| 3GiB | serial | 90 s |\n| 5GiB | serial | 45 s |\n", "supported; untested no trial has memory 5GiB", 3, 19},
		{"| strategy | longest set-up |\n| --- | --- |\n| serial | 300 s |\n", "untested it reads as the longest or the shortest of several times, and records are compared by their mean", 3, 12},
		{"Serial takes 90 s with Docker (range 85.1 s to 96.0 s).", "supported; untested it reads as the longest or the shortest of several times, and records are compared by their mean; untested it reads as the longest or the shortest of several times, and records are compared by their mean", 1, 14},
		{"The images of registry were built and pushed in 31 s.", "untested pushing images is not part of a set-up", 1, 49},
		// No claims.
		{"With serial: limits: {phase: {cluster: 1m30s, build: 2m}, silence: {cluster: 30s}}", "", 0, 0},
		{"<details><summary>Spec</summary>\n\n```yaml\nserial: 17 min\n```\n\n</details>\n", "", 0, 0},
		{"Version 1.26 of 5 May, 80 columns, which ran twice.", "", 0, 0},
		{"    serial takes 17 min\n\n```\nserial takes 17 min\n```\n", "", 0, 0},
	} {
		found := OfMarkdown([]byte(c.text), s)
		var got []string
		for _, claim := range found {
			f := Judge(s, claim)
			got = append(got, strings.TrimSpace(string(f.Verdict)+" "+f.Why))
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("%q\n is %q\nwant %q: %+v", c.text, strings.Join(got, "; "), c.want, found)
		}
		if len(found) > 0 && (found[0].Line != c.line || found[0].Column != c.col) {
			t.Errorf("%q stands at %d:%d, want %d:%d", c.text, found[0].Line, found[0].Column, c.line, c.col)
		}
	}
}

// Levels may begin alike, or be numbers as they are in figures.
func TestLevelsThatOverlap(t *testing.T) {
	text := "strategy,copies,block,outcome,setup_seconds\n"
	for block := range 12 {
		for strategy, seconds := range map[string]int{"parallel": 70, "parallel-2": 40} {
			for _, copies := range []int{100, 200} {
				text += fmt.Sprintf("%s,%d,%d,ok,%d.%02d\n", strategy, copies, block+1, seconds, block)
			}
		}
	}
	run, err := observations.Parse("trials.csv", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	s := study.Gather([]results.Run{run})
	for text, want := range map[string]string{
		"parallel-2 takes 40 s.":                       "supported",
		"parallel takes 40 s.":                         "contradicted it takes more",
		"parallel-2 is 100 times as fast as parallel.": "contradicted it takes more",
	} {
		found := OfMarkdown([]byte(text), s)
		if len(found) != 1 {
			t.Fatalf("%q: %+v", text, found)
		}
		if f := Judge(s, found[0]); strings.TrimSpace(string(f.Verdict)+" "+f.Why) != want {
			t.Errorf("%q is %s %s, want %s", text, f.Verdict, f.Why, want)
		}
	}
}
