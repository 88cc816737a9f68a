package spec_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
)

// The fault matrix has every fault that can be injected, and each has a moment
// and a truth.
func TestFaultMatricesHaveEveryFault(t *testing.T) {
	tried := map[spec.InjectionKind]bool{}
	for _, file := range []string{"../faults/fault-matrix.yaml", "../faults/fault-matrix-registry.yaml", "../faults/fault-matrix-recovery.yaml", "../faults/fault-matrix-inotify.yaml"} {
		matrix := load(t, file)
		for _, cell := range matrix.Cells() {
			settings, _, err := matrix.Cell(cell)
			if err != nil {
				t.Fatal(err)
			}
			if settings.Fault == trial.NoFault {
				continue
			}
			f := matrix.Fault(settings.Fault)
			if f.At == (spec.Moment{}) || len(f.Truth.Outcomes) == 0 {
				t.Errorf("%s: fault %s is %+v", file, settings.Fault, f)
			}
			tried[f.Do] = true
		}
	}
	for _, k := range spec.InjectionKinds() {
		if !tried[k] {
			t.Errorf("no fault matrix has %s", k)
		}
	}
}

// loadText loads a spec that lacks its workload.
func loadText(t *testing.T, text string) (*spec.Spec, error) {
	t.Helper()
	workload, err := filepath.Abs("../faults/workload.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "one.yaml")
	if err := os.WriteFile(file, []byte(text+"workload: "+workload+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return spec.Load(file)
}

func TestFaultsAreForIsolatedMachines(t *testing.T) {
	for settings, want := range map[string]string{
		"{fault: engine-kill}":                            "isolated machines only",
		"{fault: engine-kill, machine: {kind: host}}":     "isolated machines only",
		"{fault: engin-kill, machine: {kind: isolated}}":  "engine-kill",
		"{fault: engine-kill, machine: {kind: isolated}}": "",
		"{fault: none, machine: {kind: host}}":            "",
	} {
		_, err := loadText(t, "apiVersion: stratbench/v1\nname: one\nfactors: {runtime: [podman], strategy: [serial]}\nsettings: "+settings+"\n")
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", settings, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %q", settings, err, want)
		}
	}
}
