package deploy

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/stratbench/stratbench/internal/issue"
)

// choices are the values of fields that have few, by the field's key or by its parent's
// and its own. The API server refuses any other, and its own check is no library.
var choices = map[string][]string{
	"imagePullPolicy":          {"Always", "IfNotPresent", "Never"},
	"dnsPolicy":                {"ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"},
	"restartPolicy":            {"Always", "OnFailure", "Never"},
	"terminationMessagePolicy": {"File", "FallbackToLogsOnError"},
	"mountPropagation":         {"None", "HostToContainer", "Bidirectional"},
	"protocol":                 {"TCP", "UDP", "SCTP"},
	"pathType":                 {"Prefix", "Exact", "ImplementationSpecific"},
	"policyTypes":              {"Ingress", "Egress"},
	"accessModes":              {"ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"},
	"volumeMode":               {"Filesystem", "Block"},
	"volumeBindingMode":        {"Immediate", "WaitForFirstConsumer"},
	"reclaimPolicy":            {"Delete", "Retain"},
	"concurrencyPolicy":        {"Allow", "Forbid", "Replace"},
	"completionMode":           {"NonIndexed", "Indexed"},
	"podManagementPolicy":      {"OrderedReady", "Parallel"},
	"whenUnsatisfiable":        {"DoNotSchedule", "ScheduleAnyway"},
	"externalTrafficPolicy":    {"Cluster", "Local"},
	"sessionAffinity":          {"None", "ClientIP"},
	"matchPolicy":              {"Exact", "Equivalent"},
	"sideEffects":              {"None", "NoneOnDryRun", "Some", "Unknown"},
	"webhooks.failurePolicy":   {"Fail", "Ignore"},
	"rules.operations":         {"CREATE", "UPDATE", "DELETE", "CONNECT", "*"},
	"Service.spec.type":        {"ClusterIP", "NodePort", "LoadBalancer", "ExternalName"},
	"strategy.type":            {"RollingUpdate", "Recreate"},
	"updateStrategy.type":      {"RollingUpdate", "OnDelete"},
	"hostPath.type":            {"Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket", "CharDevice", "BlockDevice"},
	"emptyDir.medium":          {"Memory", "HugePages"},
	"seccompProfile.type":      {"RuntimeDefault", "Unconfined", "Localhost"},
	"tolerations.operator":     {"Exists", "Equal", "Lt", "Gt"},
	"tolerations.effect":       {"NoSchedule", "PreferNoSchedule", "NoExecute"},
	"matchExpressions.operator": {
		"In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"},
	"fieldRef.fieldPath": {"spec.host", "metadata.name", "metadata.namespace", "metadata.uid", "metadata.labels", "metadata.annotations",
		"spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"},
	"CustomResourceDefinition.spec.scope": {"Namespaced", "Cluster"},
	"roleRef.apiGroup":                    {"rbac.authorization.k8s.io"},
	"roleRef.kind":                        {"Role", "ClusterRole"},
}

// wanted are keys without which the API server refuses a mapping, by where it is, in
// stable versions of APIs.
var wanted = map[string][]string{
	"containers": {"name"}, "initContainers": {"name"}, "containers.env": {"name"}, "initContainers.env": {"name"},
	"containers.ports": {"containerPort"}, "containers.volumeMounts": {"name", "mountPath"}, "initContainers.volumeMounts": {"name", "mountPath"},
	"valueFrom.configMapKeyRef": {"key"}, "valueFrom.secretKeyRef": {"key"}, "configMap.items": {"key", "path"}, "secret.items": {"key", "path"},
	"Service.spec.ports": {"port"}, "http.paths": {"pathType", "backend"}, "RoleBinding.subjects": {"kind", "name"}, "ClusterRoleBinding.subjects": {"kind", "name"}, "roleRef": {"kind", "name"}, "scaleTargetRef": {"kind", "name"},
	"webhooks": {"name", "sideEffects", "admissionReviewVersions", "clientConfig"}, "PersistentVolumeClaim.spec": {"accessModes", "resources"}, "HorizontalPodAutoscaler.spec": {"maxReplicas", "scaleTargetRef"},
}

