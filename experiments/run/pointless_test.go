package run

import (
	"regexp"
	"strings"
	"testing"
)

var entry = regexp.MustCompile(`leaveOut: \[(\{.*?\})\] under design`)

// When a spec has under design what a message says to write there, the message is gone.
func TestCombinationsOfLevelsThatDoNothing(t *testing.T) {
	for name, c := range map[string]struct {
		settings, factors string
		want              []string
		left              int
	}{
		"a cache that no step looks into": {"runtime: docker, strategy: serial", "build.noCache: [true, false], build.cache: [none, local]", []string{
			`exp.yaml:5:61: build.cache local: with build.noCache: true, every step runs again and finds nothing in a cache; use build.noCache: false, or build.cache: none; to leave such cells out, write leaveOut: [{build.cache: local, build.noCache: "true"}] under design; [true local] is refused`}, 3},
		"caches with nothing in them": {"strategy: serial, build: {noCache: false}", "runtime: [podman, docker], build.cache: [local, none, registry], build.cacheStart: [cold, warm]", []string{
			`exp.yaml:5:52: build.cache local: a build cache that is none, or local and cold, has nothing in it, so this does what build.cache none, build.cacheStart cold does, and one of the two is enough; to leave such cells out, write leaveOut: [{build.cache: local, build.cacheStart: cold}] under design; 2 cells are refused, [podman local cold] among them, and the other cells run`,
			`exp.yaml:5:101: build.cacheStart warm: a build cache that is none, or local and cold, has nothing in it, so this does what build.cache none, build.cacheStart cold does, and one of the two is enough; to leave such cells out, write leaveOut: [{build.cache: none, build.cacheStart: warm}] under design; 2 cells are refused, [podman none warm] among them`}, 8},
		"a cold cache alone": {"runtime: docker, strategy: serial, build: {noCache: false}", "build.cache: [local, registry], build.cacheStart: [cold, warm]", nil, 4},
		"one archive of images that travel one by one": {"runtime: docker, strategy: serial", "load.when: [after, asBuilt], load.together: [true, false]", []string{
			`exp.yaml:5:62: load.together false: images that are loaded as they are built, or pulled by the nodes, travel one by one`}, 3},
		"nodes that pull what is built": {"runtime: docker", "strategy: [serial, registry], load.path: [archive, node-pull]", []string{
			`write leaveOut: [{load.path: node-pull, strategy: serial}] under design; [serial node-pull] is refused`}, 3},
		"a level that makes no sense": {"runtime: docker, strategy: serial", "load.path: [archive, node-pull]", []string{
			`use the strategy registry, or load.path: archive; [node-pull] is refused`}, 1},
	} {
		files := works()
		files["exp.yaml"] = "apiVersion: stratbench/v1\nname: e\nworkload: w.yaml\nsettings: {" + c.settings + "}\nfactors: {" + c.factors + "}\n"
		certain, possible := inspected(t, files, usersSite())
		if certain != "" || len(strings.Split(possible, "\n")) != max(1, len(c.want)) || len(c.want) == 0 && possible != "" {
			t.Errorf("%s: got\n%s\n%s", name, certain, possible)
		}
		for _, want := range c.want {
			if !strings.Contains(possible, want) {
				t.Errorf("%s: got\n%s\nwant\n%s", name, possible, want)
			}
		}
		r, err := preflighted(t, files, usersSite())
		if got := len(r.found().Plan.Cells); err != nil || got != c.left {
			t.Errorf("%s: %d cells are left, want %d; %v", name, got, c.left, err)
		}
		var entries []string
		for _, found := range entry.FindAllStringSubmatch(possible, -1) {
			entries = append(entries, found[1])
		}
		files["exp.yaml"] += "design: {leaveOut: [" + strings.Join(entries, ", ") + "]}\n"
		if certain, possible := inspected(t, files, usersSite()); len(entries) > 0 && certain+possible != "" {
			t.Errorf("%s, left out: got\n%s\n%s", name, certain, possible)
		}
	}
}
