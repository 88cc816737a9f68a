package deploy

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/stratbench/stratbench/internal/issue"
)

// Server is what is known about a cluster before it is created.
type Server struct {
	// Minor is the minor version of its Kubernetes, 0 if that is unknown.
	Minor int
	// OtherAPIs is true if its configuration switches further APIs on.
	OtherAPIs bool
	// Volumes is true if it has a storage class "standard" that creates volumes for
	// pods that mount them.
	Volumes bool
	// Namespaces are there from the start, in addition to Kubernetes' own.
	Namespaces []string
	// Hooked is true if a hook before the end of the deployment may create or change
	// anything.
	Hooked bool
	// Nodes are its nodes, or nil if they are not known.
	Nodes []Node
	// NodePorts is true if it has Kubernetes' own range of them.
	NodePorts bool
	// CPUs and Memory are what each node has, in bytes; 0 if that is not known.
	CPUs, Memory int64
}

// Node is what is known of a node before the cluster is created.
type Node struct {
	ControlPlane bool
	// Tainted is true if pods must tolerate the taint of control planes.
	Tainted bool
	Labels  map[string]string
	// Patches are texts that may name further labels, as key=value.
	Patches []string
}

// typesMinor is the minor version of Kubernetes whose types are compiled in.
const typesMinor = 34

// strict decodes objects of Kubernetes' kinds as its API server does when they are
// applied: an unknown field is an error.
var strict = serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()

// typed is the object as its type in Go, or nil if it cannot be decoded. The error may
// be about unknown fields alone.
func (o Object) typed() (runtime.Object, error) {
	text, err := o.Unstructured.MarshalJSON()
	if err != nil {
		return nil, err
	}
	typed, _, err := strict.Decode(text, nil, nil)
	return typed, err
}

// Check checks a deployment against the cluster. It returns what is certain to be
// refused or never to become ready, and what may be. It calls waits for each step that
// would wait for something that cannot come, or may not. If whole is false, some steps
// could not be prepared, and objects that those may bring are not reported as missing.
func Check(steps []Step, whole bool, server Server, waits func(step Step, certain bool, text string)) (certain, possible []issue.Issue) {
	commanded := slices.ContainsFunc(steps, func(s Step) bool { return s.Command != nil })
	certain, possible = check(steps, whole, server, commanded || server.Hooked, waits)
	if !server.Hooked || commanded || !whole {
		return certain, possible
	}
	unhooked, possible := check(steps, whole, server, false, func(Step, bool, string) {})
	for _, i := range unhooked {
		if !slices.Contains(certain, i) {
			i.Message += "; or a hook makes it"
			possible = append(possible, i)
		}
	}
	return certain, possible
}

// check checks a deployment beside which something may, or may not, create anything.
func check(steps []Step, whole bool, server Server, anything bool, waits func(step Step, certain bool, text string)) (certain, possible []issue.Issue) {
	objects := Objects(steps)
	c := newChecker(objects, server)
	c.beside = anything || server.Hooked || !whole
	c.grants["*"] = c.grants["*"] || anything || !whole
	c.order(steps)
	if whole {
		c.waits(steps, waits)
	}
	for _, o := range objects {
		typed := c.kind(o)
		c.name(o)
		c.namespace(o)
		if typed != nil {
			each(o.Object, nil, func(value any, path []string) bool { return c.rule(o, value, path) })
			c.selects(o, typed)
			c.workload(o, typed)
			c.volumes(o, typed)
		}
	}
	c.room(objects)
	if !whole {
		return c.certain.List, nil
	}
	return c.certain.List, c.possible.List
}

// MayBringNetwork reports whether a deployment may bring a cluster's network: it has a
// DaemonSet, or something that may create one.
func MayBringNetwork(steps []Step) bool {
	c := newChecker(Objects(steps), Server{})
	return c.hasAny("DaemonSet") || c.mayBeMade("daemonsets") || slices.ContainsFunc(steps, func(s Step) bool { return s.Command != nil })
}

