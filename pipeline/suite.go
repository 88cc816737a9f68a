package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/stratbench/stratbench/pipeline/deploy"
	"github.com/stratbench/stratbench/pipeline/testreport"
)

// test is the phase test: the workload's suite against the deployed services.
func (t *run) test(ctx context.Context, ph *phase) error {
	before := t.cfg.Test.reportState()
	report, ran, read := t.runSuite(ctx, ph)
	if !t.inputs.format.Streams() || t.cfg.Test.Report != "" {
		report, read = t.readReport(before)
	}
	if errors.Is(ran, exec.ErrWaitDelay) {
		t.note(ph, "the test command ended well, and left processes behind that hold its output")
		ran = nil
	}
	exit := testreport.ExitOf(ran)
	if ctx.Err() != nil {
		exit = testreport.Exit{} // we ended it
	}
	judged := testreport.Judge(report, exit, t.cfg.Test.KnownFailures)
	t.rec.emit(Event{Kind: Tests, Phase: ph.name, Tests: judged.Tests})
	for _, name := range judged.Fixed {
		t.note(ph, "the known failure %s passed", name)
	}
	for _, name := range judged.Absent {
		t.note(ph, "the known failure %s is no test of the suite", name)
	}
	switch {
	case ctx.Err() != nil && len(judged.Tests) == 0:
		return context.Cause(ctx)
	case ctx.Err() != nil:
		return errors.Join(context.Cause(ctx), judged.Err())
	}
	// What could not be read may hold anything.
	return errors.Join(judged.Err(), read)
}

// runSuite runs the command and reads what it prints as it comes. ran is how
// the command ended; read is what was wrong with its output.
func (t *run) runSuite(ctx context.Context, ph *phase) (report testreport.Report, ran, read error) {
	print := func(line string) { ph.log("", line) }
	out, in := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if t.inputs.format.Streams() {
			report, read = t.inputs.format.Read(out, print)
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
	in.Close()
	<-done
	return report, ran, read
}

// names tell the commands of the workload, in their environment, the names of what is the
// trial's own: the cluster, and the images on the engine.
func (c Config) names() []string {
	vars := []string{"KUBECONFIG=" + c.Kubeconfig(), "STRATBENCH_CLUSTER=" + c.ClusterName}
	for _, i := range c.Images {
		vars = append(vars, "STRATBENCH_IMAGE_"+strings.ToUpper(strings.ReplaceAll(i.Name, "-", "_"))+"="+i.Ref)
	}
	return vars
}

// fileState tells two states of a file apart.
type fileState struct {
	size     int64
	modified time.Time
}

// report is the path of the file that the command writes.
func (t Test) report() string {
	if filepath.IsAbs(t.Report) {
		return t.Report
	}
	return filepath.Join(t.Dir, t.Report)
}

func (t Test) reportState() fileState {
	info, err := os.Stat(t.report())
	if err != nil {
		return fileState{}
	}
	return fileState{info.Size(), info.ModTime()}
}

// readReport reads the file that the command wrote, and not one that was
// there before it.
func (t *run) readReport(before fileState) (report testreport.Report, err error) {
	path := t.cfg.Test.report()
	if t.cfg.Test.reportState() == before {
		return report, fmt.Errorf("the test command did not write %s", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return report, fmt.Errorf("reading the test report: %w", err)
	}
	defer f.Close()
	if report, err = t.inputs.format.Read(f, func(string) {}); err != nil {
		return report, fmt.Errorf("reading the test report %s: %w", path, err)
	}
	return report, nil
}
