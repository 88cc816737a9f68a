package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stratbench/stratbench/internal/issue"
)

// suggest ends a message about an unknown name: with the known name that was
// probably meant, or else with all of them.
func suggest(name string, known []string) string {
	if near := issue.Nearest(name, known); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	if len(known) == 0 {
		return "none is known here"
	}
	return "known are " + strings.Join(known, ", ")
}

// wishes are keys that people know from other tools and that do not exist here or
// have another shape, with what to do instead. A key goes by its dotted path
// without the numbers of lists.
var wishes = func() map[string]string {
	answers := map[string]string{}
	for _, w := range []struct{ in, keys, answer string }{
		{"", "load", "write preload, with images that are not built: references, or archives that end in .tar"},
		{"", "teardown", "write hooks: {test: {after: [COMMAND]}} in the workload; each trial ends with its cluster"},
		{"", "helm", "write it as a step, under deploy: - helm: {chart: …}"},
		{"", "charts", "write each as a step, under deploy: - helm: {chart: …}"},
		{"", "kustomize", "write it as a step, under deploy: - kustomize: FOLDER"},
		{"", "wait", "write it as a step, under deploy: - wait: {for: condition=Ready, object: KIND/NAME}"},
		{"", "env", "write test.env, or the env of a step or of setup"},
		{"", "namespace", "objects are deployed to the namespaces of their manifests; write metadata.namespace there, and a Namespace among them"},
		{"", "cluster kind", "the cluster is described by a Kind configuration; write it to a file and name that as kindConfig"},
		{"", "clusters", "stratbench makes one cluster for each trial; for several write setup, with a command that does the whole set-up"},
		{"", "featureGates", "they belong in the Kind configuration that kindConfig names"},
		{"", "nodes", "nodes belong in the Kind configuration that kindConfig names"},
		{"", "timeout timeouts", "limits belong in the experiment's spec; write limits: {phase: {test: 20m}} there"},
		{"", "rootless", asFound},
		{"", "retries", "nothing is tried again, because a failure is a result; write design.replicates in the spec"},
		{"", "build", "write images, one entry for each: - {name: api, tag: \"api:dev\", context: .}"},
		{"ready.", "conditions", "services are ready when every applied object is ready by the rules of kstatus (a Deployment is available, a Job is complete, a custom resource has the condition Ready) and ready.urls answer; wait for anything else with a step, under deploy: - wait: {for: …, object: …}"},
		{"ready.", "timeout", "limits belong in the experiment's spec; write limits: {phase: {deploy: 10m}} there"},
		{"images.", "platform platforms", "write platform, with a single one: an engine and a node keep one platform per image name"},
		{"images.", "ssh", "write ssh: {default: agent}, or the path of a socket or a key for each id"},
		{"images.", "secrets", "write secrets: {npmrc: ~/.npmrc, token: env:NPM_TOKEN}, a file or a variable for each id"},
		{"images.", "buildArgs", "write args"},
		{"images.", "file", "write dockerfile, relative to the context"},
		{"images.", "cacheFrom", "the settings build.cache and build.noCache decide about caches; take the key out"},
		{"images.", "image pull", "write images that are not built under preload, or, for another name, command: [sh, -c, \"docker pull IMAGE && docker tag IMAGE $STRATBENCH_IMAGE\"]"},
		{"images.", "build", "write context, dockerfile and args beside name and tag, or a command that builds the image"},
		{"images.", "ko bake bazel nix jib pack earthly apko compose dotnet gradle maven custom builder script buildpacks", "write command, which builds the image and leaves it in the engine by the name in $STRATBENCH_IMAGE"},
		{"images.", "docker", "write context, dockerfile, target and args beside name and tag"},
		{"images.", "load", "every image is loaded into the nodes; take the key out"},
		{"images.", "contexts additionalContexts additional_contexts buildContexts", "write contexts: {proto: ../proto}, a folder or docker-image:// and a reference for each name"},
		{"images.", "archive tar", "write the archive under preload, or a command that loads it into the engine"},
		{"images.", "needs dependsOn", "strategies decide what is built after what; write one of your own, with stages, under strategies in the experiment's spec"},
		{"deploy.", "manifests manifest files file", "write apply, with the files of this step"},
		{"deploy.", "kubectl", "write apply with files, or command: [kubectl, …]"},
		{"deploy.", "url", "write apply, with the URL and #sha256= and the checksum of its file"},
		{"deploy.", "script run ko flux helmfile skaffold tilt jsonnet", "write command, with the program and its arguments as a list"},
		{"deploy.", "shell", "write command: [sh, -c, \"…\"]"},
		{"deploy.", "dependsOn", "steps are done in their order; move the step behind what it needs"},
		{"deploy.", "namespace", "objects are deployed to the namespaces of their manifests; write metadata.namespace there, or helm.namespace for a chart"},
		{"deploy.", "enableHelm", "charts are rendered by a helm step; or have a command build and apply the whole: [sh, -c, \"kustomize build --enable-helm DIR | kubectl apply -f -\"]"},
		{"deploy.", "loadRestrictor", "kustomize reads no file outside of the folder of the kustomization that names it: move the file below it, and take the key out"},
		{"test.", "setup", "write hooks: {test: {before: [COMMAND]}}"},
		{"test.", "teardown", "write hooks: {test: {after: [COMMAND]}}; the cluster is deleted after the trial anyway"},
		{"test.", "timeout", "limits belong in the experiment's spec; write limits: {phase: {test: 20m}} there"},
		{"test.", "cwd", "write dir"},
		{"test.", "format", "most runners can write junit"},
		{"test.", "junit", "write format: junit, and report with the file that the command writes"},
		{"test.", "image", "the command runs outside of the cluster; write a program that exists on this host"},
		{"test.", "namespace", "the command gets KUBECONFIG but no namespace; pass it under test.env"},
		{"settings.", "rootless", asFound},
		{"settings.engine.", "rootless", asFound},
		{"settings.machine.", "rootless", asFound},
		{"deploy.helm.", "name", "write release"},
		{"deploy.helm.", "createNamespace", "the namespace is made if nothing else makes it; take the key out"},
		{"deploy.helm.", "set", "write values, with a mapping: values: {image: {tag: e2e}}"},
		{"deploy.helm.", "valueFiles", "write valuesFiles"},
		{"deploy.helm.", "postRenderer postRenderers", "have a command render and apply the whole: [sh, -c, \"helm template RELEASE CHART | ./post-render.sh | kubectl apply -f -\"]"},
		{"deploy.helm.", "setFile setString args extraArgs flags", "write values, or install the chart by a command: [helm, install, …]"},
		{"deploy.helm.", "wait atomic waitForJobs", "take the key out: after the last step stratbench waits for all objects and Jobs; to wait earlier, write a step with wait"},
		{"deploy.helm.", "timeout", "write timeout beside helm, in the step"},
		{"deploy.helm.", "version repo repository", "run helm pull once, and name the archive as chart, or its URL with #sha256= and its checksum (in a registry oci://host/name:version#sha256=…)"},
		{"deploy.helm.", "dependencyUpdate", "run helm dependency build beforehand, once; nothing is fetched in a trial"},
		{"deploy.helm.", "skipCRDs skipCrds includeCRDs includeCrds", "the chart's folder crds is always applied, before anything else of it; take the key out, or install the chart by a command: [helm, install, …, --skip-crds]"},
		{"deploy.wait.", "timeout", "write timeout beside wait, in the step"},
		{"deploy.wait.", "condition", "write for: condition=NAME"},
		{"deploy.wait.", "name resource", "write object: KIND/NAME"},
	} {
		for _, key := range strings.Fields(w.keys) {
			answers[w.in+key] = w.answer
		}
	}
	return answers
}()

// asFound answers wishes in several places.
const asFound = "a rootless engine is used as it is found; start it, and write settings: {machine: {kind: host}}"

// misplaced returns what to do with an unknown key that is a setting. In a workload
// a wish comes first: the names of some settings are wishes there.
func (s schema) misplaced(location []string) string {
	key := location[0]
	setting, is := lookUp(specRules().tree, pointerTo("properties", "settings", "properties", key)).(map[string]any)
	if len(location) > 1 || !is {
		return ""
	}
	cure := fmt.Sprintf("it is a setting and can be a factor; write %s under settings, or under factors", key)
	if setting["type"] == "object" {
		cure = fmt.Sprintf("it holds settings; write %s under settings", key)
	}
	if lookUp(s.tree, "/properties/settings") != nil {
		return cure
	}
	return cmp.Or(insteadOf(location), cure+", in the experiment's spec")
}

// insteadOf returns what to do instead of an unknown key, if it is among the wishes.
func insteadOf(location []string) string {
	named := slices.DeleteFunc(slices.Clone(location), func(part string) bool {
		_, err := strconv.Atoi(part)
		return err == nil
	})
	return wishes[strings.Join(named, ".")]
}
