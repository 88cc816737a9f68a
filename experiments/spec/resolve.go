package spec

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/distribution/reference"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/stratbench/stratbench/internal/issue"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline/testreport"
)

// resolve fills in what the workload leaves out, makes its paths absolute and
// expands its manifests to files. It returns what is wrong, by pointer into
// the workload. Resolving twice changes nothing.
func (w *Workload) resolve() []problem {
	r := &resolver{dir: w.Dir}
	if w.Setup != nil {
		r.setup(w)
	}
	for _, phase := range slices.Sorted(maps.Keys(w.Hooks)) {
		at := pointerTo("hooks", string(phase))
		if w.Setup != nil && phase != trial.PhaseTest {
			r.problem(at, "the set-up command does the phase %s, which therefore has no hooks; do it in the command, or take the hook out", phase)
		}
		r.command(at+"/before", w.Hooks[phase].Before)
		r.command(at+"/after", w.Hooks[phase].After)
	}
	r.preload(w.Preload)
	r.images(w.Images)
	if w.KindConfig != "" {
		w.KindConfig = r.file("/kindConfig", w.KindConfig)
	}
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
	for i, text := range w.Ready.URLs {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			r.problem(fmt.Sprintf("/ready/urls/%d", i), "%q is not the URL of a service; write one such as http://127.0.0.1:8080/healthz", text)
		}
	}
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

// consequence reports a problem, unless something wrong was taken out at the pointer of.
func (r *resolver) consequence(of, pointer, format string, args ...any) {
	r.problem(pointer, format, args...)
	r.problems[len(r.problems)-1].of = of
}

// setup resolves a set-up inside the user's own code.
func (r *resolver) setup(w *Workload) {
	s := w.Setup
	for key, given := range map[string]bool{"kindConfig": w.KindConfig != "", "manifests": len(w.Manifests) > 0, "deploy": len(w.Deploy) > 0, "ready": len(w.Ready.URLs) > 0, "preload": len(w.Preload) > 0} {
		if given {
			r.problem("/"+key, "%s is given although the command of setup does the whole set-up; take one of them out", key)
		}
	}
	for i, image := range w.Images {
		if image.Context != "" || image.Tag != "" || len(image.Command) > 0 {
			r.problem(fmt.Sprintf("/images/%d", i), "the set-up command builds the images; give only name and weight, for strategies to schedule")
		}
	}
	for at, args := range map[string][]string{"/setup/command": s.Command, "/setup/prepare": s.Prepare, "/setup/cleanup": s.Cleanup} {
		r.command(at, args)
		for i, arg := range args {
			r.placeholders(fmt.Sprintf("%s/%d", at, i), arg)
		}
	}
	for name, value := range s.Env {
		r.placeholders(pointerTo("setup", "env", name), value)
	}
	for phase, mark := range s.Marks {
		at := pointerTo("setup", "marks", string(phase))
		for key, text := range map[string]string{"/start": mark.Start, "/end": mark.End} {
			if _, err := regexp.Compile(text); err != nil {
				r.problem(at+key, "%q is not a regular expression: %s; correct it, or put \\ before characters that are meant literally", text, strings.TrimPrefix(err.Error(), "error parsing regexp: "))
			}
		}
		if mark.End != "" && mark.End == mark.Start {
			r.problem(at+"/end", "the same line begins and ends the phase %s; find one line for each, or take end out", phase)
		}
	}
	r.folder("/setup/dir", &s.Dir)
	s.Timeout, s.Silence = cmp.Or(s.Timeout, Duration(time.Hour)), cmp.Or(s.Silence, Duration(10*time.Minute))
}

// placeholders reports what is nearly a placeholder. Anything else may be a
// template of another program, such as docker ps --format {{.Names}}.
func (r *resolver) placeholders(at, text string) {
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		if near := issue.Nearest(m[1], placeholders); near != "" && near != m[1] {
			r.problem(at, "{{%s}} has no value; did you mean %s?", m[1], near)
		}
	}
}

func (r *resolver) preload(entries []string) {
	seen := map[string]bool{}
	for i, entry := range entries {
		at := fmt.Sprintf("/preload/%d", i)
		if IsArchive(entry) {
			entries[i] = r.absolute(entry)
			if _, err := os.Stat(entries[i]); err != nil {
				r.problem(at, "archive %s is not there; make it before the run, correct its path, which is relative to the workload's file, or list its images under images, with a command that makes and loads it", entries[i])
			} else {
				r.file(at, entry)
			}
		} else if _, err := name.ParseReference(entry); err != nil {
			r.problem(at, "%q is neither the reference of an image nor the path of an archive, which ends in .tar: %v; write one such as docker.io/library/postgres:17", entry, err)
		}
		if seen[entries[i]] {
			r.problem(at, "%s is listed twice; remove one", entry)
		}
		seen[entries[i]] = true
	}
}

