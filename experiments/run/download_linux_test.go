package run

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes/machine"
)

// TestDownload builds an image that needs a module from the module proxy that
// this host uses, a further context and a base under another name, on machines with and
// without a way out, for a user with a proxy, a login, a token and a secret. None of
// these may be in the run's folder.
func TestDownload(t *testing.T) {
	needMachines(t)
	modules, err := exec.Command("go", "env", "GOPROXY").Output()
	if err != nil || !strings.Contains(string(modules), "://") {
		cannotRun(t, "this host uses no module proxy: %s, %v", modules, err)
	}
	secrets := map[string]string{
		"proxy": "swordfish-of-the-proxy", "build's proxy": "swordfish-of-builds", "login": "swordfish-of-the-registry", "token": "swordfish-of-the-token",
		"secret": "swordfish-of-the-secret",
	}
	t.Setenv("GOPROXY", strings.TrimSpace(string(modules)))
	t.Setenv("STRATBENCH_TEST_TOKEN", secrets["token"])
	t.Setenv("STRATBENCH_TEST_SECRET", secrets["secret"])
	t.Setenv("HTTP_PROXY", "http://someone:"+secrets["proxy"]+"@"+serveNothing(t))
	docker := t.TempDir()
	login := base64.StdEncoding.EncodeToString([]byte("someone:" + secrets["login"]))
	secrets["encoded login"] = login
	config := fmt.Sprintf(`{"auths": {"registry.invalid": {"auth": %q}}, "proxies": {"default": {"httpProxy": "http://someone:%s@proxy.invalid:3128"}}}`,
		login, secrets["build's proxy"])
	if err := os.WriteFile(filepath.Join(docker, "config.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DOCKER_CONFIG", docker)

	dir, err := runSpec(t.Context(), "testdata/download.yaml", t.TempDir(), "", machine.Isolated)
	if err != nil {
		t.Fatal(err)
	}
	_, trials := readTrials(t, dir)
	if len(trials) != 4 {
		t.Fatalf("%d trials, want 4", len(trials))
	}
	for _, r := range trials {
		text, err := os.ReadFile(filepath.Join(dir, r.Log))
		if err != nil {
			t.Fatal(err)
		}
		network, _ := r.Trial.Cell.Level("machine.network")
		want, cause := trial.OK, trial.Cause("")
		if network == "none" {
			want, cause = trial.BuildFailed, trial.CauseNoWayOut
		} else if !bytes.Contains(text, []byte(hidden)) {
			t.Errorf("%s: its log shows no place where a secret was", r.Trial)
		}
		if r.Verdict.Outcome != want || r.Verdict.Cause != cause {
			t.Errorf("%s: %s/%s, want %s/%s: %s\n%s", r.Trial, r.Verdict.Outcome, r.Verdict.Cause, want, cause, r.Verdict.Error, tail(string(text)))
		}
	}
	for what, secret := range secrets {
		for _, file := range filesWith(t, dir, secret) {
			t.Errorf("the secret of the %s is in %s", what, file)
		}
	}
	checkNothingLeft(t)
}

// serveNothing serves a proxy that knows no host and returns its address.
func serveNothing(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.NotFoundHandler()}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	return l.Addr().String()
}

// filesWith lists the files below a folder that have a text in them.
func filesWith(t *testing.T, dir, text string) (found []string) {
	t.Helper()
	looked := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if bytes.Contains(content, []byte(text)) {
			found = append(found, path)
		}
		looked++
		return err
	})
	if err != nil || looked < 5 {
		t.Fatalf("looked into %d files: %v", looked, err)
	}
	return found
}
