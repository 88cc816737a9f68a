package podmanmachine

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestMain lets the test program play podman if it is started under that name. FAKE_PODMAN
// names the file with its only machine.
func TestMain(m *testing.M) {
	if strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe") == "podman" {
		if err := playPodman(os.Getenv("FAKE_PODMAN"), os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, "Error:", err)
			os.Exit(125)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// playPodman treats the machine in the file as podman 5 treats a machine.
func playPodman(file string, args []string) error {
	log, err := os.OpenFile(file+".calls", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	fmt.Fprintln(log, strings.Join(args[1:], " "))
	if args[1] == "list" {
		fmt.Println(os.Getenv("FAKE_PODMAN_OTHERS"))
		return nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return errors.New("podman-machine-default: VM does not exist")
	}
	var machines []map[string]any
	if err := json.Unmarshal(b, &machines); err != nil {
		return err
	}
	switch args[1] {
	case "inspect":
		_, err := os.Stdout.Write(b)
		return err
	case "set":
		if machines[0]["State"] == "running" {
			return errors.New("unable to change settings unless vm is stopped")
		}
		n, err := strconv.Atoi(args[3])
		if err != nil {
			return err
		}
		machines[0]["Resources"].(map[string]any)["Memory"] = n
	case "start":
		if os.Getenv("FAKE_PODMAN_FAILS") != "" {
			return errors.New("vfkit exited unexpectedly")
		}
		machines[0]["State"] = "running"
		boots, _ := machines[0]["boots"].(float64)
		machines[0]["boots"] = boots + 1
	case "ssh":
		if machines[0]["State"] != "running" {
			return errors.New(`vm "podman-machine-default" is not running`)
		}
		boots, _ := machines[0]["boots"].(float64)
		given := machines[0]["Resources"].(map[string]any)["Memory"].(float64)
		if os.Getenv("FAKE_PODMAN_KEEPS") != "" {
			given = 2048
		}
		// The kernel of a machine with 7168 MiB reported this: 3 % less.
		fmt.Printf("7a1e3b52-0000-4000-8000-%012.0f\nMemTotal:       %8.0f kB\nMemFree:          100000 kB\n", boots, given*1024*0.97)
		return nil
	case "stop":
		machines[0]["State"] = "stopped"
	}
	b, err = json.Marshal(machines)
	if err != nil {
		return err
	}
	return os.WriteFile(file, b, 0o644)
}

// fake installs the fake podman with a machine.
func fake(t *testing.T, status string) (file string) {
	t.Helper()
	bin, dir := t.TempDir(), t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(bin, "podman")); err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(dir, "machine.json")
	t.Setenv("PATH", bin)
	t.Setenv("FAKE_PODMAN", file)
	if status == "" {
		return file
	}
	text := `[{"Name":"podman-machine-default","State":"` + status + `","Rootful":true,
		"Resources":{"CPUs":4,"DiskSize":100,"Memory":2048,"USBs":[]},
		"ConnectionInfo":{"PodmanSocket":{"Path":"/tmp/podman/api.sock"},"PodmanPipe":null}}]`
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func calls(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file + ".calls")
	if err != nil {
		t.Fatal(err)
	}
	var kept []string
	for line := range strings.Lines(string(b)) {
		if !strings.HasPrefix(line, "inspect") && !strings.HasPrefix(line, "ssh") {
			kept = append(kept, strings.TrimSuffix(strings.TrimSpace(line), " podman-machine-default"))
		}
	}
	return strings.Join(kept, ", ")
}

func TestMachineGetsTheMemoryAndIsGivenBack(t *testing.T) {
	for status, want := range map[string]string{
		"running": "stop, set --memory 7168, start, stop, set --memory 2048, start",
		"stopped": "set --memory 7168, start, stop, set --memory 2048",
	} {
		t.Run(status, func(t *testing.T) {
			file := fake(t, status)
			m, err := Start(t.Context(), 7<<30)
			if err != nil {
				t.Fatal(err)
			}
			if m.Endpoint().Address != "unix:///tmp/podman/api.sock" {
				t.Errorf("its engine is at %s", m.Endpoint())
			}
			if _, err := m.Sample(); !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("a sample of the host stands for the machine: %v", err)
			}
			before := m.Boot(t.Context())
			if again := m.Boot(t.Context()); before == "" || again != before {
				t.Errorf("its boot id is %q, and then %q", before, again)
			}
			for _, do := range []string{"stop", "start"} { // it vanishes, and comes back
				if err := playPodman(file, []string{"machine", do, "podman-machine-default"}); err != nil {
					t.Fatal(err)
				}
				if now := m.Boot(t.Context()); now == before || do == "stop" && now != "" {
					t.Errorf("after %s its boot id is %q", do, now)
				}
			}
			if err := m.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			want = strings.Replace(want, "start", "start, stop, start", 1)
			if got := calls(t, file); got != want {
				t.Errorf("podman was asked to\n%s, want\n%s", got, want)
			}
		})
	}
}

func TestMachineThatHasTheMemoryIsOnlyRestarted(t *testing.T) {
	file := fake(t, "running")
	m, err := Start(t.Context(), 2<<30)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := calls(t, file); got != "stop, start" {
		t.Errorf("podman was asked to %s", got)
	}
}

func TestMachineThatHasNotTheMemoryThatItWasGiven(t *testing.T) {
	file := fake(t, "stopped")
	t.Setenv("FAKE_PODMAN_KEEPS", "yes")
	_, err := Start(t.Context(), 7<<30)
	if err == nil || !strings.Contains(err.Error(), "it was given 7.0 GiB: the level is 7.0 GiB and the podman engine has 1.9 GiB") {
		t.Errorf("got %v", err)
	}
	if got := calls(t, file); got != "set --memory 7168, start, stop, set --memory 2048" {
		t.Errorf("podman was asked to %s", got)
	}
}

func TestMachineThatDoesNotStartIsGivenBack(t *testing.T) {
	file := fake(t, "stopped")
	t.Setenv("FAKE_PODMAN_FAILS", "yes")
	_, err := Start(t.Context(), 7<<30)
	if err == nil || !strings.Contains(err.Error(), "vfkit exited unexpectedly") {
		t.Errorf("the error hides what podman said: %v", err)
	}
	if got := calls(t, file); got != "set --memory 7168, start, set --memory 2048" {
		t.Errorf("podman was asked to %s", got)
	}
}

func TestNoMachine(t *testing.T) {
	fake(t, "")
	for others, want := range map[string]string{
		"[]": "podman has no machine podman-machine-default; podman machine list has none; make it: podman machine init podman-machine-default",
		`[{"Name":"dev","Running":true},{"Name":"test"}]`: "podman machine list has others, which are not used: dev, test; make it",
		"no json": "the output of podman machine list cannot be read: ",
	} {
		t.Setenv("FAKE_PODMAN_OTHERS", others)
		if err := Exists(t.Context()); !errors.Is(err, errNoMachine) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v", err)
		}
	}
	if _, err := Start(t.Context(), 7<<30); !errors.Is(err, errNoMachine) {
		t.Errorf("starting it: %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	if err := Exists(t.Context()); err == nil || !strings.Contains(err.Error(), "podman is not installed") {
		t.Errorf("without podman: %v", err)
	}
}
