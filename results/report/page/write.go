package page

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// Figures is the folder of a report's figures.
const Figures = "figures"

// Write writes a report into the folder dir: index.html, report.md, each figure
// as SVG and, if asked for, as PNG, and the data, by name of the file. Figures of
// a report that was there before go.
func (p Page) Write(dir string, data map[string]any, withPNG bool) error {
	if err := ours(dir, data); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, Figures), 0o755); err != nil {
		return fmt.Errorf("creating the report's folder: %w", err)
	}
	if err := removeShown(dir); err != nil {
		return fmt.Errorf("removing the figures of the report that was here before: %w", err)
	}
	if err := writeWith(filepath.Join(dir, "index.html"), p.HTML); err != nil {
		return err
	}
	markdown := func(w io.Writer) error { return p.Markdown(w, Figures) }
	if err := writeWith(filepath.Join(dir, "report.md"), markdown); err != nil {
		return err
	}
	for name, value := range data {
		text, err := json.MarshalIndent(value, "", "  ")
		if err != nil {
			return fmt.Errorf("encoding %s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), append(text, '\n'), 0o644); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	return p.writeFigures(filepath.Join(dir, Figures), withPNG)
}

// ours refuses a folder with a page that is no report: a report has its data
// beside it.
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

// removeShown removes the figures that the report in dir shows, and no other
// file: what else is there is somebody's own.
func removeShown(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, "report.md"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
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

func writeWith(name string, write func(io.Writer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return fmt.Errorf("making %s: %w", filepath.Base(name), err)
	}
	if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Base(name), err)
	}
	return nil
}

// writeFigures draws all figures, as many at once as there are CPUs.
func (p Page) writeFigures(dir string, withPNG bool) error {
	var group errgroup.Group
	group.SetLimit(runtime.NumCPU())
	for _, s := range p.Sections {
		for _, f := range s.Figures {
			group.Go(func() error { return f.WriteFiles(dir, withPNG) })
		}
	}
	return group.Wait()
}
