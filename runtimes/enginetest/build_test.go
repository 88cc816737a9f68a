package enginetest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
)

const twoStages = `FROM ` + baseImage + ` AS build
ARG GREETING=none
COPY input.txt /input.txt
RUN ["/probe", "env", "GREETING"]
RUN ["/probe", "sleep", "400ms"]
RUN ["/probe", "write", "/output.txt", "made"]

FROM ` + baseImage + `
COPY --from=build /output.txt /output.txt
CMD ["/probe", "list", "/"]
`

// build builds one image, builds it again from the cache, and once more without the
// cache.
func (s suite) build(t *testing.T) {
	tag := s.own(t, "two-stages")
	b := runtimes.Build{Tag: tag, Context: folder(t, twoStages, "input.txt"), Args: map[string]string{"GREETING": "good day"}}

	slept := func(r *recorder, fromCache bool) {
		t.Helper()
		step := r.find("400ms")
		if took := step.end.Sub(step.start); step.cached != fromCache || fromCache != (took < 380*time.Millisecond) {
			t.Errorf("a step that sleeps for 400 ms took %s, cached: %t", took, step.cached)
		}
	}
	first, id := s.mustBuild(t, b)
	if !strings.Contains(first.output.String(), "GREETING=good day") {
		t.Errorf("the build argument did not arrive; output:\n%s", first.output.String())
	}
	slept(first, false)
	s.is(t, tag, id)
	second, again := s.mustBuild(t, b)
	slept(second, true)
	if again != id {
		t.Errorf("the repeated build made %s, want %s", again, id)
	}
	b.NoCache = true
	third, _ := s.mustBuild(t, b)
	slept(third, false)
}

// cache exports a build's cache to a registry, and imports it.
func (s suite) cache(t *testing.T) {
	repository := s.serve(t, emptyRegistry()) + "/enginetest/cache"
	tag := s.own(t, "cached")
	s.remove(t, repository+":cache")
	b := runtimes.Build{Tag: tag, Context: folder(t, twoStages, "input.txt"), CacheTo: repository}
	r, _ := s.mustBuild(t, b)
	if !slices.ContainsFunc(r.steps, func(s step) bool { return s.name == trial.ExportStep && s.err == "" }) {
		t.Errorf("nothing was exported: %+v", r.steps)
	}
	b.CacheFrom, b.CacheTo = repository, ""
	r, _ = s.mustBuild(t, b)
	if !r.find("/output.txt /output.txt").cached || slices.ContainsFunc(r.steps, func(s step) bool { return s.name == trial.ExportStep }) {
		t.Errorf("a build with a warm cache: %+v", r.steps)
	}
}

// tryBuild builds, and returns what the build reported and how it ended.
func (s suite) tryBuild(t *testing.T, b runtimes.Build) (*recorder, runtimes.ImageID, error) {
	t.Helper()
	r := newRecorder(t)
	defer r.close()
	id, err := s.Engine.Build(within(t), b, r.report)
	return r, id, err
}

func (s suite) mustBuild(t *testing.T, b runtimes.Build) (*recorder, runtimes.ImageID) {
	t.Helper()
	r, id, err := s.tryBuild(t, b)
	if err != nil {
		t.Fatalf("%v; output:\n%s", err, r.output.String())
	}
	if nameless := b.Tag == "" && id == ""; !nameless && (!strings.HasPrefix(string(id), "sha256:") || len(id) != 71) {
		t.Errorf("the build of %s made %q, want sha256: and 64 digits", b, id)
	}
	return r, id
}

// is checks that ref names the image.
func (s suite) is(t *testing.T, ref string, id runtimes.ImageID) {
	t.Helper()
	found, err := s.Engine.Image(within(t), ref)
	if err != nil || found != id {
		t.Errorf("%s is image %q (%v), want %s", ref, found, err, id)
	}
}

func (s suite) buildFailing(t *testing.T) {
	tag, words := s.own(t, "failing"), "the disk is made of cheese"
	r, _, err := s.tryBuild(t, runtimes.Build{
		Tag: tag, Context: folder(t, "FROM "+baseImage+"\nRUN [\"/probe\", \"fail\", \"7\", \""+words+"\"]\n"),
	})
	if err == nil {
		t.Fatal("the build succeeded")
	}
	t.Log(err)
	if !strings.Contains(err.Error(), tag) || !strings.Contains(err.Error(), "7") {
		t.Errorf("the error %q should name the image and the exit code 7", err)
	}
	if !strings.Contains(strings.ReplaceAll(r.output.String(), `, "`+words, ""), words) {
		t.Errorf("the command's output is missing in:\n%s", r.output.String())
	}
	if r.find("RUN").err == "" {
		t.Error("the step that failed has no error")
	}
	if _, err := s.Engine.Image(t.Context(), tag); !runtimes.IsNotFound(err) {
		t.Errorf("looking for an image that was not built: %v", err)
	}
}

func (s suite) buildWithoutContext(t *testing.T) {
	_, _, err := s.tryBuild(t, runtimes.Build{Tag: s.own(t, "nothing"), Context: filepath.Join(t.TempDir(), "missing")})
	if err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("building a folder that does not exist: %v", err)
	}
}

