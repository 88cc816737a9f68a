package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/experiments/run"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

func TestAFailureHasThreeLines(t *testing.T) {
	var out bytes.Buffer
	output := "building api: exit status 2\n" + strings.Repeat("Step 3/7 : RUN make\n", 400) + "make: *** [all] Error 2\n"
	record := results.Record{Trial: trial.Trial{ID: "t003", Block: 1}, Verdict: trial.Verdict{Outcome: trial.BuildFailed, Phase: trial.PhaseBuild, Cause: "step", Error: output}}
	p := newProgress(&out)
	defer p.close()
	p.update(run.Update{Ended: &record, Log: "data/r/trials/t003/log.txt", Done: 3, Total: 9})
	want := "[3/9] t003 block 1 []: build-failed in build, cause step, took 0.00 s\n    make: *** [all] Error 2\n    log: data/r/trials/t003/log.txt\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestAnErrorThatEndsTheRunIsShort(t *testing.T) {
	folder := t.TempDir()
	whole := fmt.Errorf("%w: exit status 1\n%sfatal: no network\ndone\n", run.ErrNoneReady, strings.Repeat("pulling\n", 500))
	short := inShort(whole, folder)
	kept, err := os.ReadFile(filepath.Join(folder, errorFile))
	if err != nil || !strings.Contains(string(kept), whole.Error()) {
		t.Errorf("the whole error is not kept: %v", err)
	}
	if got := short.Error(); got != "fatal: no network; the full text is in "+filepath.Join(folder, errorFile) || exitCode(short) != exitNoneReady {
		t.Errorf("got %q", got)
	}
	if one := errors.New("no engine answers"); inShort(one, folder) != one || inShort(nil, folder) != nil {
		t.Error("a short error is as it was")
	}
}
