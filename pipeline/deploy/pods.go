package deploy

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/distribution/reference"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/issue"
)

// pods are the pods that an object creates, or is.
type pods struct {
	metav1.ObjectMeta
	Spec corev1.PodSpec
	at   []string
	// replicas is how many there are, unless that depends on the nodes; 0 if the object is
	// ready without any.
	replicas int64
	// selector is nil if the object finds its pods without one.
	selector *metav1.LabelSelector
}

func podsOf(typed runtime.Object) *pods {
	of := func(t corev1.PodTemplateSpec, replicas *int32, s *metav1.LabelSelector) *pods {
		if replicas == nil {
			replicas = new(int32(1))
		}
		return &pods{t.ObjectMeta, t.Spec, []string{"spec", "template", "spec"}, int64(*replicas), cmp.Or(s, &metav1.LabelSelector{})}
	}
	switch t := typed.(type) {
	case *corev1.Pod:
		return &pods{t.ObjectMeta, t.Spec, []string{"spec"}, 1, nil}
	case *appsv1.Deployment:
		return of(t.Spec.Template, t.Spec.Replicas, t.Spec.Selector)
	case *appsv1.StatefulSet:
		return of(t.Spec.Template, t.Spec.Replicas, t.Spec.Selector)
	case *appsv1.DaemonSet:
		return of(t.Spec.Template, nil, t.Spec.Selector)
	case *appsv1.ReplicaSet:
		return of(t.Spec.Template, t.Spec.Replicas, t.Spec.Selector)
	case *batchv1.Job:
		p := &pods{t.Spec.Template.ObjectMeta, t.Spec.Template.Spec, []string{"spec", "template", "spec"}, 1, nil}
		if t.Spec.Suspend != nil && *t.Spec.Suspend {
			p.replicas = 0
		}
		return p
	case *batchv1.CronJob:
		template := t.Spec.JobTemplate.Spec.Template
		return &pods{template.ObjectMeta, template.Spec, []string{"spec", "jobTemplate", "spec", "template", "spec"}, 0, nil}
	}
	return nil
}

// container is a container and its path in its object.
type container struct {
	corev1.Container
	init bool
	at   []string
}

func (p *pods) containers() (all []container) {
	for i, c := range p.Spec.InitContainers {
		all = append(all, container{c, true, below(p.at, "initContainers", strconv.Itoa(i))})
	}
	for i, c := range p.Spec.Containers {
		all = append(all, container{c, false, below(p.at, "containers", strconv.Itoa(i))})
	}
	return all
}

// workload checks an object that creates pods.
func (c *checker) workload(o Object, typed runtime.Object) {
	p := podsOf(typed)
	if p == nil {
		return
	}
	if p.selector != nil {
		c.selector(o, p)
	}
	if len(p.Spec.Containers) == 0 {
		c.bad(o, "it has no containers; write at least one", p.at...)
	}
	always := p.Spec.RestartPolicy == "" || p.Spec.RestartPolicy == corev1.RestartPolicyAlways
	switch o.GetKind() {
	case "Job", "CronJob":
		if always {
			c.bad(o, "a Job's pods need restartPolicy: Never or OnFailure; write one of them", p.at...)
		}
	case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet":
		if !always {
			c.bad(o, fmt.Sprintf("the pods of a %s are always started again, and the API server refuses any other restartPolicy; take it out, or write a Job", o.GetKind()), below(p.at, "restartPolicy")...)
		}
	}
	var volumes []string
	for _, v := range p.Spec.Volumes {
		volumes = append(volumes, v.Name)
	}
	if set, is := typed.(*appsv1.StatefulSet); is {
		for _, claim := range set.Spec.VolumeClaimTemplates {
			volumes = append(volumes, claim.Name)
		}
	}
	for _, container := range p.containers() {
		c.container(o, p, container, volumes)
	}
	if p.replicas != 0 {
		c.references(o, p)
		c.nodes(o, p)
	}
}

// unreplaced is a variable as tools such as envsubst replace it, and Kubernetes does not.
var unreplaced = regexp.MustCompile(`\$\{[A-Z][A-Z0-9_]*(?::?[-=][^}]*)?\}`)

