package spec

import (
	"fmt"
	"strings"

	"github.com/stratbench/stratbench/internal/issue"
	"github.com/stratbench/stratbench/internal/trial"
)

// Where returns the file and position from which a cell has a setting, which
// goes by the name that a factor of it would have: "runtime",
// "workload.kindConfig", "workload.images.api.tag". An element of a list
// without names goes by its number, from 0. It is the level of the factor that
// varies the setting, or else its place in the spec or the workload, or else
// what is nearest around that.
func (s *Spec) Where(cell trial.Cell, setting string) (string, issue.Position) {
	if s.document == nil { // a spec that was not loaded from a file
		return s.Path, issue.Position{}
	}
	for name := setting; ; {
		if level, varied := cell.Level(name); varied {
			return s.document.file, s.document.where(s.document.pointerToLevel(name, level))
		}
		i := strings.LastIndexByte(name, '.')
		if i < 0 {
			break
		}
		name = name[:i]
	}
	path, ofWorkload := strings.CutPrefix(setting, workloadPrefix)
	if !ofWorkload || s.workloadDocument == nil {
		return s.document.file, s.document.where("/settings/" + strings.ReplaceAll(setting, ".", "/"))
	}
	pointer, value := "", s.workloadDocument.value
	for _, key := range strings.Split(path, ".") {
		switch here := value.(type) {
		case []any:
			i, err := elementNamed(here, key)
			if err != nil {
				pointer += "/" + escape(key)
				value = nil
				continue
			}
			pointer, value = fmt.Sprintf("%s/%d", pointer, i), here[i]
		case map[string]any:
			pointer, value = pointer+"/"+escape(key), here[key]
		default:
			pointer += "/" + escape(key)
		}
	}
	return s.workloadDocument.file, s.workloadDocument.where(pointer)
}

// pointerToLevel leads to a level, as the file has it.
func (d *document) pointerToLevel(factor, level string) string {
	at := pointerTo("factors", factor)
	values, _ := d.valueAt("factors", factor).([]any)
	for i := range values {
		if here := fmt.Sprintf("%s/%d", at, i); d.text[here] == level || d.text[here+"/name"] == level {
			return here
		}
	}
	return at
}
