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
	"strconv"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/analyse"
	"github.com/stratbench/stratbench/results/report/plot"
	"github.com/stratbench/stratbench/results/simulated"
)

func figures(t *testing.T, run results.Run) []plot.Figure {
	t.Helper()
	s := analyse.Gather([]results.Run{run})
	a, err := s.Analyse(nil)
	if err != nil {
		t.Fatal(err)
	}
	return plot.All(s, a)
}

func check(t *testing.T, f plot.Figure) {
	t.Helper()
	svg, err := f.SVG()
	if err != nil {
		t.Fatalf("%s: %v", f.Name, err)
	}
	checkTextsAreInside(t, f.Name, svg)
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
	for _, f := range figures(t, simulated.Run(arms, 6, 1)) {
		check(t, f)
	}
}

func TestFiguresOfAMatrix(t *testing.T) {
	all := figures(t, simulated.Run(simulated.WithBuilds(simulated.Matrix()), 7, 1))
	names := map[string]bool{}
	for _, f := range all {
		check(t, f)
		names[f.Name] = true
		if !strings.Contains(f.Title, "SIMULATED") {
			t.Errorf("%s does not say that it is simulated", f.Name)
		}
	}
	for _, want := range []string{"setup", "phases", "memory-podman", "pareto-podman-7GiB", "ready-podman-3GiB", "ready-docker-12.5GiB", "outcomes-podman-7GiB", "builds-docker-7GiB"} {
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
		for _, f := range figures(t, run) {
			t.Log(name, f.Name)
			check(t, f)
		}
	}
}

func TestGantt(t *testing.T) {
	r := simulated.Run([]simulated.Arm{{Cell: trial.Cell{{Factor: "strategy", Level: "serial"}}, Median: 300}}, 1, 1).Records[0]
	for i := range 300 {
		r.Samples = append(r.Samples, trial.Sample{At: trial.Seconds(i * 1e9), CPU: trial.Seconds(float64(i) * 1.3e9), Memory: trial.Bytes(i) << 23, MemoryAnon: trial.Bytes(i) << 21})
	}
	r.Machine.MemoryLimit = 4 << 30
	check(t, plot.Gantt(r))
}

func TestPowerCurve(t *testing.T) {
	c, err := analyse.Power(analyse.PowerQuestion{Low: 0.02, High: 0.5, Ratio: 0.8, Spread: 0.3, Comparisons: 6})
	if err != nil {
		t.Fatal(err)
	}
	f := plot.Power(c)
	check(t, f)
	if !strings.Contains(f.Alt, fmt.Sprintf("from %d replicates", c.EnoughRates)) {
		t.Error(f.Alt)
	}
}