// images skips what is empty: the schema has reported that.
func (r *resolver) images(images []Image) {
	names, tags := map[string]bool{}, map[string]bool{}
	for i := range images {
		image, at := &images[i], fmt.Sprintf("/images/%d", i)
		image.Weight = cmp.Or(image.Weight, 1)
		// Names on an engine are in lower case, and those of variables have no hyphens.
		name := strings.ToLower(strings.ReplaceAll(image.Name, "-", "_"))
		if name != "" && names[name] {
			r.problem(at+"/name", "a second image is named %q; give each a name of its own that differs in more than case, - and _", image.Name)
		}
		if image.Tag != "" && tags[FullName(image.Tag)] {
			r.problem(at+"/tag", "a second image has the tag %q; give each a tag of its own", image.Tag)
		}
		names[name], tags[FullName(image.Tag)] = true, true
		r.tag(at+"/tag", image.Tag)
		for n, tag := range image.Tags {
			at := fmt.Sprintf("%s/tags/%d", at, n)
			if r.tag(at, tag); tags[FullName(tag)] {
				r.problem(at, "the tag %q is given a second time; give each once", tag)
			}
			tags[FullName(tag)] = true
		}
		if len(image.Command) > 0 {
			r.commandOfImage(at, image)
			continue
		}
		if image.Dir != "" || len(image.Env) > 0 {
			r.consequence(at+"/command", at, "dir and env belong to a command, and the image has none; take them out, or write args for the Dockerfile")
		}
		image.Dockerfile = cmp.Or(image.Dockerfile, "Dockerfile")
		if image.Context == "" {
			continue
		}
		if r.folder(at+"/context", &image.Context) && r.filled(at+"/context", image.Context) {
			r.dockerfile(at, *image)
		}
		r.contexts(at+"/contexts/", image.Contexts)
		for id, secret := range image.Secrets {
			at := at + "/secrets/" + escape(id)
			if variable, is := SecretVariable(secret); !is {
				image.Secrets[id] = r.file(at, ofHome(secret))
			} else if !variableName.MatchString(variable) {
				r.problem(at, "%q is not the name of a variable; write one such as env:NPM_TOKEN", variable)
			}
		}
		for id, path := range image.SSH {
			if path == UserAgent {
				continue
			}
			path = r.absolute(ofHome(path))
			image.SSH[id] = path
			const cure = "write agent for the agent of SSH_AUTH_SOCK, or the path of a socket or a key"
			if info, err := os.Stat(path); err != nil {
				r.problem(at+"/ssh/"+escape(id), "%s: %v; %s", path, withoutPath(err), cure)
			} else if !info.Mode().IsRegular() && info.Mode()&os.ModeSocket == 0 {
				r.problem(at+"/ssh/"+escape(id), "%s is neither the socket of an agent nor a key; %s", path, cure)
			}
		}
	}
}

// variableName is the name of a variable of the environment.
var variableName = regexp.MustCompile(`^[A-Za-z_]\w*$`)

// contexts resolves the further contexts of an image.
func (r *resolver) contexts(at string, contexts map[string]string) {
	first := map[string]string{} // by their full names, by which engines find them
	for _, called := range slices.Sorted(maps.Keys(contexts)) {
		full, all := FullName(called), at
		at, context := at+escape(called), contexts[called]
		if other, twice := first[full]; twice {
			for _, at := range []string{all + escape(other), at} {
				r.problem(at, "%q and %q are one name to an engine, which would use one of the two contexts; remove the other", other, called)
			}
			continue
		}
		first[full] = called
		ref, isImage := trial.ImageContext(context)
		_, noReference := reference.ParseNormalizedNamed(ref)
		switch _, noName := reference.ParseNormalizedNamed(called); { // as engines do: one letter is a name
		case noName != nil || called == "scratch" || called == "context":
			r.problem(at, "%q cannot be the name of a context; write one in small letters, such as the one behind COPY --from=", called)
		case isImage && noReference != nil:
			r.problem(at, "%q is not the reference of an image: %v; write one such as docker-image://golang:1.26", ref, noReference)
		case isImage:
		case context == "":
			r.problem(at, "the context %s is empty; give a folder, or docker-image:// and a reference for an image", called)
		case strings.HasPrefix(context, "target:") || strings.HasPrefix(context, "service:"):
			r.problem(at, "%s names an image of another file; write docker-image:// and the tag that this image has in this workload", context)
		case strings.Contains(context, "://") || strings.HasPrefix(context, "git@"):
			r.problem(at, "%s is not fetched; bring it beside the workload, once, and give the folder, or docker-image:// and a reference for an image", context)
		default:
			if r.folder(at, &context) {
				r.filled(at, context)
			}
			contexts[called] = context
		}
	}
}

