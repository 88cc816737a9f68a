package spec

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/stratbench/stratbench/internal/issue"
	"github.com/stratbench/stratbench/strategies"
)

// Load reads the spec at path and the workload that it names. The error is a
// *issue.List with everything that is wrong with both: nothing is run or created
// until the whole spec is right. If only parts of the workload are wrong, the spec is
// returned too, with the others, for more to be found in what they read.
func Load(path string) (*Spec, error) {
	l := &loader{issues: &issue.List{}}
	if data, err := readAtMost(path, maxBytes); err != nil {
		l.issues.Add(path, issue.Position{}, "%v", err)
	} else if l.doc = parseDocument(path, data, l.issues); l.doc != nil {
		l.load(path, data)
	}
	l.issues.Sort(path)
	err := l.issues.Err()
	elsewhere := func(i issue.Issue) bool { return l.workload == nil || i.File != l.workload.file }
	if err != nil && (l.unread || slices.ContainsFunc(l.issues.List, elsewhere)) {
		return nil, err
	}
	l.spec.document, l.spec.workloadDocument = l.doc, l.workload
	for i := range l.spec.Workload.Images {
		if image := &l.spec.Workload.Images[i]; l.spec.faulty[fmt.Sprintf("/images/%d", i)] {
			image.Context, image.Command = "", nil
		}
	}
	return l.spec, err
}

// loader collects the issues of a spec while it loads it.
type loader struct {
	issues *issue.List
	doc    *document
	spec   *Spec
	// workload is nil if there is nothing to look at in the workload's file, and
	// workloadFaulty is true if there are issues in it.
	workload       *document
	workloadFaulty bool
	// unread is true if parts of the workload's file are not known.
	unread bool
}

func (l *loader) load(path string, source []byte) {
	l.spec = &Spec{
		Settings: defaultSettings(), Design: Design{Replicates: 5, WarmUp: 1, Reference: true}, Limits: defaultLimits(),
		Source: source, faulty: map[string]bool{},
	}
	l.spec.Path, _ = filepath.Abs(path) // it has just been opened
	switch what := l.doc.ofKubernetes(); {
	case what != "":
		l.issues.Add(path, issue.Position{Line: 1, Column: 1}, "this is %s and no experiment; give the experiment whose workload names it", what)
		return
	case hasOnly(l.doc.keys[""], workloadRules(), specRules()):
		l.issues.Add(path, issue.Position{Line: 1, Column: 1}, "this is a workload and no experiment; give the experiment that names it, or write one: "+
			"{apiVersion: %s, name: first, workload: %s, settings: {runtime: docker}, factors: {strategy: [serial, parallel]}}", APIVersion, filepath.Base(path))
		return
	}
	// JSON would lose the order of the factors, so they are read from the document.
	file := struct {
		*Spec
		Factors any      `json:"factors"`
		Budget  Duration `json:"budget"`
	}{Spec: l.spec}
	if !l.decode(l.doc, specRules(), &file) {
		return
	}
	l.spec.Budget = time.Duration(file.Budget)
	l.spec.Design.SeedGiven = l.doc.has("/design/seed")
	l.loadWorkload(path)
	l.loadFactors()
	l.checkSettings()
	l.checkStrategies()
	l.checkHypotheses()
	l.spec.SHA256 = hash(source, []byte(l.spec.Workload.SHA256))
}

// hasOnly reports whether the keys of a document are those of one sort of file and none
// is another sort's alone.
func hasOnly(keys []string, of, not schema) bool {
	is := func(rules schema) func(string) bool {
		return func(key string) bool {
			return key != "apiVersion" && lookUp(rules.tree, pointerTo("properties", key)) != nil
		}
	}
	return slices.ContainsFunc(keys, is(of)) && !slices.ContainsFunc(keys, is(not))
}

// decode validates a document and decodes what is right about it, so that the
// rest can be checked too; what is wrong is taken out of the document. It returns
// false when nothing is right.
func (l *loader) decode(doc *document, rules schema, into any) bool {
	problems := rules.validate(doc.value)
	l.report(doc, problems)
	for _, p := range problems {
		switch {
		case p.absent:
		case p.pointer == "":
			return false
		default:
			doc.remove(p.pointer)
		}
	}
	if err := decode(doc.value, into); err != nil {
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
		if doc == l.workload {
			l.spec.markFaulty(p.pointer)
			if keys := keysOf(p.pointer); p.key && len(keys) == 1 { // and the key that was meant is not known
				known, _ := lookUp(workloadRules().tree, "/properties").(map[string]any)
				l.spec.markFaulty("/" + issue.Nearest(keys[0], slices.Sorted(maps.Keys(known))))
			}
		}
	}
}

// reportKey reports an issue at the key that the pointer leads to in the spec.
func (l *loader) reportKey(pointer, format string, args ...any) {
	l.report(l.doc, []problem{{pointer: pointer, key: true, message: fmt.Sprintf(format, args...)}})
}

