package spec

import (
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Step is one step of a deployment: apply, kustomize, helm, command or wait.
type Step struct {
	// Name is how spans, messages and factors call the step.
	Name string `json:"name,omitempty" jsonschema:"pattern=^[a-zA-Z0-9][a-zA-Z0-9_-]*$"`
	// Apply are manifests to apply, as under manifests. A URL ends in #sha256=
	// and the checksum of what is there; it is fetched before the first trial.
	Apply []string `json:"apply,omitempty" jsonschema:"minItems=1"`
	// Kustomize is the folder of a kustomization. It is built before the first
	// trial, and nothing is fetched for it.
	Kustomize string `json:"kustomize,omitempty" jsonschema:"minLength=1"`
	// Helm is a chart. It is rendered before the first trial.
	Helm *Chart `json:"helm,omitempty"`
	// Command is a program and its arguments. Its environment has what that of
	// the test command has.
	Command []string `json:"command,omitempty" jsonschema:"minItems=1"`
	// Dir is the folder to run the command in. Default: the workload's.
	Dir string `json:"dir,omitempty" jsonschema:"minLength=1"`
	// Env is added to the command's environment.
	Env map[string]string `json:"env,omitempty"`
	// Wait is something to wait for, as kubectl wait has it.
	Wait *Wait `json:"wait,omitempty"`
	// Timeout bounds what the step waits for: its condition or its command,
	// otherwise bounded by the limit of the phase, or kinds and webhooks that are
	// not there yet, otherwise two minutes.
	Timeout Duration `json:"timeout,omitempty"`
}

// Chart is a Helm chart.
type Chart struct {
	// Chart is its folder, its archive, or the URL of its archive, also one in a
	// registry (oci://host/name:version), with #sha256= and the checksum of the
	// archive. What it depends on is in its folder charts.
	Chart string `json:"chart" jsonschema:"required,minLength=1"`
	// Release is the name of the installation. Default: that of the chart's folder.
	Release string `json:"release,omitempty" jsonschema:"pattern=^[a-z0-9][a-z0-9-]*$"`
	// Namespace is that of the installation, which is made where nothing else
	// makes it. Default: default.
	Namespace string `json:"namespace,omitempty" jsonschema:"pattern=^[a-z0-9][a-z0-9-]*$"`
	// ValuesFiles are files of values; a later one wins.
	ValuesFiles []string `json:"valuesFiles,omitempty"`
	// Values win over those of files.
	Values map[string]any `json:"values,omitempty"`
}

// Wait is something to wait for.
type Wait struct {
	// For is condition=NAME or condition=NAME=VALUE, jsonpath={PATH}=VALUE or
	// jsonpath={PATH}, create or delete.
	For string `json:"for" jsonschema:"required,minLength=1"`
	// Object is KIND/NAME, or KIND for all of that kind which the selector
	// selects, at least one.
	Object string `json:"object" jsonschema:"required,minLength=1"`
	// Namespace is where the object is. Default: default.
	Namespace string `json:"namespace,omitempty"`
	// Selector selects objects by their labels, such as app=shop.
	Selector string `json:"selector,omitempty"`
}

// Steps are the steps of the deployment, however they are written.
func (w Workload) Steps() []Step {
	if len(w.Manifests) > 0 {
		return []Step{{Apply: w.Manifests}}
	}
	return w.Deploy
}

// OCI begins the address of a chart in a registry.
const OCI = "oci://"

// Remote takes the URL of a file and its checksum apart. ok is false for a path.
func Remote(path string) (address, sha256 string, ok bool) {
	if !strings.HasPrefix(path, "https://") && !strings.HasPrefix(path, "http://") && !strings.HasPrefix(path, OCI) {
		return "", "", false
	}
	address, sha256, _ = strings.Cut(path, "#sha256=")
	return address, strings.ToLower(sha256), true
}

// Folders are those that the workload is built, deployed and tested from.
func (w Workload) Folders() []string {
	all := []string{w.Dir, w.Test.Dir}
	all = append(all, foldersNamed(w.Test.Command, w.Test.Dir)...)
	for _, image := range w.Images {
		all = append(all, image.Context)
		for _, secret := range image.Secrets {
			all = append(all, filepath.Dir(secret))
		}
		for _, agent := range image.Agents() {
			if agent != "" {
				all = append(all, filepath.Dir(agent))
			}
		}
	}
	if w.KindConfig != "" {
		all = append(all, filepath.Dir(w.KindConfig))
	}
	if w.Setup != nil {
		all = append(all, w.Setup.Dir)
		all = append(all, foldersNamed(w.Setup.Command, w.Setup.Dir)...)
	}
	for _, step := range w.Steps() {
		all = append(all, step.Dir)
		all = append(all, foldersNamed(step.Command, step.Dir)...)
		for _, file := range step.files() {
			all = append(all, filepath.Dir(file))
		}
	}
	all = slices.DeleteFunc(all, func(dir string) bool { return dir == "" })
	slices.Sort(all)
	return slices.Compact(all)
}

// foldersNamed are those of the files outside dir that a command names by a
// relative path, such as the script of "sh ../hack/e2e.sh".
func foldersNamed(command []string, dir string) (folders []string) {
	for _, arg := range command {
		if !strings.HasPrefix(arg, "../") {
			continue
		}
		path := filepath.Join(dir, arg)
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			folders = append(folders, filepath.Dir(path))
		} else if err == nil {
			folders = append(folders, path)
		}
	}
	return folders
}

