package run

import (
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes/dockerfile"
)

// hooked reports whether a hook runs before one of the phases.
func (c *cellInspection) hooked(phases ...trial.Phase) bool {
	return slices.ContainsFunc(phases, func(p trial.Phase) bool { return len(c.workload.Hooks[p].Before) > 0 })
}

// absent reports what a build copies and its context lacks. A hook may make it.
func (c *cellInspection) absent(i spec.Image, file string, absent []dockerfile.Need) {
	for _, need := range absent {
		if c.hooked(trial.PhaseBuild) {
			c.warnings.Add(file, need.At, "%s is not in the context %s, so the hook before build must make it", need.Text, i.Context)
			continue
		}
		c.issues.Add(file, need.At, "%s is not in the context %s; create it first, for example by hooks: {build: {before: [make, …]}}, or correct the path, which is relative to the context", need.Text, i.Context)
	}
}

var (
	operators = []string{"|", "||", "&&", "&", ";", ">", ">>", "<", "2>&1"}
	variable  = regexp.MustCompile(`\$[({]|^\$[A-Za-z_]`)
	// ofTrial is a variable of a trial, and kindsOwn a name of Kind's default cluster.
	ofTrial  = regexp.MustCompile(`\$\{?(STRATBENCH|KIND)_`)
	kindsOwn = regexp.MustCompile(`\bkind-(kind|control-plane|worker\d*)\b|\bnetwork (inspect|connect) "?kind\b`)
)

const otherNames = "%s: %q has a name of Kind's default cluster, and each trial has a cluster of its own: KUBECONFIG leads to it, its network is called $STRATBENCH_CLUSTER, and its nodes $STRATBENCH_CLUSTER-control-plane, $STRATBENCH_CLUSTER-worker and so on"

// words reports arguments that only a shell would understand.
func (c *cellInspection) words(setting, what string, args []string) {
	for _, arg := range args {
		if kindsOwn.MatchString(arg) {
			c.at(&c.warnings, setting, otherNames, what, arg)
		}
	}
	if program := filepath.Base(args[0]); slices.Contains(interpreters, program) || program == "make" || program == "env" {
		return // it may replace them itself
	}
	for _, arg := range args[1:] {
		if slices.Contains(operators, arg) || variable.MatchString(arg) {
			c.at(&c.warnings, setting, "%s: %q is passed as it stands, because no shell reads the command; write [sh, -c, \"…\"]", what, arg)
		}
	}
}

// environment reports values that only a shell would understand.
func (c *cellInspection) environment(prefix string, env map[string]string) {
	for name, value := range env {
		if kindsOwn.MatchString(value) {
			c.at(&c.warnings, prefix+name, otherNames, "the variable "+name, value)
		}
		if variable.MatchString(value) {
			c.at(&c.warnings, prefix+name, "%q is passed as it stands: variables are not replaced here; write the value out, or have the command read KUBECONFIG and the trial's other variables", value)
		}
	}
}

// values reports values of a chart in which only a command could put names of the trial.
func (c *cellInspection) values(setting string, values any) {
	switch v := values.(type) {
	case map[string]any:
		for key, value := range v {
			c.values(setting+"."+key, value)
		}
	case []any:
		for i, value := range v {
			c.values(setting+"."+strconv.Itoa(i), value)
		}
	case string:
		if ofTrial.MatchString(v) || kindsOwn.MatchString(v) {
			c.at(&c.warnings, setting, "%q: no variable is replaced in the values of a chart, and the trial's cluster has a name of its own; install the chart by a command: [sh, -c, \"helm install … --set key=$STRATBENCH_CLUSTER-control-plane\"]", v)
		}
	}
}

// switchesAPIsOn reports whether a Kind configuration switches further APIs on, by
// itself or by a patch of the API server's arguments.
func switchesAPIsOn(kind *v1alpha4.Cluster) bool {
	if kind == nil {
		return false
	}
	patches := slices.Clone(kind.KubeadmConfigPatches)
	for _, n := range kind.Nodes {
		patches = append(patches, n.KubeadmConfigPatches...)
	}
	return len(kind.RuntimeConfig) > 0 || slices.ContainsFunc(patches, func(p string) bool { return strings.Contains(p, "runtime-config") })
}