// rivals are keys of which a mapping may have one.
var rivals = map[string][2]string{
	"env": {"value", "valueFrom"}, "PodDisruptionBudget.spec": {"minAvailable", "maxUnavailable"},
	"valueFrom": {"configMapKeyRef", "secretKeyRef"}, "spec.volumes": {"configMap", "secret"},
}

// unique are lists whose elements must differ in these keys. When such a list is applied,
// the server merges it by them and refuses a second one.
var unique = map[string][]string{
	"containers": {"name"}, "initContainers": {"name"}, "spec.volumes": {"name"}, "volumeMounts": {"mountPath"}, "env": {"name"},
	"containers.ports": {"name"}, "Service.spec.ports": {"name"}, "webhooks": {"name"},
}

// names are texts that have rules of their own.
var names = map[string]func(string) []string{
	"containers.ports.name": validation.IsValidPortName, "httpGet.port": validation.IsValidPortName, "tcpSocket.port": validation.IsValidPortName, "targetPort": validation.IsValidPortName,
	"containers.name": validation.IsDNS1123Label, "initContainers.name": validation.IsDNS1123Label, "spec.volumes.name": validation.IsDNS1123Label,
}

// asks are what a probe can do.
var asks = []string{"exec", "httpGet", "tcpSocket", "grpc"}

// free are mappings whose keys are the user's, or to which these rules do not apply.
var free = []string{"data", "stringData", "binaryData", "annotations", "openAPIV3Schema", "parameters", "status", "managedFields"}

// of finds what is known of the place that a path leads to.
func of[T any](kind string, table map[string]T, path []string) (known T, is bool) {
	names := []string{kind}
	for _, key := range path {
		if _, err := strconv.Atoi(key); err != nil {
			names = append(names, key)
		}
	}
	for n := min(3, len(names)); n > 0 && !is; n-- {
		known, is = table[strings.Join(names[len(names)-n:], ".")]
	}
	return known, is
}

// each visits a value and all below it, in the order of their keys, unless a visit returns
// false.
func each(value any, path []string, visit func(value any, path []string) (deeper bool)) {
	if !visit(value, path) {
		return
	}
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			each(v[key], below(path, key), visit)
		}
	case []any:
		for i, one := range v {
			each(one, below(path, strconv.Itoa(i)), visit)
		}
	}
}

// rule checks one value of an object as the API server does, and reports whether those
// below it are to be checked.
func (c *checker) rule(o Object, value any, path []string) bool {
	kind, last := o.GetKind(), ""
	if len(path) > 0 {
		last = path[len(path)-1]
	}
	switch v := whole(value).(type) {
	case map[string]any:
		if slices.Contains(free, last) {
			return false
		}
		if slices.Contains([]string{"labels", "matchLabels", "nodeSelector"}, last) {
			c.labels(o, v, path)
			return false
		}
		c.refers(o, v, path)
		if keys, is := of(kind, wanted, path); is && !c.partial(o) && !preview.MatchString(o.GroupVersionKind().Version) {
			for _, key := range keys {
				if v[key] == nil {
					c.bad(o, fmt.Sprintf("%s is missing in %s, and the API server refuses the object; write it", key, strings.Join(path, ".")), path...)
				}
			}
		}
		if strings.HasSuffix(last, "Probe") && !slices.ContainsFunc(asks, func(how string) bool { return v[how] != nil }) {
			c.bad(o, last+" asks nothing; give it one of "+strings.Join(asks, ", "), path...)
		}
		if keys, is := of(kind, rivals, path); is && v[keys[0]] != nil && v[keys[0]] != "" && v[keys[1]] != nil {
			c.bad(o, fmt.Sprintf("it has both %s and %s, and the API server refuses the object; keep one", keys[0], keys[1]), path...)
		}
		from, least := whole(v["minReplicas"]).(int64)
		if to, is := whole(v["maxReplicas"]).(int64); is && least && to < from && kind == "HorizontalPodAutoscaler" {
			c.bad(o, fmt.Sprintf("maxReplicas %d is less than minReplicas %d; correct one", to, from), append(path, "maxReplicas")...)
		}
		init, both := v["initContainers"].([]any)
		if main, is := v["containers"].([]any); is && both {
			c.differ(o, slices.Concat(main, init), "name", path)
		}
		if text, is := v["schedule"].(string); is && kind == "CronJob" && !strings.ContainsAny(text, "@=") && len(strings.Fields(text)) != 5 {
			c.bad(o, fmt.Sprintf("schedule %q has %d parts, and five are wanted: minute, hour, day, month, weekday", text, len(strings.Fields(text))), append(path, "schedule")...)
		}
	case []any:
		if keys, is := of(kind, unique, path); is {
			c.differ(o, v, keys[0], path)
		}
		if kind == "Service" && last == "ports" && len(v) > 1 {
			for i, port := range v {
				if p, is := port.(map[string]any); is && p["name"] == nil {
					c.bad(o, "it has several ports, and each needs a name; write one", append(path, strconv.Itoa(i))...)
				}
			}
		}
	case string:
		if v == "" {
			return false // the API server treats it as absent, or requires it in the mapping above
		}
		c.choice(o, v, path)
		if valid, is := of(kind, names, path); is && len(valid(v)) > 0 {
			c.bad(o, fmt.Sprintf("%q cannot be this name: %s; write another", v, valid(v)[0]), path...)
		}
	case int64:
		from, to := int64(1), int64(65535)
		if last == "nodePort" {
			from, to = 30000, 32767
		}
		if slices.Contains([]string{"containerPort", "hostPort", "nodePort", "port", "targetPort"}, last) && v != 0 && (v < from || v > to) && (last != "nodePort" || c.NodePorts) {
			c.bad(o, fmt.Sprintf("%s %d is not from %d to %d; choose one that is", last, v, from, to), path...)
		}
	}
	return true
}