// commandOfImage resolves the command that builds an image.
func (r *resolver) commandOfImage(at string, i *Image) {
	for key, given := range map[string]bool{"context": i.Context != "", "dockerfile": i.Dockerfile != "", "contexts": len(i.Contexts) > 0, "target": i.Target != "", "platform": i.Platform != "",
		"secrets": len(i.Secrets) > 0, "ssh": len(i.SSH) > 0, "args": len(i.Args) > 0} {
		if given {
			r.problem(at+"/"+key, "%s belongs to a Dockerfile, and a command builds this image; pass it to the command, in its arguments or env, or take one of the two out", key)
		}
	}
	r.command(at+"/command", i.Command)
	r.folder(at+"/dir", &i.Dir)
}

// tag insists on a tag behind the name: a name alone may be meant as a tag. Without a
// registry the image is one of docker.io, as in a manifest.
func (r *resolver) tag(at, tag string) {
	named, err := reference.ParseNormalizedNamed(tag)
	_, tagged := named.(reference.Tagged)
	_, digested := named.(reference.Digested)
	switch {
	case strings.Contains(tag, "$"):
		r.problem(at, "%q is not an image's name: no variable is replaced here; write the name and the tag out, as the manifests have them when they are applied", tag)
	case tag != "" && (err != nil || !tagged || digested):
		r.problem(at, "%q is not an image's name with its tag; write both as the manifests do, such as localhost/api:dev, or api:latest where they say api", tag)
	}
}

func (r *resolver) dockerfile(at string, image Image) {
	// A root follows no path or link that leads out of the context.
	root, err := os.OpenRoot(image.Context)
	if err != nil {
		r.problem(at+"/context", "context %s cannot be opened: %v; make it readable", image.Context, withoutPath(err))
		return
	}
	defer func() { _ = root.Close() }() // it was only read
	at += "/dockerfile"
	if !filepath.IsLocal(image.Dockerfile) {
		r.problem(at, "dockerfile %s is outside its context %s; give a path below the context, a wider context, or a command that builds the image", image.Dockerfile, image.Context)
		return
	}
	info, err := root.Stat(image.Dockerfile)
	switch {
	case os.IsNotExist(err):
		r.problem(at, "dockerfile %s does not exist in the context %s; %s", image.Dockerfile, image.Context, cured(image.Dockerfile, "give its path relative to the context"))
	case err != nil:
		r.problem(at, "dockerfile %s in the context %s: %v; it must be a file inside the context", image.Dockerfile, image.Context, withoutPath(err))
	case !info.Mode().IsRegular():
		r.problem(at, "dockerfile %s in the context %s is not a file; give the path of the Dockerfile itself", image.Dockerfile, image.Context)
	}
}

func (r *resolver) manifests(list string, listed []string) (files []string) {
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
		dir, pattern := r.wildcards(path)
		path = r.absolute(path)
		info, err := os.Stat(path)
		switch {
		case err == nil && !info.IsDir():
			files = append(files, path)
		case err == nil:
			files = append(files, r.matching(at, path, "")...)
		case pattern != "":
			if r.folder(at, &dir) {
				files = append(files, r.matching(at, dir, pattern)...)
			}
		default:
			r.found(at, "manifest", path, "give the path of a file or folder, relative to the workload's file")
		}
	}
	return files
}

// wildcards takes a path apart where its first wildcard is: "k8s/*/a.yaml" is "k8s" and
// "*/a.yaml". A file or folder that exists by such a name is no wildcard.
func (r *resolver) wildcards(path string) (dir, pattern string) {
	parts := strings.Split(filepath.ToSlash(filepath.Clean(path)), "/")
	first := 0
	for ; first < len(parts); first++ {
		_, err := os.Lstat(r.absolute(strings.Join(parts[:first+1], "/")))
		if err != nil && strings.ContainsAny(parts[first], "*?[") {
			break
		}
	}
	if first == len(parts) {
		return path, ""
	}
	for i, part := range parts {
		if below, is := strings.CutPrefix(part, "**"); is && below != "" {
			parts[i] = "**/*" + below // **.yaml is **/*.yaml
		}
	}
	dir = strings.Join(parts[:first], "/")
	if dir == "" && filepath.IsAbs(path) {
		dir = "/"
	}
	return dir, strings.Join(parts[first:], "/")
}

