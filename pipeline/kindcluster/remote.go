package kindcluster

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
)

// Podman's remote client sometimes loses part of a command's input or output. Where
// Kind has to use that client, this program stands in for podman: it checks that
// nothing was lost, and tries again otherwise.

// realPodman is the environment variable with the path of the real podman.
const realPodman = "STRATBENCH_REAL_PODMAN"

// remoteTries is how often a command is tried if the client loses something.
const remoteTries = 4

// lostInput begins the message for a client that lost something each time.
const lostInput = "stratbench: podman's remote client loses what it is given: "

// guardRemote puts this program in podman's place if podman is a remote client.
func (o Options) guardRemote() error {
	if o.Endpoint.Runtime != trial.Podman || o.Endpoint.Native || os.Getenv(realPodman) != "" {
		return nil
	}
	podman, err := exec.LookPath("podman")
	if err != nil {
		return fmt.Errorf("finding podman, which Kind needs: %w; install it, or add its folder to PATH", err)
	}
	return errors.Join(os.Setenv(realPodman, podman), o.StandIn("podman"))
}

// StandIn puts this program first into the search path, by a name.
func (o Options) StandIn(name string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	dir := filepath.Join(filepath.Dir(o.Kubeconfig), "bin")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making a folder for programs: %w", err)
	}
	if err := os.Symlink(self, filepath.Join(dir, name)); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("putting this program into the search path as %s: %w", name, err)
	}
	return os.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// Main stands in for podman if this process was started under that name. It then never
// returns. Every program that creates clusters calls it first.
func Main() {
	podman := os.Getenv(realPodman)
	if podman == "" || filepath.Base(os.Args[0]) != "podman" {
		return
	}
	os.Exit(remote(podman).run(os.Args[1:]))
}

// remote is the path of the real podman.
type remote string

// run runs podman with these arguments, and returns its exit code.
func (r remote) run(args []string) int {
	node := slices.IndexFunc(args, func(a string) bool { return a != "exec" && !strings.HasPrefix(a, "-") })
	if len(args) == 0 || args[0] != "exec" || node < 0 || node+1 >= len(args) || slices.Contains(args, "-e") {
		return r.pass(args, os.Stdin, os.Stdout)
	}
	command := args[node+1:]
	switch {
	case slices.Contains(args[:node], "-i") && !streams(command):
		return r.given(args[node], command)
	case command[0] == "cat":
		return r.read(args[node], command)
	}
	return r.pass(args, os.Stdin, os.Stdout)
}

// streams reports whether a command reads whole images. The phase load itself checks
// that they arrive.
func streams(command []string) bool { return slices.Contains(command, "import") || command[0] == "sh" }

func (r remote) pass(args []string, in io.Reader, out io.Writer) int {
	cmd := exec.Command(string(r), args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, os.Stderr
	err := cmd.Run()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		fmt.Fprintln(os.Stderr, err)
		return 125
	}
	return cmd.ProcessState.ExitCode()
}

// given copies the input into a file in the node, makes sure that it is complete, and
// has the command read the file.
func (r remote) given(node string, command []string) int {
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 125
	}
	sum := sha256.Sum256(input)
	want := hex.EncodeToString(sum[:])
	file := "/stratbench-" + want[:16]
	for range remoteTries {
		var said bytes.Buffer
		code := r.pass([]string{"exec", "--privileged", "-i", node, "sh", "-c", `cat > "$0" && sha256sum < "$0"`, file}, bytes.NewReader(input), &said)
		if code == 0 && strings.HasPrefix(said.String(), want) {
			return r.pass(append([]string{"exec", "--privileged", node, "sh", "-c", `f=$0; "$@" < "$f"; code=$?; rm -f "$f"; exit $code`, file}, command...), nil, os.Stdout)
		}
		if code != 0 {
			return code // podman has said why
		}
	}
	fmt.Fprintf(os.Stderr, "%s%d bytes for %q did not arrive in %s in %d attempts\n", lostInput, len(input), strings.Join(command, " "), node, remoteTries)
	return 125
}

// read prints a file of the node. A command that only reads may be repeated until the
// mark at its end arrives.
func (r remote) read(node string, command []string) int {
	const last = "stratbench: end of file"
	for range remoteTries {
		var said bytes.Buffer
		code := r.pass(append([]string{"exec", "--privileged", node, "sh", "-c", `"$@" && printf "` + last + `"`, "sh"}, command...), nil, &said)
		if text, whole := bytes.CutSuffix(said.Bytes(), []byte(last)); whole || code != 0 {
			os.Stdout.Write(text)
			return code
		}
	}
	fmt.Fprintf(os.Stderr, "%sthe output of %q in %s did not arrive in %d attempts\n", lostInput, strings.Join(command, " "), node, remoteTries)
	return 125
}