// checker knows what the manifests bring to the cluster.
type checker struct {
	Server
	certain, possible issue.List
	// has are the objects: "ConfigMap shop/rules".
	has map[string]bool
	// custom are the definitions of kinds among the manifests, served the API
	// groups that they bring.
	custom map[schema.GroupKind]Object
	served map[string]bool
	// pods are those of the objects, and foreign is true if there may be others: some
	// objects are of kinds that the manifests do not define, or cannot be decoded. ports
	// are those of Services.
	pods    []*pods
	foreign bool
	ports   map[string]map[string]bool
	// beside is true if something beside the objects may create others.
	beside bool
	// again are objects that are applied a second time, maybe in part.
	again map[string]bool
	// reported is what is missing and was reported.
	reported map[string]bool
	// misnamed are objects whose names are wrong, in small letters.
	misnamed map[string]bool
	// headless are the namespaces with a Service that has no address.
	headless map[string]bool
	// keys are those of the ConfigMaps and Secrets among the objects.
	keys map[string]map[string]bool
	// grants are the resources that something in the cluster may create, changes those
	// that it may change.
	grants, changes map[string]bool
	// mounted are the claims that pods mount.
	mounted map[string]bool
	// classes are the storage classes, with whether they create volumes; defaultClass is
	// that of claims without one.
	classes      map[string]bool
	defaultClass string
	// since is the number of the step that first applies an object, until that of the
	// step that waits for it to be ready.
	since, until map[string]int
}

func newChecker(objects []Object, server Server) *checker {
	c := &checker{Server: server, defaultClass: "standard", has: map[string]bool{}, custom: map[schema.GroupKind]Object{}, ports: map[string]map[string]bool{}, headless: map[string]bool{}, again: map[string]bool{}, reported: map[string]bool{}, misnamed: map[string]bool{}, served: map[string]bool{},
		keys: map[string]map[string]bool{}, grants: map[string]bool{}, changes: map[string]bool{}, mounted: map[string]bool{}, classes: map[string]bool{}, since: map[string]int{}, until: map[string]int{}}
	for _, o := range objects {
		c.again[c.key(o)] = c.has[c.key(o)]
		c.has[c.key(o)] = true
		if strings.ToLower(o.GetName()) != o.GetName() {
			c.misnamed[strings.ToLower(o.GetKind()+" "+o.GetName())] = true
		}
		switch o.GetKind() {
		case "CustomResourceDefinition":
			group, kind := o.text("spec", "group"), o.text("spec", "names", "kind")
			c.custom[schema.GroupKind{Group: group, Kind: kind}] = o
		case "APIService":
			c.served[o.text("spec", "group")] = true
		}
	}
	for _, o := range objects { // which scopes kinds have is known by now
		typed, _ := o.typed()
		_, defined := c.custom[o.GroupVersionKind().GroupKind()]
		switch {
		case typed != nil:
			c.gather(o, typed)
		case !defined && o.GroupVersionKind() != apiService:
			c.foreign = true
		}
	}
	return c
}