// files are those that a step reads.
func (s Step) files() (files []string) {
	for _, path := range s.Apply {
		if _, _, isRemote := Remote(path); !isRemote {
			files = append(files, path)
		}
	}
	if s.Kustomize != "" {
		files = append(files, ofKustomization(s.Kustomize, map[string]bool{})...)
	}
	if s.Helm != nil {
		if _, _, isRemote := Remote(s.Helm.Chart); !isRemote {
			files = append(files, filesBelow(s.Helm.Chart)...)
		}
		files = append(files, s.Helm.ValuesFiles...)
	}
	return files
}

// ofKustomization are the files of a kustomization and of those that it is
// built from.
func ofKustomization(dir string, seen map[string]bool) (files []string) {
	if seen[dir] {
		return nil
	}
	seen[dir] = true
	files = filesBelow(dir)
	for _, name := range []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		var k struct{ Resources, Bases, Components []string }
		if err != nil || yaml.Unmarshal(text, &k) != nil {
			continue // building it says why
		}
		for _, entry := range slices.Concat(k.Resources, k.Bases, k.Components) {
			if other := filepath.Join(dir, entry); isFolder(other) {
				files = append(files, ofKustomization(other, seen)...)
			}
		}
	}
	return files
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// filesBelow are all files below a folder, or the file itself. What cannot be read
// is reported by what reads it.
func filesBelow(path string) (files []string) {
	_ = filepath.WalkDir(path, func(file string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files = append(files, file)
		}
		return nil
	})
	return files
}

// steps resolves the steps of the deployment.
func (r *resolver) steps(w *Workload) {
	if len(w.Manifests) > 0 && len(w.Deploy) > 0 {
		r.problem("/deploy", "manifests and deploy are both given, and manifests is the short form of deploy; keep deploy, with a step that applies the manifests")
	}
	w.Manifests = r.manifests("/manifests", w.Manifests)
	names := map[string]bool{}
	for i := range w.Deploy {
		step, at := &w.Deploy[i], fmt.Sprintf("/deploy/%d", i)
		if step.Name != "" && names[step.Name] {
			r.problem(at+"/name", "a second step is named %q; give each a name of its own", step.Name)
		}
		names[step.Name] = true
		r.step(at, step)
	}
}

