package spec

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// resolve fills in what the workload leaves out, makes its paths absolute and
// expands its manifests to files. It returns what is wrong, by pointer into
// the workload. Resolving twice changes nothing.
func (w *Workload) resolve() []problem {
	r := &resolver{dir: w.Dir}
	if w.Setup != nil {
		r.setup(w)
	}
	r.hooks(w)
	r.preload(w)
	r.images(w.Images)
	r.siblings(w.Images)
	if w.KindConfig != "" {
		w.KindConfig = r.file("/kindConfig", w.KindConfig)
	}
	r.steps(w)
	r.urls(w.Ready.URLs)
	r.test(&w.Test)
	return r.problems
}

type resolver struct {
	dir      string
	problems []problem
}

func (r *resolver) problem(pointer, format string, args ...any) {
	r.problems = append(r.problems, problem{pointer: pointer, message: fmt.Sprintf(format, args...)})
}

func (r *resolver) absolute(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(r.dir, path)
}

// images skips what is empty: the schema has reported that.
func (r *resolver) images(images []Image) {
	names, tags := map[string]bool{}, map[string]bool{}
	for i := range images {
		image, at := &images[i], fmt.Sprintf("/images/%d", i)
		if image.Dockerfile == "" {
			image.Dockerfile = "Dockerfile"
		}
		if image.Weight == 0 {
			image.Weight = 1
		}
		name := imageKey(image.Name)
		if name != "" && names[name] {
			r.problem(at+"/name", "a second image is named %q; give each a name of its own, in which more differs than case, - and _", image.Name)
		}
		if image.Tag != "" && tags[image.Tag] {
			r.problem(at+"/tag", "a second image has the tag %q; give each a tag of its own", image.Tag)
		}
		names[name], tags[image.Tag] = true, true
		r.tag(at+"/tag", image.Tag)
		for n, tag := range image.Tags {
			at := fmt.Sprintf("%s/tags/%d", at, n)
			if r.tag(at, tag); tags[tag] {
				r.problem(at, "the tag %q is given a second time; give each once", tag)
			}
			tags[tag] = true
		}
		if image.Context != "" {
			image.Context = r.absolute(image.Context)
			r.dockerfile(at, *image)
			r.secrets(at, image.Secrets)
			r.agents(at, image.SSH)
		}
	}
}

// imageKey is what must differ between the names of images: names on an engine
// are in lower case, and those of variables have no hyphens.
func imageKey(name string) string { return strings.ToLower(strings.ReplaceAll(name, "-", "_")) }

// tag insists on a registry in the reference: without one, Docker puts
// docker.io/library before it and Podman puts localhost, and the manifests
// could name only one of the two.
func (r *resolver) tag(at, tag string) {
	if tag == "" {
		return
	}
	registry, rest, hasRegistry := strings.Cut(tag, "/")
	_, err := name.NewTag(tag)
	switch {
	case err != nil || !strings.Contains(tag[strings.LastIndex(tag, "/")+1:], ":"):
		r.problem(at, "%q is not an image's name with its tag; write registry, name and tag, such as localhost/api:dev", tag)
	case !hasRegistry || rest == "" || !strings.ContainsAny(registry, ".:") && registry != "localhost":
		r.problem(at, "%q has no registry, so Podman and Docker would call the image differently; write localhost/%s, and the same in the manifests", tag, tag)
	}
}

func (r *resolver) dockerfile(at string, image Image) {
	if !r.folder(at+"/context", image.Context) {
		return
	}
	// A root follows no path or link that leads out of the context.
	root, err := os.OpenRoot(image.Context)
	if err != nil {
		r.problem(at+"/context", "context %s cannot be opened: %v; make it readable", image.Context, withoutPath(err))
		return
	}
	defer func() { _ = root.Close() }() // it was only read
	if filepath.IsAbs(image.Dockerfile) || !filepath.IsLocal(image.Dockerfile) {
		r.problem(at+"/dockerfile", "dockerfile %s is outside its context %s; give a path below the context, or a wider context", image.Dockerfile, image.Context)
		return
	}
	info, err := root.Stat(image.Dockerfile)
	switch {
	case os.IsNotExist(err):
		r.problem(at+"/dockerfile", "dockerfile %s does not exist in the context %s; give its path relative to the context", image.Dockerfile, image.Context)
	case err != nil:
		r.problem(at+"/dockerfile", "dockerfile %s in the context %s: %v; it must be a file inside the context", image.Dockerfile, image.Context, withoutPath(err))
	case !info.Mode().IsRegular():
		r.problem(at+"/dockerfile", "dockerfile %s in the context %s is not a file; give the path of the Dockerfile itself", image.Dockerfile, image.Context)
	}
}

// secrets puts paths of secrets in their place. A home folder may be named by ~.
func (r *resolver) secrets(at string, secrets map[string]string) {
	for id, path := range secrets {
		secrets[id] = r.file(at+"/secrets/"+escape(id), ofHome(path))
	}
}