// gather notes what an object permits, mounts or provides.
func (c *checker) gather(o Object, typed runtime.Object) {
	switch t := typed.(type) {
	case *rbacv1.Role:
		c.grant(t.Rules)
	case *rbacv1.ClusterRole:
		c.grant(t.Rules)
	case *rbacv1.RoleBinding:
		c.grantByName(t.RoleRef)
	case *rbacv1.ClusterRoleBinding:
		c.grantByName(t.RoleRef)
	case *corev1.ConfigMap:
		c.keep(o, slices.Collect(maps.Keys(t.Data)), slices.Collect(maps.Keys(t.BinaryData)))
	case *corev1.Secret:
		if t.Type != corev1.SecretTypeServiceAccountToken { // whose keys the cluster adds
			c.keep(o, slices.Collect(maps.Keys(t.Data)), slices.Collect(maps.Keys(t.StringData)))
		}
	case *corev1.Service:
		ports := map[string]bool{}
		for _, port := range t.Spec.Ports {
			ports[cmp.Or(port.Name, strconv.Itoa(int(port.Port)))], ports[strconv.Itoa(int(port.Port))] = true, true
		}
		c.ports[c.key(o)] = ports
		c.headless[o.namespace()] = c.headless[o.namespace()] || t.Spec.ClusterIP == corev1.ClusterIPNone
	}
	if pods := podsOf(typed); pods != nil {
		pods.Namespace = o.namespace()
		c.pods = append(c.pods, pods)
		for _, v := range pods.Spec.Volumes {
			if v.PersistentVolumeClaim != nil {
				c.mounted[keyOf("PersistentVolumeClaim", o.namespace(), v.PersistentVolumeClaim.ClaimName)] = true
			}
		}
	}
	if o.GetKind() == "StorageClass" {
		c.classes[o.GetName()] = o.text("provisioner") != "kubernetes.io/no-provisioner"
		if a := o.GetAnnotations(); a["storageclass.kubernetes.io/is-default-class"] == "true" || a["storageclass.beta.kubernetes.io/is-default-class"] == "true" {
			c.defaultClass = o.GetName()
		}
	}
}

// keep notes the keys of an object, which several steps may apply.
func (c *checker) keep(o Object, keys ...[]string) {
	if c.keys[c.key(o)] == nil {
		c.keys[c.key(o)] = map[string]bool{}
	}
	for _, key := range slices.Concat(keys...) {
		c.keys[c.key(o)][key] = true
	}
}

func (c *checker) grant(rules []rbacv1.PolicyRule) {
	ofKubernetes := func(group string) bool { return !strings.Contains(group, ".") || strings.HasSuffix(group, ".k8s.io") }
	for _, rule := range rules {
		if !slices.ContainsFunc(rule.APIGroups, ofKubernetes) {
			continue // rights to a custom group bring nothing that pods need
		}
		for _, resource := range rule.Resources {
			for _, verb := range rule.Verbs {
				c.grants[resource] = c.grants[resource] || verb == "create" || verb == "*"
				c.changes[resource] = c.changes[resource] || verb == "update" || verb == "patch"
			}
		}
	}
}

func (c *checker) grantByName(role rbacv1.RoleRef) {
	if slices.Contains([]string{"cluster-admin", "admin", "edit"}, role.Name) {
		c.grants["*"] = true
	}
}

// mayBeMade reports whether something in the cluster may create one of the resources.
func (c *checker) mayBeMade(resources ...string) bool {
	return slices.ContainsFunc(append(resources, "*"), func(r string) bool { return c.grants[r] })
}

// mayBeChanged reports whether something in the cluster may change one of the resources.
func (c *checker) mayBeChanged(resources ...string) bool {
	return c.mayBeMade(resources...) || slices.ContainsFunc(append(resources, "*"), func(r string) bool { return c.changes[r] })
}

// mutated reports whether a webhook may change objects before they are checked.
func (c *checker) mutated() bool {
	return c.hasAny("MutatingWebhookConfiguration") || c.hasAny("MutatingAdmissionPolicy") || c.mayBeMade("mutatingwebhookconfigurations", "mutatingadmissionpolicies")
}

// partial reports whether an object may be applied to one that is there already, of which
// it needs to name a part only.
func (c *checker) partial(o Object) bool {
	namespace := c.namespaceOf(o)
	return c.again[c.key(o)] || c.grants["*"] || strings.HasPrefix(namespace, "kube-") || slices.Contains(c.Namespaces, namespace)
}

// order notes which step applies each object, and which one waits for it.
func (c *checker) order(steps []Step) {
	for i, s := range steps {
		for _, o := range s.Objects {
			if _, known := c.since[c.key(o)]; !known {
				c.since[c.key(o)] = i
			}
			if s.Settle {
				c.until[c.key(o)] = i
			}
		}
		if s.Wait == nil || !s.Wait.forPods() {
			continue
		}
		for _, o := range Objects(steps[:i]) {
			if _, known := c.until[c.key(o)]; !known && s.Wait.matches(c, []Object{o}) {
				c.until[c.key(o)] = i
			}
		}
	}
}

