package spec

import (
	"slices"
	"strconv"
	"strings"
)

// wishes are keys that people write in a workload or a spec by analogy with
// other tools, and that mean nothing here: what to do instead. A key goes by
// its dotted path without the numbers of lists, and by its own name below it.
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
	"images.ssh":       "builds get no SSH agent; vendor what they fetch with it into the context",
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
