package runtimes_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stratbench/stratbench/runtimes"
)

func TestContextHashFollowsWhatABuildSees(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("Dockerfile", "FROM scratch")
	write(".dockerignore", "*.log\n")
	write("main.go", "package main")
	hash := func() string {
		t.Helper()
		sum, err := runtimes.ContextHash(dir, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	first := hash()
	write("build.log", "ignored")
	if err := os.Chtimes(filepath.Join(dir, "main.go"), time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if hash() != first {
		t.Error("what is not sent, or a time, changed the hash")
	}
	for name, change := range map[string]func(){
		"a content": func() { write("main.go", "package other") },
		"a file":    func() { write("more.go", "") },
		"a mode":    func() { _ = os.Chmod(filepath.Join(dir, "main.go"), 0o755) },
	} {
		before := hash()
		change()
		if hash() == before {
			t.Errorf("%s changed and the hash did not", name)
		}
	}
	further := map[string]string{"proto": t.TempDir(), "base": "docker-image://debian:13"}
	with := func() string {
		t.Helper()
		sum, err := runtimes.ContextHash(dir, "", further)
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	seen := map[string]bool{hash(): true, with(): true}
	if err := os.WriteFile(filepath.Join(further["proto"], "a.proto"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	seen[with()] = true
	further["base"] = "docker-image://debian:14"
	if seen[with()] = true; len(seen) != 4 {
		t.Errorf("further contexts make %d hashes, want 4", len(seen))
	}
	if _, err := runtimes.ContextHash(filepath.Join(dir, "missing"), "", nil); err == nil {
		t.Error("a context that does not exist has a hash")
	}
}