// matching are the files below a folder that a pattern matches, in which ** stands for any
// number of folders. Without an end of its own it matches manifests.
func (r *resolver) matching(at, dir, pattern string) (files []string) {
	patterns, where := []string{pattern}, "in"
	if pattern == "" || path.Base(pattern) == "**" {
		patterns = []string{path.Join(pattern, "*.yaml"), path.Join(pattern, "*.yml"), path.Join(pattern, "*.json")}
	}
	deep := strings.Contains(pattern, "**")
	if strings.Contains(pattern, "/") || deep {
		where = "below"
	}
	of := os.DirFS(dir)
	for i, pattern := range patterns {
		var found []string
		patterns[i] = strings.TrimPrefix(pattern, "**/") // for the message
		if deep {
			for _, file := range filesBelow(dir) {
				name := filepath.ToSlash(strings.TrimPrefix(file, dir+string(filepath.Separator)))
				if fits(strings.Split(pattern, "/"), strings.Split(name, "/")) {
					found = append(found, name)
				}
			}
		} else {
			found, _ = fs.Glob(of, pattern)
		}
		for _, name := range found {
			if info, err := fs.Stat(of, name); err != nil || !info.IsDir() { // its reader reports what cannot be read
				files = append(files, filepath.Join(dir, name))
			}
		}
	}
	if _, err := path.Match(pattern, ""); err != nil {
		r.problem(at, "%q is not a pattern: %v; write one such as *.yaml", pattern, err)
	} else if len(files) == 0 {
		cure := "nothing would be deployed, so correct the path"
		if !deep && slices.ContainsFunc(filesBelow(dir), func(file string) bool { return filepath.Dir(file) != dir && isManifest(file) }) {
			cure += ", or write " + filepath.Join(dir, "**") + " for the manifests in all folders below"
		}
		r.problem(at, "no file %s %s matches %s; %s", where, dir, strings.Join(patterns, ", "), cured(pattern, cure))
	}
	slices.Sort(files)
	return files
}

// fits reports whether the parts of a pattern match those of a path.
func fits(pattern, parts []string) bool {
	switch {
	case len(pattern) == 0:
		return len(parts) == 0
	case pattern[0] == "**":
		return fits(pattern[1:], parts) || len(parts) > 0 && fits(pattern, parts[1:])
	case len(parts) == 0:
		return false
	}
	ok, _ := path.Match(pattern[0], parts[0])
	return ok && fits(pattern[1:], parts[1:])
}

func isManifest(file string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(file))
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
		r.consequence(at, at, "the step does nothing; give it one of apply, kustomize, helm, command and wait")
	case len(kinds) > 1:
		r.problem(at, "the step has %s, and a step does one thing; make a step of each", strings.Join(kinds, " and "))
	}
	if len(s.Command) == 0 && (s.Dir != "" || len(s.Env) > 0) {
		r.consequence(at+"/command", at, "dir and env belong to a command, and the step has none; take them out, or make the step a command, such as [sh, -c, \"kustomize build DIR | envsubst | kubectl apply -f -\"]")
	}
	s.Apply = r.manifests(at+"/apply", s.Apply)
	if s.Kustomize != "" && r.folder(at+"/kustomize", &s.Kustomize) {
		r.filled(at+"/kustomize", s.Kustomize)
	}
	if s.Helm != nil {
		r.chart(at+"/helm", s.Helm)
	}
	if len(s.Command) > 0 {
		r.command(at+"/command", s.Command)
		r.folder(at+"/dir", &s.Dir)
	}
}