// reportValue reports an issue at a value in the spec.
func (l *loader) reportValue(pointer, format string, args ...any) {
	l.report(l.doc, []problem{{pointer: pointer, message: fmt.Sprintf(format, args...)}})
}

func (l *loader) loadWorkload(path string) {
	file := l.spec.WorkloadFile
	if file == "" {
		return
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(filepath.Dir(path), file)
	}
	data, err := readAtMost(file, maxBytes)
	if err != nil {
		l.reportValue("/workload", "workload %s %v; a relative path starts from the spec's folder", file, err)
		return
	}
	before := len(l.issues.List)
	if l.workload = parseDocument(file, data, l.issues); l.workload == nil {
		return
	}
	other := l.workload.ofKubernetes()
	if other == "" && hasOnly(l.workload.keys[""], specRules(), workloadRules()) {
		other = "an experiment"
	}
	if other != "" {
		l.reportValue("/workload", "workload %s is %s and no workload; give the path of the file with images, deploy and test", file, other)
		l.workload = nil
		return
	}
	l.unread = len(l.issues.List) > before
	w := defaultWorkload()
	if !l.decode(l.workload, workloadRules(), &w) {
		l.workload = nil
		return
	}
	w.Path, _ = filepath.Abs(file)
	w.Dir = filepath.Dir(w.Path)
	l.report(l.workload, missing(l.workload))
	l.report(l.workload, slices.DeleteFunc(w.resolve(), func(p problem) bool { return p.of != "" && l.workload.lost(p.of) }))
	w.SHA256 = w.hash(data)
	l.spec.Workload = w
	l.workloadFaulty = len(l.issues.List) > before
}

// missing are the keys that a workload lacks. What it must have depends on who
// does the set-up.
func missing(workload *document) []problem {
	r, has := &resolver{}, workload.has
	need := func(pointer, key, cure string) {
		if !has(pointer + "/" + key) {
			r.problem(pointer, "%s is missing; %s", dotted(keysOf(pointer+"/"+key)), cure)
		}
	}
	if has("/setup") {
		return nil
	}
	need("", "test", "add it, such as test: {command: [make, e2e], format: exit-code}")
	if !has("/manifests") && !has("/deploy") {
		need("", "manifests", "add it, or deploy with the steps of the deployment; or deploy: [], if the test command deploys")
	}
	images, _ := lookUp(workload.value, "/images").([]any)
	for i, image := range images {
		at := fmt.Sprintf("/images/%d", i)
		if _, ok := image.(map[string]any); !ok || slices.Contains(workload.merged, at) {
			continue
		}
		if !has(at + "/command") {
			need(at, "context", "add it, or command, if something else than a Dockerfile builds the image")
		}
		need(at, "tag", "add it")
	}
	return r.problems
}

// checkSettings looks at the settings that all cells have in common, and reports
// those that have neither a default nor a value.
func (l *loader) checkSettings() {
	l.report(l.doc, l.spec.Settings.problems(l.spec))
	if l.workload != nil && !l.workload.has("/images") && !l.workload.has("/setup") && l.doc.has("/factors/strategy") {
		l.reportKey("/factors/strategy", "the workload has no images, so all strategies are the same; take the factor out, or list images")
	}
	for _, needed := range []string{"runtime", "strategy"} {
		given := l.doc.has("/settings/"+needed) || l.doc.has("/factors/"+needed)
		if !given && (needed != "strategy" || !l.nothingToSchedule()) {
			l.reportValue("/settings", "no %s is given; set settings.%s, or make it a factor", needed, needed)
		}
	}
}

// nothingToSchedule reports whether the workload names no images: nothing is built, or a
// set-up command builds images of its own.
func (l *loader) nothingToSchedule() bool {
	return l.workload != nil && len(l.spec.Workload.Images) == 0
}

// checkStrategies reports what is wrong with the user's own strategies, including
// those that no cell uses.
func (l *loader) checkStrategies() {
	for _, own := range slices.Sorted(maps.Keys(l.spec.Strategies)) {
		at := pointerTo("strategies", own)
		if strategies.BuiltIn(own) {
			l.reportKey(at, "strategy %q is built in; give yours another name", own)
			continue
		}
		s, err := strategies.Named(own, l.spec.Strategies)
		if err != nil {
			l.reportValue(at, "%v", err)
			continue
		}
		if l.workload == nil || l.workloadFaulty || l.nothingToSchedule() {
			continue // the images are not known
		}
		_, err = s.Schedule(l.spec.Workload.ToSchedule())
		all := []error{err}
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			all = joined.Unwrap()
		}
		for _, err := range all {
			if err != nil {
				l.reportValue(at+"/stages", "strategy %q: %v", own, err)
			}
		}
	}
}

// hash is the SHA-256 of several texts, in hex. Each text's own hash goes in, so
// that no two lists of texts are joined to the same one.
func hash(texts ...[]byte) string {
	h := sha256.New()
	for _, text := range texts {
		sum := sha256.Sum256(text)
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}