// arguments warns of variables that stay as they are, unless a shell reads them.
func (c *checker) arguments(o Object, container container) {
	if slices.ContainsFunc(slices.Concat(container.Command, container.Args), func(arg string) bool {
		return strings.ContainsAny(arg, "\n") || strings.HasPrefix(arg, "-") && !strings.HasPrefix(arg, "--") && strings.HasSuffix(arg, "c")
	}) {
		return
	}
	for i, arg := range container.Args {
		if found := unreplaced.FindString(arg); found != "" {
			c.doubtful(o, fmt.Sprintf("container %s gets %s as it stands, because Kubernetes replaces only $(NAME); if a tool such as envsubst replaces it, let a command do so: [sh, -c, \"kustomize build DIR | envsubst | kubectl apply -f -\"]", container.Name, found), below(container.at, "args", strconv.Itoa(i))...)
		}
	}
}

// container checks that the parts of a container fit each other and its pod, which has
// these volumes.
func (c *checker) container(o Object, p *pods, container container, volumes []string) {
	if _, err := reference.ParseNormalizedNamed(container.Image); err != nil {
		c.bad(o, fmt.Sprintf("container %s: %q is no image: %s", container.Name, container.Image,
			orTemplate(container.Image, "write its name with registry and tag")), below(container.at, "image")...)
	}
	c.arguments(o, container)
	for name, request := range container.Resources.Requests {
		if limit, is := container.Resources.Limits[name]; is && request.Cmp(limit) > 0 {
			c.bad(o, fmt.Sprintf("container %s requests %s of %s, which is more than its limit %s; raise the limit, or lower the request", container.Name, &request, name, &limit), below(container.at, "resources", "requests", string(name))...)
		}
	}
	for key, probe := range map[string]*corev1.Probe{"readinessProbe": container.ReadinessProbe, "livenessProbe": container.LivenessProbe, "startupProbe": container.StartupProbe} {
		how, port := "httpGet", intstr.IntOrString{}
		switch {
		case probe == nil:
		case probe.HTTPGet != nil:
			port = probe.HTTPGet.Port
		case probe.TCPSocket != nil:
			how, port = "tcpSocket", probe.TCPSocket.Port
		}
		if port.Type == intstr.String && !slices.ContainsFunc(container.Ports, func(p corev1.ContainerPort) bool { return p.Name == port.StrVal }) {
			certain, so := false, "it never succeeds"
			if key != "livenessProbe" && p.replicas != 0 && !c.mutated() && slices.Contains([]string{"Deployment", "StatefulSet"}, o.GetKind()) {
				certain, so = true, "the pods never become ready"
			}
			c.say(certain, o, fmt.Sprintf("%s asks the port %q, and container %s has no port of that name, so %s; correct it, or give a port this name", key, port.StrVal, container.Name, so), below(container.at, key, how, "port")...)
		}
	}
	for i, mount := range container.VolumeMounts {
		if !slices.Contains(volumes, mount.Name) { // a webhook may add it
			c.say(!c.mutated(), o, fmt.Sprintf("container %s mounts %q, and the pod has no volume of that name; correct it, or add the volume", container.Name, mount.Name),
				below(container.at, "volumeMounts", strconv.Itoa(i), "name")...)
		}
	}
}

// nodes checks that the pods fit on the nodes. A DaemonSet is ready without a node, and
// the manifests may have nodes of their own.
func (c *checker) nodes(o Object, p *pods) {
	if len(c.Nodes) == 0 || o.GetKind() == "DaemonSet" || c.hasAny("Node") || c.mayBeChanged("nodes") || c.mutated() ||
		p.Spec.NodeName != "" || p.Spec.SchedulerName != "" && p.Spec.SchedulerName != corev1.DefaultSchedulerName {
		return
	}
	labelled := slices.DeleteFunc(slices.Clone(c.Nodes), func(n Node) bool { return !n.has(p.Spec.NodeSelector) })
	near := slices.DeleteFunc(slices.Clone(labelled), func(n Node) bool { return !n.meets(p.Spec.Affinity) })
	fit := slices.DeleteFunc(slices.Clone(near), func(n Node) bool { return n.Tainted && !tolerates(p.Spec.Tolerations) })
	why := ""
	for _, container := range p.Spec.Containers {
		for _, port := range container.Ports {
			if port.HostPort > 0 {
				why = fmt.Sprintf("each of its pods takes the port %d of its node (hostPort)", port.HostPort)
			}
		}
	}
	if a := p.Spec.Affinity; a != nil && a.PodAntiAffinity != nil {
		for _, term := range a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution {
			if selector, err := metav1.LabelSelectorAsSelector(term.LabelSelector); err == nil && term.TopologyKey == corev1.LabelHostname && len(term.Namespaces) == 0 && term.NamespaceSelector == nil && selector.Matches(labels.Set(p.Labels)) {
				why = "its podAntiAffinity keeps each of its pods on a node of its own"
			}
		}
	}
	switch {
	case len(labelled) == 0:
		c.bad(o, fmt.Sprintf("no node has the labels of its nodeSelector (%s), so the pods are never scheduled; correct it, or write them under labels of a node in the Kind configuration", labels.Set(p.Spec.NodeSelector)), below(p.at, "nodeSelector")...)
	case len(near) == 0:
		c.bad(o, "no node has the labels that its nodeAffinity requires, so the pods are never scheduled; correct it, or write them under labels of a node in the Kind configuration", below(p.at, "affinity", "nodeAffinity")...)
	case len(fit) == 0:
		c.bad(o, "only control planes have the labels that it wants, and beside workers they have the taint node-role.kubernetes.io/control-plane, so the pods are never scheduled; add the toleration {key: node-role.kubernetes.io/control-plane, operator: Exists}, or label a worker", p.at...)
	case why != "" && int(p.replicas) > len(fit):
		c.bad(o, fmt.Sprintf("%s, and %d replicas find only %d such nodes; lower replicas, or add nodes to the Kind configuration", why, p.replicas, len(fit)), "spec", "replicas")
	}
}