// keyOf identifies an object: "ConfigMap shop/rules".
func keyOf(kind, namespace, name string) string {
	if namespace != "" {
		name = namespace + "/" + name
	}
	return kind + " " + name
}

func (c *checker) key(o Object) string { return keyOf(o.GetKind(), c.namespaceOf(o), o.GetName()) }

// namespaceOf is an object's namespace, or "" if it has none.
func (c *checker) namespaceOf(o Object) string {
	if c.clusterWide(o) {
		return ""
	}
	return o.namespace()
}

// kind checks that the cluster knows the object's kind and all its fields, and
// returns it as that kind, or nil.
func (c *checker) kind(o Object) runtime.Object {
	gvk := o.GroupVersionKind()
	if gvk.Group == "kustomize.config.k8s.io" {
		c.bad(o, "this is a kustomization and no manifest; build it with a step of its own, under deploy: - kustomize: FOLDER", "kind")
		return nil
	}
	if !scheme.Scheme.Recognizes(gvk) {
		c.unknownKind(o, gvk)
		return nil
	}
	typed, err := o.typed()
	if typed != nil {
		c.lifecycle(o, typed)
	}
	if gvk.Kind == "CustomResourceDefinition" {
		c.definition(o)
	}
	if err == nil {
		return typed
	}
	all := []error{err}
	if several, ok := runtime.AsStrictDecodingError(err); ok {
		all = several.Errors()
	}
	for _, one := range all {
		text := one.Error()
		if m := unknownField.FindStringSubmatch(text); m != nil {
			c.say(!c.newer(), o, fmt.Sprintf("field %s is not known to Kubernetes 1.%d, which would refuse the object; correct its name or its indentation", m[1], typesMinor), keys(m[1])...)
		} else if m := wrongType.FindStringSubmatch(text); m != nil {
			c.say(!c.newer(), o, fmt.Sprintf("field %s is a %s, and Kubernetes wants %s; correct the value, or put it in quotes if it is a text", m[2], m[1], m[3]), keys(m[2])...)
		} else {
			c.say(!c.newer(), o, text+"; correct the manifest")
		}
	}
	return typed
}

var (
	unknownField = regexp.MustCompile(`^(?:unknown|duplicate) field "([^"]+)"`)
	wrongType    = regexp.MustCompile(`cannot unmarshal (\S+) into Go struct field \S*?\.(\S+) of type (\S+)`)
)

// keys splits "spec.containers[0].image" into its parts.
func keys(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
}

// apiService is a kind of every API server whose type is not compiled in. The type of
// resource definitions is, because Helm's engine needs it.
var apiService = schema.GroupVersionKind{Group: "apiregistration.k8s.io", Version: "v1", Kind: "APIService"}

// preview is found in versions of APIs that later versions of Kubernetes drop.
var preview = regexp.MustCompile(`alpha|beta`)

