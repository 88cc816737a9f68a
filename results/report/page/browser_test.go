package page_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stratbench/stratbench/results/report/page"
	"github.com/stratbench/stratbench/results/simulated"
)

// browser is Chromium, driven over the WebDriver protocol.
type browser struct {
	t    *testing.T
	base string
}

// open starts a browser; where there is none the test is skipped, except in CI,
// where it fails.
func open(t *testing.T) browser {
	t.Helper()
	driver, err := exec.LookPath("chromedriver")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no chromedriver: apt-get install chromium chromium-driver")
		}
		t.Skip("no chromedriver: apt-get install chromium chromium-driver")
	}
	port := freePort(t)
	cmd := exec.Command(driver, fmt.Sprintf("--port=%d", port))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	b := browser{t: t, base: fmt.Sprintf("http://127.0.0.1:%d", port)}
	b.waitReady()
	session := b.post("/session", map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{
		"browserName":        "chrome",
		"goog:loggingPrefs":  map[string]any{"browser": "ALL"},
		"goog:chromeOptions": map[string]any{"args": []string{"--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"}},
	}}}).(map[string]any)
	b.base += "/session/" + session["sessionId"].(string)
	t.Cleanup(func() { b.request(http.MethodDelete, "", nil) })
	return b
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func (b browser) waitReady() {
	for range 100 {
		if r, err := http.Get(b.base + "/status"); err == nil {
			r.Body.Close()
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.t.Fatal("chromedriver does not answer")
}

func (b browser) post(path string, body any) any {
	b.t.Helper()
	return b.request(http.MethodPost, path, body)
}

func (b browser) request(method, path string, body any) any {
	b.t.Helper()
	var text []byte
	if body != nil {
		text, _ = json.Marshal(body)
	}
	req, err := http.NewRequest(method, b.base+path, bytes.NewReader(text))
	if err != nil {
		b.t.Fatal(err)
	}
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Body.Close()
	var answer struct{ Value any }
	if err := json.NewDecoder(r.Body).Decode(&answer); err != nil {
		b.t.Fatal(err)
	}
	if r.StatusCode != http.StatusOK {
		b.t.Fatalf("%s: %v", path, answer.Value)
	}
	return answer.Value
}

func (b browser) cdp(command string, params map[string]any) {
	b.t.Helper()
	b.post("/goog/cdp/execute", map[string]any{"cmd": command, "params": params})
}

func (b browser) size(width int) {
	b.t.Helper()
	b.cdp("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 3600, "deviceScaleFactor": 1, "mobile": width < 600})
}

func (b browser) run(script string) any {
	b.t.Helper()
	return b.post("/execute/sync", map[string]any{"script": script, "args": []any{}})
}

// look saves what is seen where STRATBENCH_PLOTS names a folder.
func (b browser) look(name string) {
	dir := os.Getenv("STRATBENCH_PLOTS")
	if dir == "" {
		return
	}
	image, _ := base64.StdEncoding.DecodeString(b.request(http.MethodGet, "/screenshot", nil).(string))
	if err := os.WriteFile(filepath.Join(dir, name+".png"), image, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

func TestThePageInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a browser")
	}
	dir := t.TempDir()
	m := material(t, simulated.Run(simulated.Matrix(), 5, 1))
	m.Full = true
	if err := page.Report(m).Write(dir, nil, false); err != nil {
		t.Fatal(err)
	}
	b := open(t)
	b.size(1440)
	b.post("/url", map[string]any{"url": "file://" + filepath.Join(dir, "index.html")})
	for _, width := range []int{1440, 800, 375} {
		b.size(width)
		b.look(fmt.Sprintf("page-%d", width))
		if wide := b.run("return document.documentElement.scrollWidth - window.innerWidth"); wide.(float64) > 0 {
			t.Errorf("at %d px the page is %v px too wide", width, wide)
		}
		checkFigures(t, b, width)
	}
	checkQuiet(t, b)
	checkDark(t, b)
}

// checkFigures: each is shown, named and captioned, and on a telephone it is the
// drawing for telephones, which a browser fetches when the width has changed.
func checkFigures(t *testing.T, b browser, width int) {
	t.Helper()
	var figures []any
	bad := func(f any) bool { return slices.Contains(f.([]any), any(false)) }
	for range 50 {
		figures = b.run(`return [...document.images].map((i) => [i.naturalWidth > 0, i.alt.length > 20, !!i.closest("figure").querySelector("figcaption"),
			(i.currentSrc === i.src) === (window.innerWidth > 600)])`).([]any)
		if !slices.ContainsFunc(figures, bad) {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if len(figures) < 5 {
		t.Errorf("%d figures", len(figures))
	}
	for i, f := range figures {
		if bad(f) {
			t.Errorf("figure %d at %d px (shown, named, captioned, of that width): %v", i, width, f)
		}
	}
}

// checkQuiet: nothing is fetched, nothing complains.
func checkQuiet(t *testing.T, b browser) {
	t.Helper()
	if fetched := b.run(`return performance.getEntriesByType("resource").map((e) => e.name).filter((n) => !n.startsWith("data:"))`).([]any); len(fetched) > 0 {
		t.Errorf("the page fetches %v", fetched)
	}
	if log := b.post("/se/log", map[string]any{"type": "browser"}).([]any); len(log) > 0 {
		t.Errorf("the console says %v", log)
	}
}

func checkDark(t *testing.T, b browser) {
	t.Helper()
	b.size(1440)
	b.cdp("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]any{{"name": "prefers-color-scheme", "value": "dark"}}})
	if back := b.run("return getComputedStyle(document.body).backgroundColor"); back != "rgb(20, 22, 26)" {
		t.Errorf("in the dark the page is %v", back)
	}
	b.look("page-dark")
	b.cdp("Emulation.setEmulatedMedia", map[string]any{"media": "print", "features": []map[string]any{{"name": "prefers-color-scheme", "value": "dark"}}})
	if back := b.run("return getComputedStyle(document.body).backgroundColor"); back != "rgb(255, 255, 255)" {
		t.Errorf("on paper the page is %v", back)
	}
	b.look("page-print")
}
