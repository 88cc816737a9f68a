package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/simulated"
)

// happenings are what can happen to a made-up world in a night.
var happenings = map[string]func(*simulated.Night){
	"slow":      func(n *simulated.Night) { n.Arms[0].Median *= 1.4; n.Engine = "5.5.0" },
	"creep":     func(n *simulated.Night) { n.Arms[0].Median *= 1.006 },
	"fast":      func(n *simulated.Night) { n.Arms[0].Median /= 1.4 },
	"tight":     func(n *simulated.Night) { n.Settings = `{"memory":1610612736}`; n.Arms[1].Median *= 1.3 },
	"image":     func(n *simulated.Night) { n.Images[1].Factor = 1.8 },
	"crash":     func(n *simulated.Night) { n.Arms[1].Crash, n.Arms[1].Lost = 0.9, 60 },
	"fail":      func(n *simulated.Night) { n.FailedTests = 2 },
	"busy":      func(n *simulated.Night) { n.Load.Load1 = 9 },
	"calm":      func(n *simulated.Night) { n.Load.Load1 = 0 },
	"stop":      func(n *simulated.Night) { n.Blocks = 0 },
	"other":     func(n *simulated.Night) { n.Environment.HostID = "other" },
	"hostspeed": func(n *simulated.Night) { n.Slow = 1.5 },
}

// simulateNights is the program nights: nights DIR FIRST-LAST [WHAT=NIGHT]...
// writes the runs of those nights, counted from 1, as stratbench run would,
// marked as simulated.
func simulateNights() {
	if err := writeNights(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "nights:", err)
		os.Exit(1)
	}
}

func writeNights(args []string) error {
	var first, last int
	if _, err := fmt.Sscanf(args[1], "%d-%d", &first, &last); err != nil {
		return err
	}
	events := map[int][]func(*simulated.Night){}
	for _, text := range args[2:] {
		what, when, _ := strings.Cut(text, "=")
		night, err := strconv.Atoi(when)
		if err != nil || happenings[what] == nil {
			return fmt.Errorf("%q is nothing that can happen", text)
		}
		events[night] = append(events[night], happenings[what])
	}
	arms := []simulated.Arm{
		{Cell: trial.Cell{{Factor: "strategy", Level: "serial"}}, Median: 300, Spread: 0.03},
		{Cell: trial.Cell{{Factor: "strategy", Level: "parallel"}}, Median: 200, Spread: 0.03},
	}
	night := 0
	for run := range simulated.Nights("nightly", arms, last, 7, func(i int, n *simulated.Night) {
		if i == 0 {
			n.Engine = "5.4.2"
		}
		for _, happen := range events[i+1] {
			happen(n)
		}
	}) {
		for i := range run.Records {
			run.Records[i].Machine.Runtime = "podman"
		}
		if night++; night >= first {
			if err := writeRun(filepath.Join(args[0], run.Dir), run); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeRun writes a run's folder without the care that a real one takes.
func writeRun(dir string, run results.Run) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var journal bytes.Buffer
	lines := json.NewEncoder(&journal)
	for _, r := range run.Records {
		if err := lines.Encode(r); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, results.JournalFile), journal.Bytes(), 0o644); err != nil {
		return err
	}
	for name, value := range map[string]any{results.PlanFile: run.Plan, results.EnvironmentFile: run.Environment} {
		text, err := json.Marshal(value)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
