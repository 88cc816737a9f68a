package deploy

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"

	"github.com/stratbench/stratbench/internal/issue"
)

// document is one document of a file: what stands between two lines of "---".
type document struct {
	file string
	// line is how many lines of the file stand before it.
	line int
	text []byte
}

// documents cuts a file. JSON, which has no separators, is one document.
func documents(file string, text []byte) []*document {
	if first := bytes.TrimLeft(text, " \t\r\n\ufeff"); len(first) > 0 && first[0] == '{' {
		return []*document{{file: file, text: text}}
	}
	var all []*document
	current := &document{file: file}
	for i, line := range bytes.SplitAfter(text, []byte("\n")) {
		if rest, separates := bytes.CutPrefix(line, []byte("---")); separates {
			if rest = bytes.TrimSpace(rest); len(rest) == 0 || rest[0] == '#' {
				all = append(all, current)
				current = &document{file: file, line: i + 1}
				continue
			}
		}
		current.text = append(current.text, line...)
	}
	return append(all, current)
}

// where is the position of the value at the path, or of the nearest around it.
func (d *document) where(path []string) issue.Position {
	at := issue.Find(d.text, path...)
	at.Line += d.line
	return at
}

// syntaxError says what is wrong with a document that cannot be decoded.
func (d *document) syntaxError(err error) (issue.Position, string) {
	at, text := issue.YAMLError(strings.TrimPrefix(err.Error(), "error converting YAML to JSON: "))
	at.Line += d.line
	if bytes.Contains(d.text, []byte("{{")) {
		at.Line = d.line + 1 + bytes.Count(d.text[:bytes.Index(d.text, []byte("{{"))], []byte("\n"))
		return at, "this is a template and not YAML; render a chart with a step of its own, under deploy: - helm: {chart: …}, and anything else beforehand"
	}
	return at, "this is not YAML: " + text + "; check indentation, quotes and brackets around this line"
}

// notManifests says what a file is instead, when its name and surroundings
// tell that it is the input of a tool that writes manifests.
func notManifests(file string) string {
	dir := filepath.Dir(file)
	switch name := filepath.Base(file); {
	case name == "kustomization.yaml" || name == "kustomization.yml" || name == "Kustomization":
		return "this is a kustomization and no manifest; build it with a step of its own, under deploy: - kustomize: " + dir
	case name == "Chart.yaml" || filepath.Base(dir) == "templates" && exists(filepath.Join(filepath.Dir(dir), "Chart.yaml")):
		return "this belongs to a Helm chart and is no manifest; render the chart with a step of its own, under deploy: - helm: {chart: …}"
	case name == "values.yaml" && exists(filepath.Join(dir, "Chart.yaml")):
		return "this holds a Helm chart's values and no objects; render the chart with a step of its own, under deploy: - helm: {chart: …}"
	}
	return ""
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