// whole turns a number without a fraction, as files may have it, into an integer.
func whole(value any) any {
	if f, is := value.(float64); is && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return int64(f)
	}
	return value
}

// choice checks a field that has few values. A newer cluster may know more.
func (c *checker) choice(o Object, value string, path []string) {
	known, is := of(o.GetKind(), choices, path)
	if !is || slices.Contains(known, value) || strings.Contains(value, "[") || strings.HasPrefix(value, "HugePages-") {
		return
	}
	cure := "write one of " + strings.Join(known, ", ")
	if near := issue.Nearest(value, known); near != "" {
		cure = "did you mean " + near + "?"
	}
	c.say(!c.newer(), o, fmt.Sprintf("%q is no value of %s; %s", value, path[len(path)-1], cure), path...)
}

func (c *checker) labels(o Object, labels map[string]any, path []string) {
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		text, _ := labels[key].(string)
		if problems := append(validation.IsQualifiedName(key), validation.IsValidLabelValue(text)...); len(problems) > 0 {
			c.bad(o, fmt.Sprintf("the label %s: %q cannot be used: %s", key, text, orTemplate(key+text, problems[0]+"; write another")), append(path, key)...)
		}
	}
}

func (c *checker) differ(o Object, list []any, key string, path []string) {
	seen := map[any]bool{}
	for i, one := range list {
		element, _ := one.(map[string]any)
		value, is := element[key].(string)
		if is && value != "" && seen[value] {
			c.bad(o, fmt.Sprintf("%s %q is there a second time in %s, and the API server refuses the object; take one out, or give it another", key, value, strings.Join(path, ".")), append(path, strconv.Itoa(i), key)...)
		}
		seen[value] = true
	}
}

// definition checks a definition of custom resources.
func (c *checker) definition(o Object) {
	if len(o.versions()) == 0 {
		return
	}
	if want := o.text("spec", "names", "plural") + "." + o.text("spec", "group"); o.GetName() != want {
		c.bad(o, fmt.Sprintf("its name must be %s, of its plural and its group; make them the same", want), "metadata", "name")
	}
	if stored := slices.DeleteFunc(o.versions(), func(v map[string]any) bool { return v["storage"] != true }); len(stored) != 1 {
		c.bad(o, fmt.Sprintf("%d of its versions have storage: true, and exactly one must", len(stored)), "spec", "versions")
	}
}

// versions are those of a definition of custom resources.
func (o Object) versions() (all []map[string]any) {
	spec, _ := o.Object["spec"].(map[string]any)
	list, _ := spec["versions"].([]any)
	for _, v := range list {
		if version, is := v.(map[string]any); is {
			all = append(all, version)
		}
	}
	return all
}

