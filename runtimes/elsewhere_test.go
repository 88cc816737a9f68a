package runtimes

import "testing"

func TestElsewhereIsAnotherHost(t *testing.T) {
	for address, want := range map[string]string{
		"unix:///run/docker.sock":           "",
		"npipe:////./pipe/docker_engine":    "",
		"tcp://127.0.0.1:2375":              "",
		"tcp://localhost:2376":              "",
		"ssh://core@127.0.0.1:51000/run/p":  "",
		"tcp://192.0.2.7:2376":              "192.0.2.7",
		"ssh://me@builder.invalid/run/sock": "builder.invalid",
	} {
		if got := (Endpoint{Address: address}).Elsewhere(); got != want {
			t.Errorf("%s: got %q, want %q", address, got, want)
		}
	}
}