// room warns of pods that together request more than the nodes have. Each node of Kind has
// all that its host has, less what its own pods request where others may run beside them.
func (c *checker) room(objects []Object) {
	nodes := int64(len(slices.DeleteFunc(slices.Clone(c.Nodes), func(n Node) bool { return n.Tainted })))
	if nodes == 0 || c.hasAny("Node") {
		return
	}
	for _, of := range []struct {
		name      corev1.ResourceName
		each, own resource.Quantity
	}{
		{corev1.ResourceCPU, *resource.NewQuantity(c.CPUs, resource.DecimalSI), resource.MustParse("950m")},
		{corev1.ResourceMemory, *resource.NewQuantity(c.Memory, resource.BinarySI), resource.MustParse("290Mi")},
	} {
		have, wanted, seen := of.each, resource.Quantity{}, map[string]bool{}
		have.Mul(nodes)
		if len(c.Nodes) == int(nodes) {
			have.Sub(of.own)
		}
		for _, o := range objects {
			typed, _ := o.typed()
			p := podsOf(typed)
			if of.each.IsZero() || p == nil || p.replicas == 0 || o.GetKind() == "Job" || seen[c.key(o)] { // a Job's pods end
				continue
			}
			seen[c.key(o)] = true
			each, count := resource.Quantity{}, p.replicas
			for _, container := range p.Spec.Containers {
				request, is := container.Resources.Requests[of.name]
				if !is {
					request = container.Resources.Limits[of.name] // which is the request then
				}
				each.Add(request)
			}
			if o.GetKind() == "DaemonSet" {
				count = nodes
			}
			each.Mul(count)
			if wanted.Add(each); wanted.Cmp(have) > 0 {
				c.doubtful(o, fmt.Sprintf("with this one, pods request %s of %s, and the nodes have %s for them, so some may never be scheduled; lower requests or replicas, or give the engine more", &wanted, of.name, &have), p.at...)
				break
			}
		}
	}
}

func (n Node) has(wanted map[string]string) bool {
	for key, value := range wanted {
		if !n.may(key, value) {
			return false
		}
	}
	return true
}

// meets reports whether the node may have what an affinity requires of its labels.
func (n Node) meets(a *corev1.Affinity) bool {
	if a == nil || a.NodeAffinity == nil || a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return true
	}
	return slices.ContainsFunc(a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms, func(term corev1.NodeSelectorTerm) bool {
		return !slices.ContainsFunc(term.MatchExpressions, func(r corev1.NodeSelectorRequirement) bool {
			return r.Operator == corev1.NodeSelectorOpIn && !slices.ContainsFunc(r.Values, func(value string) bool { return n.may(r.Key, value) })
		})
	})
}

// tolerates reports whether pods may run beside the taint of control planes.
func tolerates(all []corev1.Toleration) bool {
	return slices.ContainsFunc(all, func(t corev1.Toleration) bool {
		return (t.Effect == "" || t.Effect == corev1.TaintEffectNoSchedule) && (t.Key == "" || slices.Contains(ofControlPlane, t.Key))
	})
}

