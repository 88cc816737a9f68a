package classify

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stratbench/stratbench/internal/trial"
)

const cutLine = "Error: server probably quit: unexpected EOF"

func TestTheMessageIsFoundInWhateverSurroundsIt(t *testing.T) {
	noise := make([]byte, 1<<20)
	for i := range noise {
		noise[i] = byte(i*7 + i>>8)
	}
	utf16 := strings.Join(strings.Split(cutLine, ""), "\x00") + "\x00"
	tests := map[string]string{
		"plain":                   "STEP 2/3: RUN x\n" + cutLine + "\n",
		"no line end":             cutLine,
		"carriage returns":        "12%\r50%\r" + cutLine + "\r\n",
		"colours":                 "\x1b[1;31mError:\x1b[0m server \x1b[4mprobably\x1b[24m quit: unexpected EOF",
		"window title":            "\x1b]0;build\x07Error: server prob\x1b(Bably quit: unexpected EOF",
		"unfinished escape":       "\x1b]0;never ended\n" + cutLine,
		"invalid UTF-8":           "\xff\xfe\x80" + cutLine + "\xc3",
		"UTF-16":                  "\xff\xfe" + utf16,
		"binary noise":            string(noise) + "\n" + cutLine + "\n" + string(noise),
		"at the end of a line":    strings.Repeat("x", 10<<20) + " " + cutLine,
		"in the middle of a line": strings.Repeat("x", 5<<20) + " " + cutLine + " " + strings.Repeat("y", 5<<20),
		"across a block":          strings.Repeat("x", blockSize-20) + cutLine + strings.Repeat("y", blockSize),
		"other case":              "ERROR: SERVER PROBABLY QUIT: UNEXPECTED EOF",
	}
	for name, log := range tests {
		t.Run(name, func(t *testing.T) {
			got := classify(t, Options{Phase: trial.PhaseBuild}, log)
			if got.Outcome != trial.EngineCrash || got.Evidence[0].Rule != "podman-server-quit" {
				t.Errorf("got %s by %+v", got.Outcome, got.Evidence)
			}
			for _, e := range got.Evidence {
				if len(e.Text) > 3*textLimit || strings.ContainsAny(e.Text, "\x00\x1b\n") {
					t.Errorf("evidence is not fit to print: %q", e.Text)
				}
			}
		})
	}
}

func TestLinesAreCounted(t *testing.T) {
	long := strings.Repeat("z", 3*blockSize)
	for name, log := range map[string]string{
		"short lines":  strings.Repeat("a line\n", 100_000) + cutLine,
		"a long line":  strings.Repeat("a line\n", 99_999) + long + "\n" + cutLine,
		"within lines": strings.Repeat("a\rline\n", 100_000) + long + cutLine + long,
	} {
		got := classify(t, Options{}, log)
		if got.Evidence[0].Line != 100_001 {
			t.Errorf("%s: line %d, want 100001", name, got.Evidence[0].Line)
		}
	}
}

func TestSmallReadsMakeNoDifference(t *testing.T) {
	log := strings.Repeat("some line\n", 50) + cutLine + "\n"
	got, err := Classify(context.Background(), Options{}, iotest.OneByteReader(strings.NewReader(log)))
	if err != nil || got.Evidence[0].Line != 51 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestErrorsOfTheReaderAreReturned(t *testing.T) {
	broken := errors.New("the disk is gone")
	_, err := Classify(context.Background(), Options{}, iotest.ErrReader(broken))
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = Classify(ctx, Options{}, bytes.NewReader(nil))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// Logs of Windows' shells are in wide letters, with colours and without.
func TestWideLogsAreRead(t *testing.T) {
	const text = "\x1b[0K\x1b[31;1mERROR: Job failed: größer, exit code 1\x1b[0;m\n"
	little := func(text string, width int) (out []byte) {
		for _, r := range text {
			out = append(out, byte(r), byte(r>>8))
			out = append(out, make([]byte, width-2)...)
		}
		return out
	}
	for name, log := range map[string][]byte{
		"UTF-16": little("\uFEFF"+text, 2), "UTF-32": little("\uFEFF"+text, 4), "UTF-8 with a mark": []byte("\uFEFF" + text),
	} {
		got := classify(t, Options{}, string(log))
		if len(got.Evidence) == 0 || got.Evidence[0].Text != "ERROR: Job failed: größer, exit code 1" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	got := classify(t, Options{}, string(little("\x1b[0K\x1b[31;1mERROR: Job failed: exit code 1\x1b[0;m\n", 2)))
	if len(got.Evidence) == 0 || got.Evidence[0].Text != "ERROR: Job failed: exit code 1" {
		t.Errorf("without a mark: %+v", got)
	}
}

// The exit code decides, and what the log states against it is said.
func TestAFailureThatTheExitCodeContradicts(t *testing.T) {
	if got := classify(t, Options{Phase: trial.PhaseTest, ExitCode: exit(0)}, "FAIL\n"); got.Outcome != trial.OK || !got.Contradicted {
		t.Errorf("%+v", got)
	}
	if got := classify(t, Options{Phase: trial.PhaseTest, ExitCode: exit(0)}, "PASS\n"); got.Outcome != trial.OK || got.Contradicted {
		t.Errorf("%+v", got)
	}
}
