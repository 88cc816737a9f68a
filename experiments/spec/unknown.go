package spec

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// suggest ends a message about an unknown name: with the known name that was
// probably meant, or else with all of them.
func suggest(name string, known []string) string {
	if near := nearest(name, known); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	if len(known) == 0 {
		return "none is known here"
	}
	return "known are " + strings.Join(known, ", ")
}

// nearest returns the known name within a third of the name's length in
// edits, or "".
func nearest(name string, known []string) string {
	best, bound := "", max(1, len(name)/3)
	for _, k := range known {
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d <= bound {
			best, bound = k, d-1
		}
	}
	return best
}

// distance is the least number of letters to insert, delete, replace or swap
// with their neighbour that turns a into b.
func distance(a, b string) int {
	const far = 99
	if len(a) > 50 || len(b) > 50 {
		return far
	}
	var d [52][52]int
	for i := range len(a) + 1 {
		for j := range len(b) + 1 {
			switch {
			case i == 0 || j == 0:
				d[i][j] = i + j
			case a[i-1] == b[j-1]:
				d[i][j] = d[i-1][j-1]
			default:
				d[i][j] = 1 + min(d[i-1][j], d[i][j-1], d[i-1][j-1])
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}

// wishes are keys that people write in a workload or a spec by analogy with
// other tools, and that mean nothing here or have another shape: what to do
// instead. A key goes by its dotted path without the numbers of lists, and by
// its own name below it.
var wishes = map[string]string{
	"load":             "write preload, with images that are not built: references, or archives that end in .tar",
	"teardown":         "no commands are run afterwards; each trial ends with its cluster",
	"helm":             "write it as a step, under deploy: - helm: {chart: …}",
	"charts":           "write each as a step, under deploy: - helm: {chart: …}",
	"kustomize":        "write it as a step, under deploy: - kustomize: FOLDER",
	"wait":             "write it as a step, under deploy: - wait: {for: condition=Ready, object: KIND/NAME}",
	"env":              "only the test command has an environment of its own; write test.env",
	"namespace":        "objects are deployed to the namespaces of their manifests; write metadata.namespace there, and a Namespace among them",
	"cluster":          "the cluster is described by a Kind configuration; write it to a file and name that as kindConfig",
	"kind":             "the cluster is described by a Kind configuration; write it to a file and name that as kindConfig",
	"nodes":            "nodes belong in the Kind configuration that kindConfig names",
	"timeout":          "limits belong in the experiment's spec; write limits: {phase: {test: 20m}} there",
	"timeouts":         "limits belong in the experiment's spec; write limits: {phase: {test: 20m}} there",
	"retries":          "nothing is tried again: a failure is a result; write design.replicates in the spec",
	"ready.conditions": "readiness is that of every applied object by kstatus (a Deployment is available, a Job complete, a custom resource has its condition Ready), and of ready.urls; wait for anything else with a step, under deploy: - wait: {for: …, object: …}",
	"ready.timeout":    "limits belong in the experiment's spec; write limits: {phase: {deploy: 10m}} there",
	"images.platforms": "write platform, with one: an engine and a node keep one of them under a name",
	"images.ssh":       "write ssh: {default: agent}, or by each id the path of a socket or a key",
	"images.secrets":   "write secrets: {npmrc: ~/.npmrc}, each file by its id",
	"images.buildArgs": "write args",
	"images.file":      "write dockerfile, relative to the context",
	"images.cacheFrom": "caches are decided by the setting build.noCache; take the key out",
	"images.image":     "write images that are not built under preload",
	"images.pull":      "write images that are not built under preload",
	"test.setup":       "one command is run; do this at the start of test.command, as with sh -c",
	"test.teardown":    "one command is run; the cluster goes with the trial, so nothing needs to be undone",
	"test.timeout":     "limits belong in the experiment's spec; write limits: {phase: {test: 20m}} there",
	"test.image":       "the command is run beside the cluster and not in it; write a program that is there",
	"test.namespace":   "the command gets KUBECONFIG and nothing else; pass this under test.env",
}

// insteadOf says what to do instead of an unknown key, if it is a known wish.
func insteadOf(location []string) string {
	named := slices.DeleteFunc(slices.Clone(location), func(part string) bool {
		_, err := strconv.Atoi(part)
		return err == nil
	})
	if len(named) == 0 {
		return ""
	}
	instead := wishes[strings.Join(named, ".")]
	if instead == "" || strings.HasPrefix(instead, "write ") {
		return instead
	}
	return "this is not possible yet: " + instead
}