func (c *checker) unknownKind(o Object, gvk schema.GroupVersionKind) {
	if service := o.text("spec", "service", "name"); gvk == apiService && service != "" {
		key := "Service " + o.text("spec", "service", "namespace") + "/" + service
		if !c.has[key] && !c.mayBeMade("services") {
			c.bad(o, fmt.Sprintf("the %s is not among the manifests, and nothing there may create it, so the API never answers; correct its name, or list its file, too", key), "spec", "service", "name")
		}
	}
	definition, defined := c.custom[gvk.GroupKind()]
	if defined {
		c.instance(o, definition)
	}
	group := scheme.Scheme.IsGroupRegistered(gvk.Group)
	switch {
	case gvk == apiService || defined || c.served[gvk.Group]:
	case group && c.newer():
		c.doubtful(o, fmt.Sprintf("Kubernetes 1.%d knows no %s of %s; check that the cluster's version does", typesMinor, gvk.Kind, o.GetAPIVersion()), "kind")
	case group && c.Minor < typesMinor && preview.MatchString(gvk.Version):
		c.doubtful(o, fmt.Sprintf("Kubernetes 1.%d has no %s of %s any more; check that the cluster's 1.%d does", typesMinor, gvk.Kind, o.GetAPIVersion(), c.Minor), "kind")
	case c.mayBeMade("customresourcedefinitions"):
		c.doubtful(o, fmt.Sprintf("no %s of %s is known to the cluster, and none of the manifests defines it; stratbench waits for it, because something in the cluster may define it", gvk.Kind, o.GetAPIVersion()), "kind")
	default:
		c.bad(o, fmt.Sprintf("no %s of %s is known to the cluster, and none of the manifests defines it; list the file with its CustomResourceDefinition, too, or correct apiVersion and kind", gvk.Kind, o.GetAPIVersion()), "kind")
	}
}

// lifecycle reports API versions that the cluster no longer serves, or does not serve by
// default.
func (c *checker) lifecycle(o Object, typed runtime.Object) {
	if removed, ok := typed.(interface{ APILifecycleRemoved() (int, int) }); ok {
		if _, minor := removed.APILifecycleRemoved(); c.Minor >= minor {
			instead := "see the Kubernetes deprecation guide for what to write"
			if r, ok := typed.(interface {
				APILifecycleReplacement() schema.GroupVersionKind
			}); ok {
				instead = "write " + r.APILifecycleReplacement().GroupVersion().String()
			}
			c.bad(o, fmt.Sprintf("%s of %s has not been served since Kubernetes 1.%d, and the cluster has 1.%d; %s", o.GetKind(), o.GetAPIVersion(), minor, c.Minor, instead), "apiVersion")
			return
		}
	}
	if strings.Contains(o.GroupVersionKind().Version, "alpha") && !c.OtherAPIs {
		c.doubtful(o, fmt.Sprintf("%s is not served by default; add it to runtimeConfig in the Kind configuration", o.GetAPIVersion()), "apiVersion")
	}
}

func (c *checker) name(o Object) {
	var wrong []string
	if o.GroupVersionKind().Group == rbacv1.GroupName {
		if strings.ContainsAny(o.GetName(), "/%${}") {
			wrong = []string{"it must have none of / % $ { }"}
		}
	} else {
		wrong = validation.IsDNS1123Subdomain(o.GetName())
	}
	if len(wrong) > 0 {
		c.bad(o, fmt.Sprintf("%q cannot be the name of a %s: %s", o.GetName(), o.GetKind(), orTemplate(o.GetName(), wrong[0])), "metadata", "name")
	}
}

// orTemplate explains a wrong value that a tool should have replaced.
func orTemplate(value, otherwise string) string {
	if strings.HasPrefix(value, "ko://") {
		return "ko replaces it; write the tag of an image of the workload, or have a command replace it and apply the whole: [sh, -c, \"sed s,ko://PATH,$STRATBENCH_TAG_NAME, FILE | kubectl apply -f -\"]"
	}
	if strings.Contains(value, "$(") || strings.ContainsAny(value, "{<") {
		return "it looks like a template; nothing is replaced in manifests, so render them beforehand (with envsubst, or the tool that they are written for)"
	}
	return otherwise
}

var clusterKinds = []string{
	"Namespace", "Node", "PersistentVolume", "ClusterRole", "ClusterRoleBinding", "StorageClass", "VolumeAttributesClass", "CSIDriver", "CSINode", "VolumeAttachment",
	"PriorityClass", "RuntimeClass", "IngressClass", "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration",
	"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding",
	"CustomResourceDefinition", "APIService", "CertificateSigningRequest", "ClusterTrustBundle", "FlowSchema", "PriorityLevelConfiguration",
	"ServiceCIDR", "IPAddress", "DeviceClass", "ResourceSlice", "StorageVersion", "StorageVersionMigration", "ComponentStatus",
}

