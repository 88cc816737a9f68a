package confirm

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/results"
)

var project = map[string]string{
	".gitignore":        "/w/bin/\n",
	"spec.yaml":         "apiVersion: stratbench/v1\nname: nightly\nfactors: {runtime: [podman, docker], strategy: [serial, parallel]}\nsettings: {memory: 3GiB}\nworkload: w/workload.yaml\n",
	"w/workload.yaml":   "apiVersion: stratbench/v1\nimages: [{name: app, tag: localhost/app:dev, context: app}]\nmanifests: [app.yaml]\ntest: {command: [./test.sh]}\n",
	"w/app/Dockerfile":  "FROM scratch\nCOPY text /\n",
	"w/app/text":        "as it was\n",
	"w/app.yaml":        "kind: Service\n",
	"w/test.sh":         "#!/bin/sh\n",
	"elsewhere/another": "nothing of the workload\n",
}

// scene is a repository in which a run was made, and that run.
type scene struct {
	repo string
	good results.Run
}

func newScene(t *testing.T) *scene { return sceneOf(t, project) }

func sceneOf(t *testing.T, files map[string]string) *scene {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Fatal("git is needed: ", err)
	}
	s := &scene{repo: t.TempDir()}
	for name, text := range files {
		s.write(t, name, text)
	}
	s.git(t, "init", "--quiet")
	s.commit(t)
	s.record(t)
	return s
}

func (s *scene) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(s.repo, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o755)); err != nil {
		t.Fatal(err)
	}
}

func (s *scene) git(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", s.repo, "-c", "user.name=n", "-c", "user.email=e@example.com"}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (s *scene) commit(t *testing.T) {
	t.Helper()
	s.git(t, "add", "--all")
	s.git(t, "commit", "--quiet", "--message", "A state")
}

// record makes a run of the repository as it is, and keeps it elsewhere.
func (s *scene) record(t *testing.T) {
	t.Helper()
	spec := s.present(t)
	env := results.HostEnvironment(t.Context(), s.repo)
	env.Schema, env.SpecHash, env.WorkloadHash = results.Schema, spec.SHA256, spec.Workload.SHA256
	hashes, err := contexts(spec)
	if err != nil {
		t.Fatal(err)
	}
	for name, hash := range hashes {
		env.Images = append(env.Images, results.ImageSource{Image: name, Context: hash})
	}
	dir := filepath.Join(t.TempDir(), "20260102-030405-nightly")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]any{results.EnvironmentFile: env, results.PlanFile: results.Plan{Schema: results.Schema}} {
		text, err := json.Marshal(value)
		if err := errors.Join(err, os.WriteFile(filepath.Join(dir, name), text, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, results.SpecFile), spec.Source, 0o644); err != nil {
		t.Fatal(err)
	}
	if s.good, err = results.ReadRun(dir); err != nil {
		t.Fatal(err)
	}
}