func (s suite) buildsInParallel(t *testing.T) {
	recorders := map[string]*recorder{"a": newRecorder(t), "b": newRecorder(t), "c": newRecorder(t)}
	var builds errgroup.Group
	for letter, r := range recorders {
		b := runtimes.Build{Tag: s.own(t, "parallel-"+letter), NoCache: true, Context: folder(t,
			"FROM "+baseImage+"\nRUN [\"/probe\", \"sleep\", \"2s\", \""+letter+"\"]\n")}
		builds.Go(func() error {
			_, err := s.Engine.Build(within(t), b, r.report)
			return err
		})
	}
	if err := builds.Wait(); err != nil {
		t.Error(err)
	}
	var first, last time.Time
	for _, r := range recorders {
		r.close()
		slept := r.find("sleep")
		if first.IsZero() || slept.end.Before(first) {
			first = slept.end
		}
		if slept.start.After(last) {
			last = slept.start
		}
	}
	if !last.Before(first) {
		t.Errorf("the builds did not run at the same time: the last started %s after the first had ended", last.Sub(first))
	}
}

// ignoreFile builds with the ignore file of a context, and then with the Dockerfile's own,
// which counts before it.
func (s suite) ignoreFile(t *testing.T) {
	dir := folder(t, "FROM "+baseImage+"\nCOPY . /sent\nRUN [\"/probe\", \"list\", \"/sent\"]\n",
		"kept.txt", "left.log", "sub/left.txt", "sub/kept.txt")
	write(t, filepath.Join(dir, ".dockerignore"), "*.log\nsub\n!sub/kept.txt\n")
	check := func(all map[string]bool) {
		t.Helper()
		r, _ := s.mustBuild(t, runtimes.Build{Tag: s.own(t, "ignoring"), Context: dir, NoCache: true})
		for file, want := range all {
			if got := strings.Contains(r.output.String(), "found "+file); got != want {
				t.Errorf("%s was sent: %t, want %t; output:\n%s", file, got, want, r.output.String())
			}
		}
	}
	check(map[string]bool{"/sent/kept.txt": true, "/sent/sub/kept.txt": true, "/sent/left.log": false, "/sent/sub/left.txt": false})
	write(t, filepath.Join(dir, "Dockerfile.dockerignore"), "*.txt\n")
	check(map[string]bool{"/sent/kept.txt": false, "/sent/sub/kept.txt": true, "/sent/left.log": true, "/sent/sub/left.txt": true})
}

// contexts begins with an image under another name, and reads a secret that is in no file.
// An engine on a machine of its own need not see a folder of this host.
func (s suite) contexts(t *testing.T) {
	info, err := s.Engine.Info(within(t))
	must(t, err)
	b := runtimes.Build{
		Tag: s.own(t, "contexts"), NoCache: true, SecretTexts: map[string]string{"word": "swordfish"},
		Contexts: map[string]string{"base": trial.ImageContextPrefix + baseImage},
	}
	text := "FROM base\nRUN --mount=type=secret,id=word [\"/probe\", \"read\", \"/run/secrets/word\"]\nCOPY --from=base /probe /again\n"
	if info.Runtime == trial.Docker {
		b.Contexts["words"] = folder(t, "", "kept.txt", "left.log")
		write(t, filepath.Join(b.Contexts["words"], ".dockerignore"), "*.log\n")
		text += "COPY --from=words . /words\nRUN [\"/probe\", \"list\", \"/words\"]\n"
	}
	b.Context = folder(t, text)
	r, _ := s.mustBuild(t, b)
	output := r.output.String()
	if !strings.Contains(output, "swordfish") {
		t.Errorf("the secret did not arrive:\n%s", output)
	}
	if info.Runtime == trial.Docker && (!strings.Contains(output, "found /words/kept.txt") || strings.Contains(output, "found /words/left.log")) {
		t.Errorf("the folder is not as it should be:\n%s", output)
	}
}

// target builds a stage that is not the last one, which would fail.
func (s suite) target(t *testing.T) {
	tag := s.own(t, "target")
	dir := folder(t, "FROM "+baseImage+" AS wanted\nRUN [\"/probe\", \"write\", \"/a\", \"wanted\"]\nFROM "+baseImage+"\nRUN [\"/nothing\"]\n")
	r, id := s.mustBuild(t, runtimes.Build{Tag: tag, Context: dir, NoCache: true, Target: "wanted"})
	if strings.Contains(r.output.String(), "/nothing") {
		t.Errorf("the last stage was built, too:\n%s", r.output.String())
	}
	s.is(t, tag, id)
}

// commonStage builds a stage under no name and without the cache, and then an image of
// another Dockerfile with the same stage, which takes it from the cache.
func (s suite) commonStage(t *testing.T) {
	const stage = "FROM " + baseImage + " AS made\nCOPY input.txt /input.txt\nRUN [\"/probe\", \"sleep\", \"400ms\"]\n"
	dir := folder(t, stage, "input.txt")
	write(t, filepath.Join(dir, "other.Dockerfile"), stage+"FROM "+baseImage+"\nCOPY --from=made /input.txt /\n")
	names := func() (all []string) {
		contents, err := s.Engine.Contents(within(t))
		must(t, err)
		for _, i := range contents.Images {
			all = append(all, i.Names...)
		}
		slices.Sort(all)
		return all
	}
	before := names()
	first, _ := s.mustBuild(t, runtimes.Build{Context: dir, Target: "made", NoCache: true})
	if first.find("400ms").cached {
		t.Error("a step came from the cache, which was to be left out")
	}
	if after := names(); !slices.Equal(after, before) {
		t.Errorf("a build without a name has left the names %q, where there were %q", after, before)
	}
	second, _ := s.mustBuild(t, runtimes.Build{Tag: s.own(t, "common-stage"), Context: dir, Dockerfile: "other.Dockerfile"})
	if !second.find("400ms").cached {
		t.Error("a step of the common stage was done again")
	}
}

// folder makes a build context.
func folder(t *testing.T, dockerfile string, files ...string) string {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "Dockerfile"), dockerfile)
	for _, name := range files {
		write(t, filepath.Join(dir, name), "this is "+name)
	}
	return dir
}

func write(t *testing.T, path, text string) {
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(text), 0o644))
}