func (r *resolver) step(at string, s *Step) {
	var kinds []string
	for kind, given := range map[string]bool{"apply": len(s.Apply) > 0, "kustomize": s.Kustomize != "", "helm": s.Helm != nil, "command": len(s.Command) > 0, "wait": s.Wait != nil} {
		if given {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	switch {
	case len(kinds) == 0:
		r.problem(at, "the step does nothing; give it one of apply, kustomize, helm, command and wait")
	case len(kinds) > 1:
		r.problem(at, "the step has %s, and a step does one thing; make a step of each", strings.Join(kinds, " and "))
	}
	if len(s.Command) == 0 && (s.Dir != "" || len(s.Env) > 0) {
		r.problem(at, "dir and env are those of a command, and the step has none; take them out")
	}
	s.Apply = r.manifests(at+"/apply", s.Apply)
	if s.Kustomize != "" {
		s.Kustomize = r.absolute(s.Kustomize)
		r.folder(at+"/kustomize", s.Kustomize)
	}
	if s.Helm != nil {
		r.chart(at+"/helm", s.Helm)
	}
	if len(s.Command) > 0 {
		if s.Command[0] == "" {
			r.problem(at+"/command/0", "the command has no name; write the program first")
		}
		if s.Dir == "" {
			s.Dir = "."
		}
		s.Dir = r.absolute(s.Dir)
		r.folder(at+"/dir", s.Dir)
	}
}

func (r *resolver) chart(at string, c *Chart) {
	if c.Release == "" {
		name := strings.TrimSuffix(filepath.Base(c.Chart), ".tgz")
		if address, _, isRemote := Remote(c.Chart); isRemote {
			name = strings.TrimSuffix(filepath.Base(address), ".tgz")
			if strings.HasPrefix(address, OCI) {
				name, _, _ = strings.Cut(name, ":")
			}
		}
		c.Release = strings.Trim(notInNames.ReplaceAllString(strings.ToLower(name), "-"), "-")
	}
	if c.Namespace == "" {
		c.Namespace = "default"
	}
	if _, _, isRemote := Remote(c.Chart); isRemote {
		r.remote(at+"/chart", c.Chart)
	} else if c.Chart != "" {
		c.Chart = r.absolute(c.Chart)
		if _, err := os.Stat(c.Chart); err != nil {
			r.problem(at+"/chart", "chart %s: %v; give the path of its folder or archive, relative to the workload's file, or a URL with #sha256= and its checksum", c.Chart, withoutPath(err))
		}
	}
	for i, file := range c.ValuesFiles {
		c.ValuesFiles[i] = r.file(fmt.Sprintf("%s/valuesFiles/%d", at, i), file)
	}
}

var (
	notInNames = regexp.MustCompile(`[^a-z0-9-]+`)
	checksum   = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// remote insists on a checksum: what a URL leads to may change between trials.
func (r *resolver) remote(at, path string) {
	address, sum, _ := Remote(path)
	if u, err := url.Parse(address); err != nil || u.Host == "" {
		r.problem(at, "%q is no URL of a file; write one such as https://host/path.yaml#sha256=CHECKSUM", path)
	} else if !checksum.MatchString(sum) {
		r.problem(at, "%s has no checksum, so that it may be another file in every trial; write #sha256= behind it, and what sha256sum prints of the file", address)
	}
}

// walked are the files below the folder before ** that the pattern matches.
func (r *resolver) walked(at, pattern string) []string {
	dir, rest, _ := strings.Cut(filepath.ToSlash(pattern), "**")
	dir = filepath.Clean(dir)
	rest = strings.TrimPrefix(rest, "/")
	if !r.folder(at, dir) {
		return nil
	}
	var found []string
	for _, file := range filesBelow(dir) {
		name := filepath.ToSlash(strings.TrimPrefix(file, dir+string(filepath.Separator)))
		switch ext := filepath.Ext(file); {
		case rest == "":
			if ext == ".yaml" || ext == ".yml" || ext == ".json" {
				found = append(found, file)
			}
		case matchesTail(rest, name):
			found = append(found, file)
		}
	}
	if len(found) == 0 {
		r.problem(at, "no file below %s matches %s; nothing would be deployed, so correct the path", dir, filepath.Base(pattern))
	}
	slices.Sort(found)
	return found
}

// matchesTail says whether the last parts of a path match a pattern.
func matchesTail(pattern, path string) bool {
	parts, tail := strings.Split(path, "/"), strings.Count(pattern, "/")+1
	if len(parts) < tail {
		return false
	}
	ok, err := filepath.Match(filepath.FromSlash(pattern), filepath.Join(parts[len(parts)-tail:]...))
	return ok && err == nil
}
