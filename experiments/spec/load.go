package spec

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/issue"
	"github.com/stratbench/stratbench/strategies"
)

// Load reads the spec at path and the workload that it names. The error is a
// *issue.List with everything that is wrong with both: nothing is run or created
// before a spec is whole.
func Load(path string) (*Spec, error) {
	l := &loader{issues: &issue.List{}}
	if l.doc = readDocument(path, l.issues); l.doc != nil {
		l.load(path)
	}
	l.issues.Sort(path)
	if err := l.issues.Err(); err != nil {
		return nil, err
	}
	l.spec.document, l.spec.workloadDocument = l.doc, l.workload
	return l.spec, nil
}

// loader collects the issues of a spec while it becomes one.
type loader struct {
	issues *issue.List
	doc    *document
	file   specFile
	spec   *Spec
	// workload is nil when the workload's file cannot be looked at, and
	// workloadFaulty is true when what it says is wrong.
	workload       *document
	workloadFaulty bool
	// resolved are the settings that the factors vary, in their order.
	resolved []setting
}

func (l *loader) load(path string) {
	l.file = specFile{Settings: defaultSettings(), Design: defaultDesign(), Limits: defaultLimits()}
	if !l.decode(l.doc, specRules(), &l.file) {
		return
	}
	l.spec = &Spec{
		Name:        l.file.Name,
		Description: l.file.Description,
		Settings:    l.file.Settings,
		Strategies:  l.file.Strategies,
		Faults:      l.file.Faults,
		Design:      l.file.Design,
		Limits:      l.file.Limits,
		Budget:      time.Duration(l.file.Budget),
		Path:        absolute(path),
		Source:      l.doc.data,
	}
	l.spec.Design.SeedGiven = l.doc.has("/design/seed")
	l.loadWorkload(path)
	l.loadFactors()
	l.checkSettings()
	l.checkStrategies()
	l.spec.SHA256 = hash(l.spec.Source, []byte(l.spec.Workload.SHA256))
}

// decode validates a document and decodes what is right about it, so that the
// rest can be checked too. It returns false when nothing is.
func (l *loader) decode(doc *document, rules schema, into any) bool {
	problems := rules.validate(doc.value)
	l.report(doc, problems)
	value := doc.value
	for _, p := range problems {
		if p.missing {
			continue
		}
		if p.pointer == "" {
			return false
		}
		value = without(value, strings.Split(p.pointer[1:], "/"))
	}
	if err := decode(value, into); err != nil {
		l.issues.Add(doc.file, issue.Position{Line: 1, Column: 1}, "%v; correct that value", err)
		return false
	}
	return true
}

func (l *loader) report(doc *document, problems []problem) {
	for _, p := range problems {
		at := doc.where(p.pointer)
		if key, ok := doc.keyAt[p.pointer]; ok && p.key {
			at = key
		}
		l.issues.Add(doc.file, at, "%s", p.message)
	}
}

// without returns a value that lacks what stands at the path; in a list, null
// takes its place. The value itself stays as it is.
func without(value any, path []string) any {
	key := strings.NewReplacer("~1", "/", "~0", "~").Replace(path[0])
	switch v := value.(type) {
	case map[string]any:
		below, ok := v[key]
		if !ok {
			return v
		}
		rest := make(map[string]any, len(v))
		for k, kept := range v {
			rest[k] = kept
		}
		if delete(rest, key); len(path) > 1 {
			rest[key] = without(below, path[1:])
		}
		return rest
	case []any:
		rest := slices.Clone(v)
		for i := range rest {
			if fmt.Sprint(i) != key {
				continue
			}
			if len(path) == 1 {
				rest[i] = nil
			} else {
				rest[i] = without(rest[i], path[1:])
			}
		}
		return rest
	}
	return value
}

func (l *loader) loadWorkload(path string) {
	if l.file.Workload == "" {
		return
	}
	file := l.file.Workload
	if !filepath.IsAbs(file) {
		file = filepath.Join(filepath.Dir(path), file)
	}
	data, err := readAtMost(file, maxBytes)
	if err != nil {
		l.issues.Add(l.doc.file, l.doc.where("/workload"), "workload %s %v; a relative path starts from the spec's folder", file, err)
		return
	}
	before := len(l.issues.List)
	if l.workload = parseDocument(file, data, l.issues); l.workload == nil {
		return
	}
	loaded := workloadFile{Workload: defaultWorkload()}
	if !l.decode(l.workload, workloadRules(), &loaded) {
		l.workload = nil
		return
	}
	w := loaded.Workload
	w.Path, w.Dir = absolute(file), filepath.Dir(absolute(file))
	l.missing()
	l.report(l.workload, w.resolve())
	w.SHA256 = w.hash(data)
	l.spec.Workload = w
	l.workloadFaulty = len(l.issues.List) > before
}

// absolute does without the error of filepath.Abs, which only a process
// without a working folder meets; the path then stays relative to that.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// hash is the SHA-256 of several texts, in hex. Each text's own hash goes in,
// so that no two sets of texts run together to the same.
func hash(texts ...[]byte) string {
	h := sha256.New()
	for _, text := range texts {
		sum := sha256.Sum256(text)
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// images are the workload's images as strategies see them.
func (w Workload) images() []strategies.Image {
	out := make([]strategies.Image, len(w.Images))
	for i, image := range w.Images {
		out[i] = strategies.Image{Name: image.Name, Weight: image.Weight}
	}
	return out
}