// ofControlPlane are labels without a value that kubeadm gives to control planes; of
// older versions of Kubernetes, too.
var ofControlPlane = []string{"node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master", "node.kubernetes.io/exclude-from-external-load-balancers"}

// may reports whether the node may have a label. Kubernetes itself gives it some.
func (n Node) may(key, value string) bool {
	switch own, is := n.Labels[key]; {
	case is:
		return own == value
	case strings.HasPrefix(key, "kubernetes.io/"), strings.HasPrefix(key, "beta.kubernetes.io/"):
		return key != corev1.LabelOSStable || value == string(corev1.Linux)
	case n.ControlPlane && value == "" && slices.Contains(ofControlPlane, key):
		return true
	}
	return slices.ContainsFunc(n.Patches, func(patch string) bool { return strings.Contains(patch, key+"="+value) })
}

func (c *checker) selector(o Object, p *pods) {
	selector, err := metav1.LabelSelectorAsSelector(p.selector)
	switch {
	case err != nil:
		c.bad(o, "its selector is wrong: "+err.Error()+"; correct it", "spec", "selector")
	case len(p.selector.MatchLabels)+len(p.selector.MatchExpressions) == 0:
		c.bad(o, "it has no selector; write spec.selector.matchLabels with labels of its template", "spec")
	case !selector.Matches(labels.Set(p.Labels)):
		c.bad(o, fmt.Sprintf("its selector %s does not match the labels of its own template; make them the same", selector), "spec", "selector")
	}
}

// volumes checks claims, which are ready once they are bound.
func (c *checker) volumes(o Object, typed runtime.Object) {
	switch t := typed.(type) {
	case *storagev1.StorageClass:
		if t.Name == "standard" && t.Provisioner != "rancher.io/local-path" && c.Volumes && !c.beside {
			c.doubtful(o, "Kind's cluster has a class of this name already, and the API server refuses another provisioner for it; give this one another name, or delete Kind's first (hooks: {cluster: {after: [kubectl, delete, storageclass, standard]}})", "provisioner")
		}
	case *corev1.PersistentVolumeClaim:
		c.claim(o, t.Spec, c.mounted[c.key(o)], "spec")
	case *appsv1.StatefulSet:
		if podsOf(t).replicas != 0 {
			for i, claim := range t.Spec.VolumeClaimTemplates {
				c.claim(o, claim.Spec, true, "spec", "volumeClaimTemplates", strconv.Itoa(i), "spec")
			}
		}
	}
}

func (c *checker) claim(o Object, spec corev1.PersistentVolumeClaimSpec, mounted bool, path ...string) {
	class := c.defaultClass
	if spec.StorageClassName != nil {
		class = *spec.StorageClassName
	}
	own, brought := c.classes[class]
	switch {
	case class != "standard" && class != "" && !brought && spec.VolumeName == "" && !c.hasAny("PersistentVolume") && c.mayBeMade("persistentvolumes") && !c.mayBeMade("storageclasses"):
		c.doubtful(o, fmt.Sprintf("nothing brings the storage class %q, without which nothing creates a volume for the claim; correct its name, or list its file, too", class), append(path, "storageClassName")...)
	case spec.VolumeName != "" || c.hasAny("PersistentVolume") || c.mayBeMade("persistentvolumes"):
		// There may be a volume for it.
	case class == "standard" && !brought && c.Volumes && slices.ContainsFunc(spec.AccessModes, func(m corev1.PersistentVolumeAccessMode) bool {
		return m == corev1.ReadWriteMany || m == corev1.ReadOnlyMany
	}):
		c.bad(o, fmt.Sprintf("the claim is never bound, because Kind's class standard makes no volumes with %v; write ReadWriteOnce", spec.AccessModes), below(path, "accessModes")...)
	case brought && own || slices.Contains(slices.Collect(maps.Values(c.classes)), true):
		// There may be something that creates volumes.
	case !c.Volumes:
		c.bad(o, "the claim is never bound, because the lab's cluster makes no volumes; list a PersistentVolume (hostPath) among the manifests, use emptyDir, or use a running engine (machine: {kind: host} under settings)", path...)
	case class != "standard" && !brought && !c.mayBeMade("storageclasses"):
		c.bad(o, fmt.Sprintf("the claim is never bound, because nothing brings the storage class %q; Kind's own is standard, so take storageClassName out", class), below(path, "storageClassName")...)
	case !mounted && class == "standard" && !c.foreign && !c.mountsAnother(o) && !c.mayBeMade("pods", "deployments", "statefulsets", "daemonsets", "jobs", "replicasets"):
		c.bad(o, "the claim is never bound, because no pod of the manifests mounts it and the class standard waits for one; take it out, or let the test create it", path...)
	}
}

