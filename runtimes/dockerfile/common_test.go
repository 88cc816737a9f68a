package dockerfile

import (
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
)

// base is a stage whose result depends on an argument, the context and an image.
const base = "FROM golang:1.26 AS build\nARG MODE=fast\nCOPY . /src\nRUN make ${MODE}\n"

func TestWhatIsCommon(t *testing.T) {
	const own = "FROM scratch\nARG NAME\nCOPY --from=build /a /a\n"
	for name, c := range map[string]struct {
		// other is the second Dockerfile; the first is base and own. change changes the
		// second build.
		other  string
		change func(*runtimes.Build)
		common bool
	}{
		"the same file":                  {base + own, nil, true},
		"a last stage of its own":        {base + "FROM alpine AS web\nCOPY --from=build /b /b\n", nil, true},
		"another name":                   {"FROM golang:1.26 AS compile\nARG MODE=fast\nCOPY . /src\nRUN make ${MODE}\nFROM scratch\nCOPY --from=compile /a /a\n", nil, true},
		"another argument, not in use":   {base + own, func(b *runtimes.Build) { b.Args = map[string]string{"NAME": "b"} }, true},
		"the default, given":             {base + own, func(b *runtimes.Build) { b.Args = map[string]string{"MODE": "fast"} }, true},
		"a comment":                      {"# The other one.\n" + base + own, nil, true},
		"a frontend without a name":      {"# syntax= \n" + base + own, nil, true},
		"lines that end as on Windows":   {strings.ReplaceAll(base+own, "\n", "\r\n"), nil, true},
		"another argument":               {base + own, func(b *runtimes.Build) { b.Args = map[string]string{"MODE": "slow"} }, false},
		"another default":                {"FROM golang:1.26 AS build\nARG MODE=slow\nCOPY . /src\nRUN make ${MODE}\n" + own, nil, false},
		"a proxy":                        {base + own, func(b *runtimes.Build) { b.Args = map[string]string{"http_proxy": "http://p"} }, false},
		"another base":                   {"FROM golang:1.25 AS build\nARG MODE=fast\nCOPY . /src\nRUN make ${MODE}\n" + own, nil, false},
		"another instruction":            {base + "RUN make test\n" + own, nil, false},
		"another context":                {base + own, func(b *runtimes.Build) { b.Context = "" }, false},
		"another further context":        {base + own, func(b *runtimes.Build) { b.Contexts = map[string]string{"golang:1.26": "docker-image://golang:1.27"} }, false},
		"a further context, not in use":  {base + own, func(b *runtimes.Build) { b.Contexts = map[string]string{"proto": "/proto"} }, true},
		"another platform":               {base + own, func(b *runtimes.Build) { b.Platform = "linux/arm64" }, false},
		"another frontend":               {"# syntax=docker/dockerfile:1.7\n" + base + own, nil, false},
		"no name":                        {"FROM golang:1.26\nARG MODE=fast\nCOPY . /src\nRUN make ${MODE}\nFROM scratch\nCOPY --from=0 /a /a\n", nil, false},
		"an ignore file of its own":      {base + own, func(b *runtimes.Build) { b.Dockerfile = "ignoring.Dockerfile" }, false},
		"a stage that is not built":      {base + own + "FROM alpine AS web\n", func(b *runtimes.Build) { b.Target = "web" }, false},
		"a base that is a stage, common": {"FROM golang:1.26 AS build\nARG MODE=fast\nCOPY . /src\nRUN make ${MODE}\nFROM build\nRUN make b\n", nil, true},
	} {
		dir := folder(t, map[string]string{"Dockerfile": base + own, "other.Dockerfile": c.other,
			"ignoring.Dockerfile": base + own, "ignoring.Dockerfile.dockerignore": "*.md\n"})
		builds := []runtimes.Build{{Context: dir}, {Context: dir, Dockerfile: "other.Dockerfile"}}
		if c.change != nil {
			if c.change(&builds[1]); builds[1].Context == "" {
				builds[1].Context = folder(t, map[string]string{"other.Dockerfile": c.other})
			}
		}
		got, err := InCommon(builds, trial.Docker)
		if err != nil || len(got.Stages) > 1 || (len(got.Stages) == 1) != c.common {
			t.Errorf("%s: got %+v, %v", name, got, err)
			continue
		}
		if c.common && (got.Stages[0].Names[0] != "build" || got.Stages[0].Steps != 2 || got.Stages[0].First != 0 || got.Nearest != nil) {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

// Two folders are the same context to a stage that takes nothing from either.
func TestAStageWithoutAContextIsCommonToAll(t *testing.T) {
	for instruction, common := range map[string]bool{
		"RUN make": true, "COPY --from=tools /bin/t /t": true, "ADD https://x.test/a /a": true, "COPY <<EOF /f\nhello\nEOF": true,
		"COPY a /a": false, "ADD a.tar /": false, "RUN --mount=type=bind,target=/src make": false,
	} {
		var builds []runtimes.Build
		for i := range 2 {
			text := fmt.Sprintf("FROM golang AS build\n%s\nFROM scratch\nCOPY --from=build /%d /\n", instruction, i)
			builds = append(builds, runtimes.Build{Context: folder(t, map[string]string{"Dockerfile": text, "a": "", "a.tar": ""})})
		}
		got, err := InCommon(builds, trial.Docker)
		if err != nil || (len(got.Stages) == 1) != common {
			t.Errorf("%s: got %+v, %v", instruction, got, err)
		}
	}
}

// What the base of a stage has under ONBUILD is done in the stage, with its context.
func TestWhatABaseTriggersIsOfTheStage(t *testing.T) {
	for instruction, common := range map[string]bool{
		"ONBUILD RUN make": true, "ONBUILD COPY . /src": false, "onbuild add a.tar /": false, "ONBUILD RUN --mount=type=bind,target=/src make": false,
		"ONBUILD COPY \\\n  . /src": false,
	} {
		var texts [2]string
		for i := range texts {
			texts[i] = fmt.Sprintf("FROM golang AS base\n%s\nFROM base AS build\nRUN make\nFROM scratch\nCOPY --from=build /%d /\n", instruction, i)
		}
		apart := []runtimes.Build{{Context: folder(t, map[string]string{"Dockerfile": texts[0], "a.tar": ""})}, {Context: folder(t, map[string]string{"Dockerfile": texts[1], "a.tar": ""})}}
		dir := folder(t, map[string]string{"a.Dockerfile": texts[0], "b.Dockerfile": texts[1], "a.tar": ""})
		together := []runtimes.Build{{Context: dir, Dockerfile: "a.Dockerfile"}, {Context: dir, Dockerfile: "b.Dockerfile"}}
		if got, err := InCommon(apart, trial.Docker); err != nil || (len(got.Stages) == 1) != common {
			t.Errorf("%s, in two contexts: got %+v, %v", instruction, got, err)
		}
		if got, err := InCommon(together, trial.Docker); err != nil || len(got.Stages) != 1 || got.Stages[0].Steps != 2 {
			t.Errorf("%s, in one context: got %+v, %v", instruction, got, err)
		}
	}
}

// The name of a stage that files are copied from does not matter, what it is does.
func TestTheNameOfAStageThatIsCopiedFrom(t *testing.T) {
	const text = "FROM golang AS tools\nRUN make tools\nFROM golang AS build\nCOPY --chmod=755 --from=tools /t /t\nRUN make\nFROM scratch\nCOPY --from=build /a /\n"
	for name, c := range map[string]struct {
		old, new string
		common   int
	}{
		"another name":  {"tools\nRUN make tools\nFROM golang AS build\nCOPY --chmod=755 --from=tools", "made\nRUN make tools\nFROM golang AS build\nCOPY --chmod=755 --from=made", 2},
		"a number":      {"--from=tools", "--from=0", 2},
		"another stage": {"RUN make tools", "RUN make other tools", 0},
		"another file":  {"/t /t", "/t /u", 1},
		"an image":      {"--from=tools", "--from=image", 0},
	} {
		dir := folder(t, map[string]string{"a.Dockerfile": text, "b.Dockerfile": strings.Replace(text, c.old, c.new, 1)})
		got, err := InCommon([]runtimes.Build{{Context: dir, Dockerfile: "a.Dockerfile"}, {Context: dir, Dockerfile: "b.Dockerfile"}}, trial.Docker)
		if err != nil || len(got.Stages) != c.common {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

// A secret with the same id may be another one.
func TestSecretsAreInputs(t *testing.T) {
	text := "FROM golang AS build\nRUN --mount=type=secret,id=token make\nFROM scratch\nCOPY --from=build /a /\n"
	dir := folder(t, map[string]string{"Dockerfile": text})
	one, two := map[string]string{"token": "/one"}, map[string]string{"token": "/two"}
	for _, c := range []struct {
		secrets map[string]string
		common  bool
	}{{one, true}, {two, false}} {
		got, err := InCommon([]runtimes.Build{{Context: dir, Secrets: one}, {Context: dir, Secrets: c.secrets}}, trial.Docker)
		if err != nil || (len(got.Stages) == 1) != c.common {
			t.Errorf("%v: got %+v, %v", c.secrets, got, err)
		}
	}
}

// One Dockerfile has a stage for each image; a stage that another one needs is built
// with it.
func TestStagesWithinStages(t *testing.T) {
	dir := folder(t, map[string]string{"Dockerfile": "FROM golang AS deps\nRUN fetch\nFROM deps AS build\nRUN make\nRUN make more\nFROM node AS assets\nRUN npm run build\n" +
		"FROM scratch AS api\nCOPY --from=build /a /\nFROM scratch AS worker\nCOPY --from=build /b /\nFROM scratch AS web\nCOPY --from=assets /c /\nFROM deps AS tool\nRUN tool\n"})
	var builds []runtimes.Build
	for _, target := range []string{"api", "worker", "web", "tool"} {
		builds = append(builds, runtimes.Build{Context: dir, Target: target})
	}
	got, err := InCommon(builds, trial.Docker)
	if err != nil || len(got.Stages) != 2 || got.Steps != 4+4+2+2 {
		t.Fatalf("got %+v, %v", got, err)
	}
	deps, build := got.Stages[0], got.Stages[1]
	if !deps.Within || deps.Steps != 1 || !maps.Equal(deps.Names, map[int]string{0: "deps", 1: "deps", 3: "deps"}) {
		t.Errorf("got %+v", deps)
	}
	if build.Within || build.Steps != 2 || !maps.Equal(build.Names, map[int]string{0: "build", 1: "build"}) {
		t.Errorf("got %+v", build)
	}
}

func TestTheNearestStages(t *testing.T) {
	dir := folder(t, map[string]string{"a.Dockerfile": "FROM golang AS build\nARG SERVICE\nCOPY . .\nRUN make\n", "b.Dockerfile": "FROM node AS assets\nRUN x\nFROM golang AS build\nARG SERVICE\nCOPY . .\nRUN make\nCOPY --from=assets /a /\n"})
	builds := []runtimes.Build{{Context: dir, Dockerfile: "a.Dockerfile", Args: map[string]string{"SERVICE": "a-secret"}}, {Context: dir, Dockerfile: "b.Dockerfile"}}
	got, err := InCommon(builds, trial.Docker)
	want := Difference{Builds: [2]int{0, 1}, Stages: [2]string{"build", "build"}, Parts: [2]string{"the argument SERVICE", "the argument SERVICE"},
		Places: [2]string{filepath.Join(dir, "a.Dockerfile") + ":2", filepath.Join(dir, "b.Dockerfile") + ":4"}}
	if err != nil || got.Nearest == nil || *got.Nearest != want {
		t.Errorf("got %+v, %v", got.Nearest, err)
	}
	if got, err := InCommon(builds[:1], trial.Docker); err != nil || got.Nearest != nil || len(got.Stages) > 0 {
		t.Errorf("of one build, got %+v, %v", got, err)
	}
	builds[0].Dockerfile = "gone.Dockerfile"
	if _, err := InCommon(builds, trial.Docker); err == nil {
		t.Errorf("%s was read", filepath.Join(dir, builds[0].Dockerfile))
	}
}