func (s *scene) present(t *testing.T) *spec.Spec {
	t.Helper()
	spec, err := spec.Load(filepath.Join(s.repo, "spec.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func (s *scene) rebuild(t *testing.T, prepare string) (*spec.Spec, error) {
	t.Helper()
	return rebuild(t.Context(), Options{Good: s.good, Present: s.present(t), Prepare: prepare}, t.TempDir())
}

// The workload changed in a way that only the hash of its contexts shows: the state
// is built from the revision, and the repository stays as it was.
func TestTheLastGoodStateIsThatOfItsRevision(t *testing.T) {
	s := newScene(t)
	s.write(t, "w/app/text", "slower now\n")
	s.commit(t)
	s.write(t, "w/app/text", "slower now, and not committed\n")
	before := s.git(t, "status", "--porcelain") + s.git(t, "worktree", "list") + s.git(t, "rev-parse", "HEAD")
	spec, err := s.rebuild(t, "")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(spec.Workload.Images[0].Context, "text"))
	if err != nil || string(text) != "as it was\n" || spec.SHA256 != s.good.Environment.SpecHash {
		t.Errorf("built from %q, %v", text, err)
	}
	if after := s.git(t, "status", "--porcelain") + s.git(t, "worktree", "list") + s.git(t, "rev-parse", "HEAD"); after != before {
		t.Errorf("the repository was\n%s\nand is\n%s", before, after)
	}
}

// Changes that were not committed do not matter where the images are known to
// be built from the same.
func TestADirtyRunWithKnownSources(t *testing.T) {
	s := newScene(t)
	s.write(t, "elsewhere/another", "changed\n")
	s.record(t)
	if !s.good.Environment.GitDirty {
		t.Fatal("the run is not dirty")
	}
	s.write(t, "w/app/text", "slower now\n")
	if _, err := s.rebuild(t, ""); err != nil {
		t.Error(err)
	}
}

// Another spec has the same text and another workload.
func TestASpecOfAnotherWorkloadIsNotTaken(t *testing.T) {
	s := newScene(t)
	s.write(t, "a/spec.yaml", project["spec.yaml"])
	for name, text := range project {
		if rest, ok := strings.CutPrefix(name, "w/"); ok {
			s.write(t, "a/w/"+rest, text+"\n")
		}
	}
	s.commit(t)
	s.record(t)
	s.write(t, "spec.yaml", project["spec.yaml"]+"description: another\n")
	spec, err := s.rebuild(t, "")
	if err != nil || filepath.Base(filepath.Dir(spec.Path)) != "last-good" {
		t.Fatalf("%+v, %v", spec, err)
	}
}

// The spec is found by its hash, among others of the revision.
func TestTheSpecIsFoundByItsHash(t *testing.T) {
	s := newScene(t)
	s.write(t, "another.yaml", project["spec.yaml"]+"description: another\n")
	s.commit(t)
	s.record(t)
	s.write(t, "w/app/text", "slower now\n")
	spec, err := s.rebuild(t, "")
	if err != nil || filepath.Base(spec.Path) != "spec.yaml" || spec.SHA256 != s.good.Environment.SpecHash {
		t.Fatalf("%+v, %v", spec, err)
	}
	s.good.Environment.SpecHash = strings.Repeat("0", 64)
	if _, err := s.rebuild(t, ""); !errors.Is(err, ErrNotBuilt) || !strings.Contains(err.Error(), "does not have the spec of run 20260102-030405-nightly") {
		t.Error(err)
	}
}

func TestWhyAStateCannotBeBuilt(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*testing.T, *scene)
		prepare string
		want    string
	}{
		"no revision":       {func(_ *testing.T, s *scene) { s.good.Environment.GitRevision = "" }, "", "records no git revision"},
		"not in repository": {func(_ *testing.T, s *scene) { s.good.Environment.GitRevision = strings.Repeat("a", 40) }, "", "fetch it (git fetch origin aaaa"},
		"no repository": {func(t *testing.T, s *scene) {
			if err := os.RemoveAll(filepath.Join(s.repo, ".git")); err != nil {
				t.Fatal(err)
			}
		}, "", "is not in a git repository"},
		"dirty": {func(_ *testing.T, s *scene) { s.good.Environment.GitDirty, s.good.Environment.Images = true, nil }, "", "choose a good run of a committed revision"},
		"dirty in the context": {func(t *testing.T, s *scene) {
			s.write(t, "w/app/text", "changed then\n")
			s.record(t)
		}, "", "the build context of image app is not what run 20260102-030405-nightly had"},
		"dirty in the workload": {func(t *testing.T, s *scene) {
			s.write(t, "w/app.yaml", "kind: Deployment\n")
			s.record(t)
		}, "", "the workload's files in revision"},
		"not committed": {func(t *testing.T, s *scene) {
			s.write(t, "spec.yaml", project["spec.yaml"]+"budget: 1h\n")
			s.record(t)
		}, "", "does not have the spec of run"},
		"ignored": {func(t *testing.T, s *scene) {
			s.good.Environment.Images = nil
			s.write(t, "w/bin/tool", "made\n")
		}, "", "git ignores (w/bin/)"},
		"prepare fails": {func(*testing.T, *scene) {}, "echo no such tool; exit 3", "exit status 3: no such tool"},
		"outside": {func(t *testing.T, s *scene) {
			outside := t.TempDir()
			s.write(t, "w/workload.yaml", strings.Replace(project["w/workload.yaml"], "{command", "{dir: "+outside+", command", 1))
			s.commit(t)
			s.record(t)
		}, "", "which is outside the repository"},
		"nothing differs": {func(*testing.T, *scene) {}, "", "nothing else that is recorded has changed either"},
		"only the kernel": {func(_ *testing.T, s *scene) { s.good.Environment.Kernel = "6.1.0" }, "", "cannot be undone here: kernel 6.1.0 → "},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			c.change(t, s)
			if _, err := s.rebuild(t, c.prepare); !errors.Is(err, ErrNotBuilt) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v; want %q", err, c.want)
			}
		})
	}
}

// What git ignores is made in the copy by the user's command, not taken from
// the present.
func TestPrepareMakesWhatGitDoesNotHave(t *testing.T) {
	s := newScene(t)
	s.good.Environment.Images = nil
	s.write(t, "w/bin/tool", "made now\n")
	s.write(t, "w/app/text", "slower now\n")
	spec, err := s.rebuild(t, "mkdir w/bin && echo made then > w/bin/tool")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(spec.Workload.Dir, "bin/tool")); err != nil || string(text) != "made then\n" {
		t.Errorf("%q, %v", text, err)
	}
}

// A tar of engines is rarely in git. Then both states have the present one.
func TestEnginesThatGitDoesNotHaveAreThePresentOnes(t *testing.T) {
	files := maps.Clone(project)
	files[".gitignore"] += "/engines.tar\n"
	files["engines.tar"], files["kept.tar"] = "a root", "another root"
	files["spec.yaml"] = strings.Replace(project["spec.yaml"], "factors: {", "factors: {engine: [engines.tar, kept.tar, trixie], ", 1)
	s := sceneOf(t, files)
	s.write(t, "w/app/text", "slower now\n")
	s.write(t, "kept.tar", "another root, changed\n")
	good, err := s.rebuild(t, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range good.Cells() {
		level, _ := c.Level("engine")
		settings, _, err := good.Cell(c)
		text, _ := os.ReadFile(settings.Engine)
		if want := map[string]string{"engines.tar": "a root", "kept.tar": "another root", "trixie": ""}[level]; err != nil || string(text) != want {
			t.Errorf("%s is %s with %q, %v", level, settings.Engine, text, err)
		}
	}
	if err := os.Remove(filepath.Join(s.repo, "engines.tar")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.rebuild(t, ""); !errors.Is(err, ErrNotBuilt) || !strings.Contains(err.Error(), "engines.tar: no such file or directory; put the tar back") {
		t.Error(err)
	}
	if _, err := s.rebuild(t, "echo > engines.tar"); err != nil {
		t.Error(err)
	}
}