func (c *checker) clusterWide(o Object) bool {
	if definition, custom := c.custom[o.GroupVersionKind().GroupKind()]; custom {
		return definition.text("spec", "scope") == "Cluster"
	}
	return slices.Contains(clusterKinds, o.GetKind())
}

// startingNamespaces are Kubernetes' own.
var startingNamespaces = []string{"default", "kube-system", "kube-public", "kube-node-lease"}

func (c *checker) namespace(o Object) {
	namespace := cmp.Or(o.GetNamespace(), o.home)
	if c.has["Namespace "+namespace] && c.since["Namespace "+namespace] > c.since[c.key(o)] && !c.clusterWide(o) && !c.mayBeMade("namespaces") {
		c.bad(o, fmt.Sprintf("a later step creates the namespace %q; create it in this step, or in one before it", namespace), "metadata", "namespace")
	}
	_, custom := c.custom[o.GroupVersionKind().GroupKind()]
	known := scheme.Scheme.Recognizes(o.GroupVersionKind()) || custom
	if namespace == "" || !known || c.clusterWide(o) || c.has["Namespace "+namespace] || slices.Contains(c.Namespaces, namespace) || slices.Contains(startingNamespaces, namespace) {
		return
	}
	if c.mayBeMade("namespaces") {
		if doubt := "doubt about " + namespace; !c.beside && !c.reported[doubt] {
			c.doubtful(o, fmt.Sprintf("no step creates the namespace %q; stratbench waits for it, because something in the cluster may create it", namespace), "metadata", "namespace")
			c.reported[doubt] = true
		}
		return
	}
	c.once("Namespace "+namespace, o, fmt.Sprintf("nothing creates the namespace %q; list a Namespace of that name among the manifests", namespace), "metadata", "namespace")
}

// say reports what is certain to be refused or never to become ready, or what may be.
func (c *checker) say(certain bool, o Object, text string, path ...string) {
	to := &c.possible
	if certain {
		to = &c.certain
	}
	to.Add(o.File, o.Where(path...), "%s: %s", o, text)
}

func (c *checker) bad(o Object, text string, path ...string) { c.say(true, o, text, path...) }

func (c *checker) doubtful(o Object, text string, path ...string) { c.say(false, o, text, path...) }

// newer reports whether the cluster may know more than the types that are compiled in.
func (c *checker) newer() bool { return c.Minor == 0 || c.Minor > typesMinor }

// once reports at the first of several objects what they all lack.
func (c *checker) once(lack string, o Object, text string, path ...string) {
	if !c.reported[lack] {
		c.bad(o, text, path...)
	}
	c.reported[lack] = true
}

// text is the text at a path of the object, or "".
func (o Object) text(path ...string) string {
	text, _, _ := unstructured.NestedString(o.Object, path...)
	return text
}

// ofKubernetes are objects that each cluster has.
var ofKubernetes = []string{"ConfigMap kube-root-ca.crt", "ServiceAccount default", "PriorityClass system-cluster-critical", "PriorityClass system-node-critical",
	"ClusterRole cluster-admin", "ClusterRole admin", "ClusterRole edit", "ClusterRole view"}

// resourceOf is the resource of a kind: "configmaps", "priorityclasses".
func resourceOf(kind string) string {
	plural, _ := meta.UnsafeGuessKindToResource(schema.GroupVersionKind{Kind: kind})
	return plural.Resource
}

// brought reports whether an object is there, or may be, that another one names.
func (c *checker) brought(kind, key, name string) bool {
	return name == "" || c.has[key] || slices.Contains(ofKubernetes, kind+" "+name) || c.mayBeMade(resourceOf(kind))
}