// agents puts paths of sockets and keys in their place.
func (r *resolver) agents(at string, agents map[string]string) {
	for id, path := range agents {
		if path == UserAgent {
			continue
		}
		path = r.absolute(ofHome(path))
		agents[id] = path
		if info, err := os.Stat(path); err != nil {
			r.problem(at+"/ssh/"+escape(id), "%s: %v; write agent for the one of SSH_AUTH_SOCK, or the path of a socket or a key", path, withoutPath(err))
		} else if !info.Mode().IsRegular() && info.Mode()&os.ModeSocket == 0 {
			r.problem(at+"/ssh/"+escape(id), "%s is neither the socket of an agent nor a key; write agent for the one of SSH_AUTH_SOCK, or the path of a socket or a key", path)
		}
	}
}

// ofHome replaces ~ at the beginning of a path.
func ofHome(path string) string {
	below, ok := strings.CutPrefix(path, "~/")
	home, err := os.UserHomeDir()
	if !ok || err != nil {
		return path
	}
	return filepath.Join(home, below)
}

func (r *resolver) folder(at, path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		r.problem(at, "folder %s: %v; give the path of a folder, relative to the workload's file", path, withoutPath(err))
		return false
	}
	if !info.IsDir() {
		r.problem(at, "%s is not a folder; give the path of a folder, relative to the workload's file", path)
		return false
	}
	return true
}

func (r *resolver) file(at, path string) string {
	path = r.absolute(path)
	info, err := os.Stat(path)
	if err != nil {
		r.problem(at, "file %s: %v; give the path of a file, relative to the workload's file", path, withoutPath(err))
	} else if !info.Mode().IsRegular() {
		r.problem(at, "%s is not a file; give the path of a file, relative to the workload's file", path)
	}
	return path
}

func (r *resolver) manifests(list string, listed []string) []string {
	var files []string
	for i, path := range listed {
		at := fmt.Sprintf("%s/%d", list, i)
		if path == "" {
			r.problem(at, "a manifest is empty; give its path or remove it")
			continue
		}
		if strings.HasPrefix(path, OCI) {
			r.problem(at, "%s is a chart in a registry and no manifest; render it with a step of its own, under deploy: - helm: {chart: …}", path)
			continue
		}
		if _, _, isRemote := Remote(path); isRemote {
			r.remote(at, path)
			files = append(files, path)
			continue
		}
		path = r.absolute(path)
		info, err := os.Stat(path)
		switch {
		case err != nil && strings.Contains(path, "**"):
			files = append(files, r.walked(at, path)...)
		case err == nil && info.IsDir():
			files = append(files, r.matching(at, path, "*.yaml", "*.yml", "*.json")...)
		case err == nil:
			files = append(files, path)
		case strings.ContainsAny(filepath.Base(path), "*?["):
			files = append(files, r.matching(at, filepath.Dir(path), filepath.Base(path))...)
		default:
			r.problem(at, "manifest %s: %v; give the path of a file or folder, relative to the workload's file", path, withoutPath(err))
		}
	}
	return files
}

func (r *resolver) matching(at, dir string, patterns ...string) []string {
	var files []string
	for _, pattern := range patterns {
		found, err := filepath.Glob(filepath.Join(escapeGlob(dir), pattern))
		if err != nil {
			r.problem(at, "%q is not a pattern: %v; write one such as *.yaml", pattern, err)
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		r.problem(at, "no file in %s matches %s; nothing would be deployed, so correct the path", dir, strings.Join(patterns, ", "))
	}
	slices.Sort(files)
	return files
}

func escapeGlob(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

func (r *resolver) urls(urls []string) {
	for i, text := range urls {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			r.problem(fmt.Sprintf("/ready/urls/%d", i), "%q is not the URL of a service; write one such as http://127.0.0.1:8080/healthz", text)
		}
	}
}

func (r *resolver) test(t *Test) {
	if t.Dir == "" {
		t.Dir = "."
	}
	t.Dir = r.absolute(t.Dir)
	r.folder("/test/dir", t.Dir)
	if len(t.Command) > 0 && t.Command[0] == "" {
		r.problem("/test/command/0", "the command has no name; write the program first")
	}
	if t.Format == "" {
		t.Format = FormatGoJSON
	}
	switch {
	case t.Format.inFile() && t.Report == "":
		r.problem("/test/format", "format %s is read from a file; add report: and the path that the command writes", t.Format)
	case !t.Format.inFile() && t.Report != "":
		r.problem("/test/report", "format %s is read from standard output; remove report or choose ginkgo-json or junit", t.Format)
	case t.Report != "" && !filepath.IsAbs(t.Report):
		t.Report = filepath.Join(t.Dir, t.Report)
	}
}

// hash is over the workload's own text and the texts that it names. What
// cannot be read is a fault, reported elsewhere.
func (w Workload) hash(source []byte) string {
	files := []string{w.KindConfig}
	for _, step := range w.Steps() {
		files = append(files, step.files()...)
	}
	for _, image := range w.Images {
		if image.Context != "" {
			files = append(files, filepath.Join(image.Context, image.Dockerfile))
		}
	}
	texts := [][]byte{source}
	for _, file := range files {
		text, err := readAtMost(file, maxBytes)
		if err != nil {
			text = nil
		}
		texts = append(texts, text)
	}
	return hash(texts...)
}
