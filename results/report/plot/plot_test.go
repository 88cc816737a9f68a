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
	decoder := xml.NewDecoder(bytes.NewReader(svg))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%s is no XML: %v", f.Name, err)
		}
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
