package plot_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/answer"
	"github.com/stratbench/stratbench/results/report/plot"
	"github.com/stratbench/stratbench/results/simulated"
	"github.com/stratbench/stratbench/results/study"
)

func figures(run results.Run) []plot.Figure {
	return plot.All(study.Gather([]results.Run{run}), answer.Answer{Chosen: []string{"strategy"}, By: "runtime"})
}

func check(t *testing.T, f plot.Figure) {
	t.Helper()
	svg, err := f.SVG()
	if err != nil {
		t.Fatalf("%s: %v", f.Name, err)
	}
	checkTextsAreInside(t, f.Name, svg)
	narrow, err := f.NarrowSVG()
	if err != nil {
		t.Fatalf("%s: %v", f.Name, err)
	}
	if narrow != nil {
		checkTextsAreInside(t, f.Name+", narrow", narrow)
	}
	if n := len(strings.Fields(f.Alt)); n > 40 {
		t.Errorf("%s: %d words instead of it: %s", f.Name, n, f.Alt)
	}
	if texts := bytes.Count(svg, []byte("<text ")); texts == 0 || texts != bytes.Count(svg, []byte(" textLength=")) {
		t.Errorf("%s has %d texts, not all of a fixed length", f.Name, texts)
	}
	if bytes.Contains(svg, []byte("NaN")) || bytes.Contains(svg, []byte("Inf")) {
		t.Errorf("%s has undefined coordinates", f.Name)
	}
	image, err := f.PNG()
	if err != nil {
		t.Fatalf("%s: %v", f.Name, err)
	}
	if _, err := png.Decode(bytes.NewReader(image)); err != nil {
		t.Errorf("%s is no PNG: %v", f.Name, err)
	}
	if f.Alt == "" || f.Caption == "" || f.Title == "" {
		t.Errorf("%s has no text of its own", f.Name)
	}
	// STRATBENCH_PLOTS names a folder to look at the figures in.
	if dir := os.Getenv("STRATBENCH_PLOTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, f.Name+".png"), image, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// checkTextsAreInside reads the SVG; no text that stands upright may leave it.
func checkTextsAreInside(t *testing.T, name string, svg []byte) {
	t.Helper()
	decoder := xml.NewDecoder(bytes.NewReader(svg))
	width, depth, turned := 0.0, 0, 0
	number := func(e xml.StartElement, of string) (v float64) {
		for _, a := range e.Attr {
			if a.Name.Local == of {
				v, _ = strconv.ParseFloat(strings.TrimSuffix(a.Value, "pt"), 64)
			}
		}
		return v
	}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%s is no XML: %v", name, err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			depth++
			switch {
			case e.Name.Local == "svg":
				width = number(e, "width")
			case turned == 0 && strings.Contains(fmt.Sprint(e.Attr), "rotate"):
				turned = depth
			case e.Name.Local == "text" && turned == 0:
				if from, to := number(e, "x"), number(e, "x")+number(e, "textLength"); from < 0 || to > width {
					t.Errorf("%s: a text from %.0f to %.0f in a width of %.0f", name, from, to, width)
				}
			}
		case xml.EndElement:
			if depth == turned {
				turned = 0
			}
			depth--
		}
	}
}

// Many strategies with long names still have all their labels.
func TestFiguresOfManyStrategies(t *testing.T) {
	var arms []simulated.Arm
	for i := range 14 {
		name := fmt.Sprintf("a strategy by some user, number %d", i)
		arms = append(arms, simulated.Arm{Cell: trial.Cell{{Factor: "strategy", Level: name}, {Factor: "memory", Level: fmt.Sprintf("%dGiB", 2+i%2)}}, Median: 300, Spread: 0.1, Crash: float64(i) / 14, Lost: 100})
	}
	for _, f := range figures(simulated.Run(arms, 6, 1)) {
		check(t, f)
	}
}

func TestFiguresOfAMatrix(t *testing.T) {
	all := figures(simulated.Run(simulated.Matrix(), 7, 1))
	names := map[string]bool{}
	for _, f := range all {
		check(t, f)
		names[f.Name] = true
		if !strings.Contains(f.Title, "SIMULATED") {
			t.Errorf("%s does not say that it is simulated", f.Name)
		}
	}
	for _, want := range []string{"strategies", "phases", "memory", "ready", "contention"} {
		if !names[want] {
			t.Errorf("no figure %s among %v", want, names)
		}
	}
}

func TestFiguresAtTheEdges(t *testing.T) {
	arm := simulated.Arm{Cell: trial.Cell{{Factor: "strategy", Level: "serial"}}, Median: 300, Spread: 0.1, Lost: 100, Recovery: 10}
	dies := arm
	dies.Crash = 1
	for name, run := range map[string]results.Run{
		"one trial":   simulated.Run([]simulated.Arm{arm}, 1, 1),
		"all crashed": simulated.Run([]simulated.Arm{dies}, 4, 1),
		"none run":    {Plan: results.Plan{Cells: []trial.Cell{arm.Cell}}},
	} {
		for _, f := range figures(run) {
			t.Log(name, f.Name)
			check(t, f)
		}
	}
}

// The typical trial is the one in the middle, the worst one that failed.
func TestGantts(t *testing.T) {
	run := simulated.Run([]simulated.Arm{{Cell: trial.Cell{{Factor: "strategy", Level: "serial"}}, Median: 300, Spread: 0.2, Crash: 0.2, Lost: 100, Recovery: 10}}, 9, 1)
	failed := false
	for k := range run.Records {
		r := &run.Records[k]
		failed = failed || r.Verdict.Outcome != trial.OK
		r.Spans = append(r.Spans, trial.Span{Name: "machine", End: 1e9}, trial.Span{Name: "teardown", Start: r.Elapsed, End: r.Elapsed})
		for i := range 100 {
			r.Samples = append(r.Samples, trial.Sample{At: trial.Seconds(i * 1e9), CPU: trial.Seconds(float64(i) * 1.3e9), Memory: trial.Bytes(i) << 23, MemoryAnon: trial.Bytes(i) << 21})
		}
		r.Machine.MemoryLimit = 4 << 30
	}
	var names []string
	for _, f := range figures(run) {
		if check(t, f); f.Name == "typical" || f.Name == "worst" {
			names = append(names, f.Name+strings.TrimLeft(f.Title[strings.LastIndex(f.Title, ","):], ","))
		}
	}
	want := []string{"typical ok", "worst engine-crash"}
	if !failed || !slices.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
}
