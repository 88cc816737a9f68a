package page

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// Figures is the folder of a report's figures.
const Figures = "figures"

// Write writes a report into the folder dir: index.html, report.md, each figure as
// SVG and, if asked for, as PNG, and the data under the names of its files. The
// figures of an earlier report in dir are removed.
func (p Page) Write(dir string, data map[string]any, withPNG bool) error {
	if err := ours(dir, data); err != nil {
		return err
	}
	var html, markdown bytes.Buffer
	if err := errors.Join(p.HTML(&html), p.Markdown(&markdown)); err != nil {
		return fmt.Errorf("making the report: %w", err)
	}
	files := map[string][]byte{"index.html": html.Bytes(), "report.md": markdown.Bytes()}
	for name, value := range data {
		text, err := json.MarshalIndent(value, "", "  ")
		if err != nil {
			return fmt.Errorf("encoding %s: %w", name, err)
		}
		files[name] = append(text, '\n')
	}
	figures := filepath.Join(dir, Figures)
	if err := os.MkdirAll(figures, 0o755); err != nil {
		return fmt.Errorf("creating the report's folder: %w", err)
	}
	if err := removeShown(dir); err != nil {
		return fmt.Errorf("removing the figures of the earlier report: %w", err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	var group errgroup.Group
	group.SetLimit(runtime.NumCPU())
	for _, s := range p.Sections {
		for _, f := range s.Figures {
			group.Go(func() error { return f.WriteFiles(figures, withPNG) })
		}
	}
	return group.Wait()
}

// ours refuses a folder with a page that is no report: a report has its data beside
// it.
func ours(dir string, data map[string]any) error {
	for name := range data {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return nil
		}
	}
	for _, name := range []string{"index.html", "report.md"} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return fmt.Errorf("%s is there, and is no report of stratbench's; write the report into another folder", filepath.Join(dir, name))
		}
	}
	return nil
}

// shown finds the figures in a report's Markdown.
var shown = regexp.MustCompile(`\]\(` + Figures + `/([a-zA-Z0-9.+-]+)\.svg\)`)

// removeShown removes the figures that the report in dir shows, and no other file:
// the rest is somebody's own.
func removeShown(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, "report.md"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, m := range shown.FindAllSubmatch(text, -1) {
		for _, ending := range []string{".svg", ".png"} {
			if err := os.Remove(filepath.Join(dir, Figures, string(m[1])+ending)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}