// mountsAnother reports whether pods mount a claim that is not there: then that claim's
// name is wrong, rather than this claim, which no pod mounts.
func (c *checker) mountsAnother(o Object) bool {
	for claim := range c.mounted {
		beside := strings.HasPrefix(claim, "PersistentVolumeClaim "+o.namespace()+"/")
		if beside && !c.has[claim] || !beside && strings.HasSuffix(claim, "/"+o.GetName()) {
			return true
		}
	}
	return false
}

func (c *checker) hasAny(kind string) bool {
	for key := range c.has {
		if strings.HasPrefix(key, kind+" ") {
			return true
		}
	}
	return false
}

// Use is an image that a pod of the manifests needs.
type Use struct {
	Image string
	// Always is true if the node asks the registry even if it has the image.
	Always bool
	// Never is true if the node does not ask even if it lacks the image.
	Never  bool
	Object string
	File   string
	At     issue.Position
}

// Images lists the images without which the deployment is not ready.
func Images(objects []Object) (uses []Use) {
	for _, o := range objects {
		typed, _ := o.typed()
		p := podsOf(typed)
		if p == nil || p.replicas == 0 {
			continue
		}
		for _, container := range p.containers() {
			if _, err := reference.ParseNormalizedNamed(container.Image); err != nil {
				continue // Check reports it
			}
			latest := strings.HasSuffix(spec.FullName(container.Image), ":latest")
			uses = append(uses, Use{
				Image:  container.Image,
				Always: container.ImagePullPolicy == corev1.PullAlways || container.ImagePullPolicy == "" && latest,
				Never:  container.ImagePullPolicy == corev1.PullNever,
				Object: o.String(), File: o.File,
				At: o.Where(below(container.at, "image")...),
			})
		}
	}
	return uses
}

// Needs reports whether the object names one of the images, given by their complete
// names, anywhere: also in a custom resource, or in an argument such as
// --image=shop.test/till:1 from which an operator creates pods. Definitions and
// configuration start nothing, and others may need them at once.
func (o Object) Needs(images map[string]bool) (needs bool) {
	if len(images) == 0 || order(o) != 2 || o.GetKind() == "ConfigMap" {
		return false
	}
	each(o.Object, nil, func(value any, path []string) bool {
		if text, is := value.(string); is {
			// Outside of the key image, a single word is rather a label than an image.
			text = text[strings.LastIndexByte(text, '=')+1:]
			needs = needs || (path[len(path)-1] == "image" || strings.ContainsAny(text, ":/")) && images[spec.FullName(text)]
		}
		return !needs
	})
	return needs
}

// Mentions reports whether a text anywhere in the object contains one of the names of an
// image, however complete they are.
func (o Object) Mentions(images []string) bool {
	text, _ := o.Unstructured.MarshalJSON() // was read from it
	return slices.ContainsFunc(images, func(image string) bool {
		name := regexp.QuoteMeta(strings.TrimPrefix(strings.TrimPrefix(image, "docker.io/"), "library/"))
		return regexp.MustCompile(name + `(?:[^\w-]|$)`).Match(text) // api:e2e is not in api:e2e-old
	})
}

// Namespaces are those that a cluster begins with, and those that the steps apply. Any
// other one must be made by something in the cluster.
func Namespaces(steps []Step) map[string]bool {
	namespaces := map[string]bool{}
	for _, name := range startingNamespaces {
		namespaces[name] = true
	}
	for _, o := range Objects(steps) {
		if o.GetKind() == "Namespace" {
			namespaces[o.GetName()] = true
		}
	}
	return namespaces
}

// KeepsPlace reports whether all objects before this one must be applied first: it is a
// custom resource, whose kind or webhook they may bring, or an object in a namespace
// besides the given ones, which they may make; the configuration of a webhook, which
// the objects after it may have to wait for; or a Job, which fails for good if a service
// that it uses does not come up in time.
func (o Object) KeepsPlace(namespaces map[string]bool) bool {
	return isJob(o.Unstructured) || strings.HasSuffix(o.GetKind(), "WebhookConfiguration") ||
		order(o) == 2 && (!scheme.Scheme.Recognizes(o.GroupVersionKind()) || !namespaces[o.namespace()])
}