// missing reports an object that a pod needs, if it is not among the manifests and
// nothing in the cluster may create it.
func (c *checker) missing(o Object, kind, name string, path ...string) {
	namespace := c.namespaceOf(o)
	if slices.Contains(clusterKinds, kind) {
		namespace = ""
	}
	key := keyOf(kind, namespace, name)
	if until, waited := c.until[c.key(o)]; waited && c.has[key] && c.since[key] > until && !c.mayBeMade(resourceOf(kind)) {
		c.bad(o, fmt.Sprintf("a step waits for it before the %s %q is applied, without which its pods never start; apply the %s earlier, or wait later", kind, name, kind), path...)
	}
	if c.brought(kind, key, name) || c.reported["Namespace "+c.namespaceOf(o)] || len(validation.IsDNS1123Subdomain(name)) == 0 && c.misnamed[strings.ToLower(kind+" "+name)] {
		return // it is there, or its namespace or name is the mistake
	}
	c.once(key, o, fmt.Sprintf("the %s %q is not among the manifests, and nothing there may create it, so the pods never start; list its file, too", kind, name), path...)
}

// lacking reports a key that a pod needs of a ConfigMap or Secret that has others, if
// nothing in the cluster may add it.
func (c *checker) lacking(o Object, kind, name string, key any, path ...string) {
	keys, known := c.keys[keyOf(kind, c.namespaceOf(o), name)]
	if text, is := key.(string); is && known && !keys[text] && !c.mayBeChanged(resourceOf(kind)) {
		c.bad(o, fmt.Sprintf("the %s %q has no key %q, so the pods never start; %s", kind, name, text, hasOnly(keys)), path...)
	}
}

func hasOnly(keys map[string]bool) string {
	const shown = 12
	all := slices.Sorted(maps.Keys(keys))
	switch {
	case len(all) == 0:
		return "it has none; add it"
	case len(all) > shown:
		return fmt.Sprintf("correct it, or add it: there are %s and %d others", strings.Join(all[:shown], ", "), len(all)-shown)
	}
	return "correct it, or add it: there are " + strings.Join(all, ", ")
}

// needs are parts of pods that name an object without which no pod starts: its kind, and
// the key of its name.
var needs = map[string][2]string{
	"volumes.configMap": {"ConfigMap", "name"}, "volumes.secret": {"Secret", "secretName"}, "volumes.persistentVolumeClaim": {"PersistentVolumeClaim", "claimName"},
	"sources.configMap": {"ConfigMap", "name"}, "sources.secret": {"Secret", "name"}, "envFrom.configMapRef": {"ConfigMap", "name"}, "envFrom.secretRef": {"Secret", "name"},
	"valueFrom.configMapKeyRef": {"ConfigMap", "name"}, "valueFrom.secretKeyRef": {"Secret", "name"},
}

// references checks that there is what pods need, and the keys of it that they name.
func (c *checker) references(o Object, p *pods) {
	c.missing(o, "ServiceAccount", cmp.Or(p.Spec.ServiceAccountName, p.Spec.DeprecatedServiceAccount), below(p.at, "serviceAccountName")...)
	c.missing(o, "PriorityClass", p.Spec.PriorityClassName, below(p.at, "priorityClassName")...)
	if class := p.Spec.RuntimeClassName; class != nil {
		c.missing(o, "RuntimeClass", *class, below(p.at, "runtimeClassName")...)
	}
	spec, _, _ := unstructured.NestedFieldNoCopy(o.Object, p.at...)
	each(spec, p.at, func(value any, path []string) bool {
		need, is := of("", needs, path)
		v, _ := value.(map[string]any)
		if !is || v["optional"] == true {
			return true
		}
		kind := need[0]
		name, _ := v[need[1]].(string)
		c.missing(o, kind, name, below(path, need[1])...)
		items, _ := v["items"].([]any)
		for i, item := range items {
			item, _ := item.(map[string]any)
			c.lacking(o, kind, name, item["key"], below(path, "items", strconv.Itoa(i), "key")...)
		}
		c.lacking(o, kind, name, v["key"], below(path, "key")...)
		return false
	})
}
