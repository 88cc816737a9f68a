package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline/deploy"
	"github.com/stratbench/stratbench/pipeline/testreport"
)

// test is the phase test: it runs the workload's suite against the services.
func (t *run) test(ctx context.Context, ph *phase) error {
	before := reportState(t.cfg.Test)
	began := time.Now()
	report, ran, read := t.runSuite(ctx, ph)
	if !t.cfg.Test.Format.Streams() || t.cfg.Test.Report != "" {
		report, read = t.readReport(before)
	}
	if errors.Is(ran, exec.ErrWaitDelay) {
		ph.note("the test command succeeded, and left processes running that hold its output open")
		ran = nil
	}
	exit := testreport.ExitOf(ran)
	if ctx.Err() != nil {
		exit = testreport.Exit{} // stratbench ended it
	}
	if t.cfg.Test.Format == testreport.ExitCode {
		report = testreport.Whole(filepath.Base(t.cfg.Test.Command[0]), exit, trial.Seconds(time.Since(began)))
	}
	judged := testreport.Judge(report, exit, t.cfg.Test.KnownFailures)
	t.rec.emit(Event{Phase: ph.name, Tests: judged.Tests})
	for _, name := range judged.Fixed {
		ph.note("the known failure %s passed", name)
	}
	for _, remark := range judged.Remarks {
		ph.note("the test report: %s", remark)
	}
	for _, name := range judged.Absent {
		ph.note("the known failure %s is no test of the suite; correct its name under test.knownFailures", name)
	}
	switch {
	case ctx.Err() != nil && len(judged.Tests) == 0:
		return context.Cause(ctx)
	case ctx.Err() != nil:
		return errors.Join(context.Cause(ctx), judged.Err())
	}
	// A failure may be in what could not be read.
	return errors.Join(judged.Err(), read)
}

// runSuite runs the command and reads its output as it comes. ran is how the command
// ended, read what was wrong with its output.
func (t *run) runSuite(ctx context.Context, ph *phase) (report testreport.Report, ran, read error) {
	print := func(line string) { ph.log("", line) }
	out, in := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if t.cfg.Test.Format.Streams() {
			read = report.Read(t.cfg.Test.Format, out, print)
		} else {
			log := &lines{emit: print}
			_, read = io.Copy(log, out)
			log.flush()
		}
		out.CloseWithError(read)
	}()
	test := t.cfg.Test
	cmd := t.process(ctx, deploy.Command{Args: test.Command, Dir: test.Dir, Env: test.Env})
	cmd.Stdout, cmd.Stderr = in, in
	ran = cmd.Run()
	t.left(cmd)
	in.Close()
	<-done
	return report, ran, read
}

// reportState is the state of each file that matches the pattern of reports. It is another
// one once the file has been written again.
func reportState(test spec.Test) map[string]string {
	pattern := test.Report
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(test.Dir, pattern)
	}
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		files = []string{pattern}
	}
	states := map[string]string{}
	for _, file := range files {
		if info, err := os.Stat(file); err == nil {
			states[file] = fmt.Sprint(info.Size(), info.ModTime())
		}
	}
	return states
}

// readReport reads the reports that the command wrote, and none from before.
func (t *run) readReport(before map[string]string) (report testreport.Report, err error) {
	written := false
	after := reportState(t.cfg.Test)
	for _, path := range slices.Sorted(maps.Keys(after)) {
		if after[path] == before[path] {
			continue
		}
		f, err := os.Open(path)
		if err != nil {
			return report, fmt.Errorf("reading the test report: %w", err)
		}
		err = report.Read(t.cfg.Test.Format, f, func(string) {})
		f.Close()
		if err != nil {
			return report, fmt.Errorf("reading the test report %s: %w", path, err)
		}
		written = true
	}
	if !written {
		return report, fmt.Errorf("the test command did not write %s; correct test.report, or have the command write it", t.cfg.Test.Report)
	}
	return report, nil
}