var (
	notInNames = regexp.MustCompile(`[^a-z0-9-]+`)
	checksum   = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

func (r *resolver) chart(at string, c *Chart) {
	address, _, isRemote := Remote(c.Chart)
	if c.Release == "" {
		name := filepath.Base(cmp.Or(address, c.Chart))
		if strings.HasPrefix(address, OCI) {
			name, _, _ = strings.Cut(name, ":")
		}
		c.Release = strings.Trim(notInNames.ReplaceAllString(strings.ToLower(strings.TrimSuffix(name, ".tgz")), "-"), "-")
	}
	c.Namespace = cmp.Or(c.Namespace, "default")
	if isRemote {
		r.remote(at+"/chart", c.Chart)
	} else if c.Chart != "" {
		c.Chart = r.absolute(c.Chart)
		if r.found(at+"/chart", "chart", c.Chart, "give the path of its folder or archive, relative to the workload's file, or a URL with #sha256= and its checksum") != nil {
			r.filled(at+"/chart", c.Chart)
		}
	}
	for i, file := range c.ValuesFiles {
		c.ValuesFiles[i] = r.file(fmt.Sprintf("%s/valuesFiles/%d", at, i), file)
	}
}

// remote insists on a checksum: the file at a URL may change between trials.
func (r *resolver) remote(at, path string) {
	address, sum, _ := Remote(path)
	if u, err := url.Parse(address); err != nil || u.Host == "" {
		r.problem(at, "%q is not the URL of a file; write one such as https://host/path.yaml#sha256=CHECKSUM", path)
	} else if !checksum.MatchString(sum) {
		prints := "curl -fsSL " + address + " | sha256sum"
		if strings.HasPrefix(address, OCI) {
			prints = "helm pull " + address + " and then sha256sum, for the archive"
		}
		r.problem(at, "%s has no checksum, so it may be another file in every trial; add #sha256= and the checksum that this prints: %s", address, prints)
	}
}

func (r *resolver) test(t *Test) {
	r.folder("/test/dir", &t.Dir)
	r.command("/test/command", t.Command)
	t.Format = cmp.Or(t.Format, testreport.GoJSON)
	report := t.Report
	if report != "" && !filepath.IsAbs(report) {
		report = filepath.Join(t.Dir, report)
	}
	info, err := os.Stat(report)
	switch {
	case strings.HasSuffix(t.Report, "/") || err == nil && info.IsDir():
		r.problem("/test/report", "%s is a folder; write a pattern for the files in it, such as %s/*.xml", t.Report, strings.TrimSuffix(t.Report, "/"))
	case !t.Format.Streams() && report == "":
		r.consequence("/test/report", "/test/format", "format %s is read from a file; add report: and the path that the command writes", t.Format)
	case t.Format.Streams() && report != "":
		r.consequence("/test/format", "/test/report", "format %s is read from standard output; remove report or choose ginkgo-json or junit", t.Format)
	}
	t.Report = report
}

func (r *resolver) command(at string, args []string) {
	if len(args) > 0 && args[0] == "" {
		r.consequence(at+"/0", at+"/0", "the command has no name; write the program first")
	}
}

// found reports a path that leads to nothing, and returns what it leads to or nil.
func (r *resolver) found(at, what, path, cure string) os.FileInfo {
	info, err := os.Stat(path)
	if err != nil {
		r.problem(at, "%s %s: %v; %s", what, path, withoutPath(err), cured(path, cure))
		return nil
	}
	return info
}

func (r *resolver) absolute(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(r.dir, path)
}

// folder makes the path of a folder absolute, which is the workload's by default,
// and reports whether it is there.
func (r *resolver) folder(at string, path *string) bool {
	*path = r.absolute(cmp.Or(*path, "."))
	const cure = "give the path of a folder, relative to the workload's file"
	info := r.found(at, "folder", *path, cure)
	if info != nil && !info.IsDir() {
		r.problem(at, "%s is not a folder; %s", *path, cure)
	}
	return info != nil && info.IsDir()
}

// filled reports whether a path leads to anything but an empty folder.
func (r *resolver) filled(at, path string) bool {
	entries, err := os.ReadDir(path)
	if err != nil || len(entries) > 0 {
		return true
	}
	r.problem(at, "folder %s is empty; if it is a submodule of git, run git submodule update --init; otherwise fill it before the run, or correct the path", path)
	return false
}

// cured is the cure for a path that leads to nothing.
func cured(path, cure string) string {
	switch {
	case strings.Contains(path, `\`):
		return `write / between folders, and not \`
	case strings.Contains(path, "$"):
		return "no variable is replaced here, so write the path out"
	}
	return cure
}

func (r *resolver) file(at, path string) string {
	if strings.Contains(path, "://") {
		r.problem(at, "%s is not fetched; download it beside the workload, once, and give its path", path)
		return path
	}
	path = r.absolute(path)
	const cure = "give the path of a file, relative to the workload's file"
	if info := r.found(at, "file", path, cure); info != nil && !info.Mode().IsRegular() {
		r.problem(at, "%s is not a file; %s", path, cure)
	}
	return path
}

// ofHome replaces ~ at the beginning of a path by the home folder.
func ofHome(path string) string {
	below, ok := strings.CutPrefix(path, "~/")
	home, err := os.UserHomeDir()
	if !ok || err != nil {
		return path
	}
	return filepath.Join(home, below)
}
