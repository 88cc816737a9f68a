package isolated

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes/machine/store"
)

// playFetcher, inside a machine, prints a web server's answer.
func playFetcher(address string) {
	client := http.Client{Timeout: 30 * time.Second}
	answer, err := client.Get(address)
	if err == nil {
		fmt.Println(answer.Status)
		_, err = io.Copy(os.Stdout, answer.Body)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

func startOut(t *testing.T, s *store.Store, runtime trial.Runtime, out *WayOut) *Machine {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	m, err := Start(ctx, Config{
		Store: s, From: store.Root("test"), Runtime: runtime, Log: filepath.Join(t.TempDir(), "engine.log"), WayOut: out,
	})
	must(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the engine's log:\n%s", m.lastWords())
		}
		m.Close(context.Background())
	})
	return m
}

// moduleProxy is the address of a module on this host's module proxy, which the host reaches
// with its own names, routes and certificates.
func moduleProxy(t *testing.T) string {
	t.Helper()
	text, err := exec.Command("go", "env", "GOPROXY").Output()
	must(t, err)
	first, _, _ := strings.Cut(strings.TrimSpace(string(text)), ",")
	if !strings.HasPrefix(first, "http") {
		const why = "this host uses no module proxy"
		if os.Getenv("CI") == "true" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	return strings.TrimSuffix(first, "/") + "/golang.org/x/sync/@v/v0.1.0.info"
}

func hostFacts(t *testing.T) string {
	t.Helper()
	forwards, err := os.ReadFile("/proc/sys/net/ipv4/ip_forward")
	must(t, err)
	routes, err := os.ReadFile("/proc/net/route")
	must(t, err)
	links, err := net.Interfaces()
	must(t, err)
	text := string(forwards)
	for _, l := range links {
		if !strings.HasPrefix(l.Name, "sb") { // other tests' machines come and go
			text += l.Name + "\n"
		}
	}
	for line := range strings.Lines(string(routes)) {
		if !strings.HasPrefix(line, "sb") {
			text += line
		}
	}
	tables, err := os.ReadFile("/proc/net/ip_tables_names")
	if err == nil {
		text += string(tables)
	}
	return text
}

// TestWayOut fetches something by name, over TLS, from a machine with a way out, and checks
// that the host has not changed.
func TestWayOut(t *testing.T) {
	address := moduleProxy(t)
	before := hostFacts(t)
	engines(t, func(t *testing.T, s *store.Store, r trial.Runtime) {
		out := &WayOut{Authorities: os.Getenv("SSL_CERT_FILE")}
		if out.Authorities == "" {
			out.Authorities = "/etc/ssl/certs/ca-certificates.crt"
		}
		m := startOut(t, s, r, out)
		leader := m.leader.Process.Pid
		if during := hostFacts(t); during != before {
			t.Errorf("the host was\n%s\nand is, with a machine that has a way out,\n%s", before, during)
		}
		text, err := output(t, m, nil, "env", "ISOLATED_TEST_FETCH="+address, m.Self())
		if err != nil || !strings.Contains(text, "200 OK") || !strings.Contains(text, `"v0.1.0"`) {
			t.Errorf("fetching a module's description: %v\n%s", err, text)
		}
		text, err = output(t, m, nil, "env", "ISOLATED_TEST_FETCH=http://no-such-host.invalid/", m.Self())
		if err == nil || !strings.Contains(text, "no such host") {
			t.Errorf("fetching from a host that does not exist: %v\n%s", err, text)
		}
		must(t, m.Close(t.Context()))
		if _, err := os.Stat(fmt.Sprintf("/proc/%d", leader)); err == nil {
			t.Error("the process of the way out lives on")
		}
	})
	if after := hostFacts(t); after != before {
		t.Errorf("the host was\n%s\nand is\n%s", before, after)
	}
}

// TestWayOutThroughAProxyOfTheHost uses a proxy on the host's loopback address, which no
// machine reaches at that address.
func TestWayOutThroughAProxyOfTheHost(t *testing.T) {
	s := openStore(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "asked for", r.URL)
	}))
	proxy := "http://someone:password@" + l.Addr().String()
	m := startOut(t, s, trial.Podman, &WayOut{
		Proxies:      map[string]string{"HTTP_PROXY": proxy, "http_proxy": proxy, "NO_PROXY": "example.org"},
		ClientConfig: func(proxies map[string]string) ([]byte, error) { return []byte(proxies["http_proxy"]), nil },
	})
	text, err := output(t, m, nil, "env", "ISOLATED_TEST_FETCH=http://host.invalid/path", m.Self())
	if err != nil || !strings.Contains(text, "asked for http://host.invalid/path") {
		t.Errorf("fetching through the proxy: %v\n%s", err, text)
	}
	text, err = output(t, m, nil, "sh", "-c", `echo $NO_PROXY; cat "$REGISTRY_AUTH_FILE"; stat -f -c %T "$DOCKER_CONFIG"; stat -c %a "$DOCKER_CONFIG"/*`)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	want := "example.org,localhost,127.0.0.0/8,198.18.0.0/15\nhttp://someone:password@" + net.JoinHostPort(m.RegistryHost(), port) + "tmpfs\n600\n"
	if err != nil || text != want {
		t.Errorf("clients find %q, %v; want %q", text, err, want)
	}
}