// instance checks an object by the manifests' definition of its kind. What the server adds
// to metadata and status does not matter.
func (c *checker) instance(o Object, definition Object) {
	var served []string
	spec, _ := definition.Object["spec"].(map[string]any)
	if len(definition.versions()) == 0 || c.again[c.key(definition)] || spec["preserveUnknownFields"] == true || preview.MatchString(definition.GroupVersionKind().Version) {
		return
	}
	for _, v := range definition.versions() {
		name, _ := v["name"].(string)
		if v["served"] != true {
			continue
		}
		served = append(served, name)
		if name != o.GroupVersionKind().Version {
			continue
		}
		outer, _ := v["schema"].(map[string]any)
		schema, _ := outer["openAPIV3Schema"].(map[string]any)
		properties, _ := schema["properties"].(map[string]any)
		if schema["x-kubernetes-preserve-unknown-fields"] == true && properties == nil {
			return
		}
		for _, key := range slices.Sorted(maps.Keys(o.Object)) {
			if part, is := properties[key].(map[string]any); is && key != "metadata" && key != "status" {
				c.fits(o, o.Object[key], part, []string{key})
			}
		}
		return
	}
	c.misfit(o, fmt.Sprintf("its definition serves no version %s; write one of %s", o.GroupVersionKind().Version, strings.Join(served, ", ")), "apiVersion")
}

// misfit reports what does not fit a definition. An operator may change the definition, or
// the object before it is checked.
func (c *checker) misfit(o Object, text string, path ...string) {
	c.say(!c.mutated() && !c.mayBeChanged("customresourcedefinitions"), o, text, path...)
}

// fits checks a part of an object by its schema.
func (c *checker) fits(o Object, value any, schema map[string]any, path []string) {
	at, kind := strings.Join(path, "."), fmt.Sprint(schema["type"])
	if value == nil || schema["x-kubernetes-int-or-string"] == true || schema["x-kubernetes-embedded-resource"] == true {
		return
	}
	is := map[string]bool{"<nil>": true}
	switch v := whole(value).(type) {
	case map[string]any:
		is["object"] = true
		properties, closed := schema["properties"].(map[string]any)
		if closed = closed && schema["x-kubernetes-preserve-unknown-fields"] != true && schema["additionalProperties"] == nil; schema["additionalProperties"] != nil {
			properties = nil
		}
		required, _ := schema["required"].([]any)
		for _, key := range required {
			part, _ := properties[fmt.Sprint(key)].(map[string]any)
			if _, given := v[fmt.Sprint(key)]; !given && part["default"] == nil {
				c.misfit(o, fmt.Sprintf("%s.%v is missing, and its definition requires it; write it", at, key), path...)
			}
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			here := below(path, key)
			if part, known := properties[key].(map[string]any); known {
				c.fits(o, v[key], part, here)
			} else if closed {
				cure := "correct its name or its indentation"
				if near := issue.Nearest(key, slices.Sorted(maps.Keys(properties))); near != "" {
					cure = "did you mean " + near + "?"
				}
				c.misfit(o, fmt.Sprintf("field %s.%s is not in the definition of its kind, and the API server refuses it; %s", at, key, cure), here...)
			}
		}
	case []any:
		is["array"] = true
		items, _ := schema["items"].(map[string]any)
		for i, one := range v {
			c.fits(o, one, items, below(path, strconv.Itoa(i)))
		}
	case string:
		is["string"] = true
	case bool:
		is["boolean"] = true
	case int64:
		is["integer"], is["number"] = true, true
	case float64:
		is["number"] = true
	}
	if !is[kind] {
		c.misfit(o, fmt.Sprintf("%s is %v, and its definition wants the type %s; correct the value", at, value, kind), path...)
	} else if allowed, has := schema["enum"].([]any); has && !slices.ContainsFunc(allowed, func(a any) bool { return fmt.Sprint(a) == fmt.Sprint(value) }) {
		c.misfit(o, fmt.Sprintf("%s is %v, and its definition allows %v; write one of them", at, value, allowed), path...)
	}
}
