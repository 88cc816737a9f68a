package deploy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// refers warns of references to objects that nothing brings. With those the object is
// applied all the same, and does not do what it is for.
func (c *checker) refers(o Object, v map[string]any, path []string) {
	if c.Hooked || len(path) == 0 {
		return // a hook may make anything
	}
	text := func(key string) string { t, _ := v[key].(string); return t }
	own := cmp.Or(o.GetNamespace(), o.home, "default")
	switch last := path[len(path)-1]; {
	case last == "roleRef" && text("kind") == "ClusterRole":
		if name := text("name"); !slices.Contains([]string{"cluster-admin", "admin", "edit", "view"}, name) && !strings.HasPrefix(name, "system:") {
			c.reference(o, "ClusterRole", "", name, path, "name")
		}
	case last == "roleRef" && text("kind") == "Role":
		if own != "kube-system" && own != "kube-public" { // Kubernetes has some there
			c.reference(o, "Role", own, text("name"), path, "name")
		}
	case len(path) == 2 && path[0] == "subjects" && text("kind") == "ServiceAccount":
		if in := cmp.Or(text("namespace"), own); text("name") != "default" && !strings.HasPrefix(in, "kube-") {
			c.reference(o, "ServiceAccount", in, text("name"), path, "name")
		}
	case last == "service" && (o.GetKind() == "Ingress" || path[max(0, len(path)-2)] == "clientConfig"):
		port, _ := v["port"].(map[string]any)
		wanted := cmp.Or(port["name"], whole(port["number"]))
		if o.GetKind() != "Ingress" {
			wanted = cmp.Or(whole(v["port"]), any(int64(443)))
		}
		in := cmp.Or(text("namespace"), own)
		if !c.reference(o, "Service", in, text("name"), path, "name") || c.mayBeMade("services") || wanted == nil {
			return
		}
		ports := c.ports[in+"/"+text("name")]
		if len(ports) > 0 && !ports[fmt.Sprint(wanted)] {
			c.doubtful(o, fmt.Sprintf("the Service %s has no port %v, so nothing is reached there; %s", text("name"), wanted, hasOnly(ports)), append(path, "port")...)
		}
	case last == "scaleTargetRef":
		if kind := text("kind"); slices.Contains([]string{"Deployment", "StatefulSet", "ReplicaSet"}, kind) {
			c.reference(o, kind, own, text("name"), path, "name")
		}
	case last == "spec" && o.GetKind() == "Ingress" && len(path) == 1 && c.hasAny("IngressClass"): // or a controller may come by itself
		c.reference(o, "IngressClass", "", text("ingressClassName"), path, "ingressClassName")
	case last == "spec" && o.GetKind() == "StatefulSet" && len(path) == 1 && c.headless[own+"/"]: // its pods run without one, too
		c.reference(o, "Service", own, text("serviceName"), path, "serviceName")
	}
}

// reference reports whether an object that another one names is among the manifests.
func (c *checker) reference(o Object, kind, namespace, name string, path []string, key string) bool {
	id := kind + " " + name
	if namespace != "" {
		id = kind + " " + namespace + "/" + name
	}
	resource := strings.ToLower(kind) + "s"
	if strings.HasSuffix(kind, "s") {
		resource = strings.ToLower(kind) + "es"
	}
	if name == "" || c.has[id] || c.mayBeMade(resource) {
		return c.has[id]
	}
	c.doubtful(o, fmt.Sprintf("%s is not among the manifests, and nothing there may create it; correct the name, or list its file, too", id), append(slices.Clone(path), key)...)
	return false
}

// labelled are a pod's labels and ports, and its namespace.
type labelled struct {
	namespace string
	labels    labels.Set
	names     map[string]bool // of ports, and their numbers
	declared  bool            // by each container
	hostPorts []int32
	ofHost    bool
}

func labelledOf(o Object, c *checker, p *pods) labelled {
	both := labels.Set(maps.Clone(p.Labels))
	if p.selector != nil && both != nil { // if these differ, that is the mistake
		maps.Copy(both, p.selector.MatchLabels)
	}
	l := labelled{namespace: strings.TrimSuffix(c.place(o), "/"), labels: both, names: map[string]bool{}, declared: true, ofHost: p.Spec.HostNetwork}
	for _, container := range containersOf(p.Spec) {
		l.declared = l.declared && (len(container.Ports) > 0 || container.list == "initContainers")
		for _, port := range container.Ports {
			l.names[port.Name], l.names[strconv.Itoa(int(port.ContainerPort))] = true, true
			if port.HostPort > 0 {
				l.hostPorts = append(l.hostPorts, port.HostPort)
			}
		}
	}
	return l
}

// makers are kinds of which something that may create them brings pods.
var makers = []string{"pods", "deployments", "statefulsets", "daemonsets", "jobs", "replicasets"}

// selects warns of a selector that finds no pod of the manifests, and of a port that these
// do not have.
func (c *checker) selects(o Object, typed runtime.Object) {
	var selector *metav1.LabelSelector
	at := []string{"spec", "selector"}
	switch t := typed.(type) {
	case *corev1.Service:
		if len(t.Spec.Selector) > 0 {
			selector = &metav1.LabelSelector{MatchLabels: t.Spec.Selector}
		}
	case *policyv1.PodDisruptionBudget:
		selector = t.Spec.Selector
	case *networkingv1.NetworkPolicy:
		selector, at = &t.Spec.PodSelector, []string{"spec", "podSelector"}
	}
	if selector == nil || c.Hooked || c.mayBeMade(makers...) || strings.HasPrefix(c.place(o), "kube-") {
		return
	}
	matcher, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil || matcher.Empty() || c.foreign {
		return
	}
	found := c.podsIn(strings.TrimSuffix(c.place(o), "/"), matcher)
	if len(found) == 0 {
		c.doubtful(o, fmt.Sprintf("its selector %s finds no pod of the manifests in its namespace; write labels of a pod's template", matcher), at...)
		return
	}
	service, is := typed.(*corev1.Service)
	if !is {
		return
	}
	for i, port := range service.Spec.Ports {
		wanted := port.TargetPort
		if wanted.Type == intstr.Int && wanted.IntVal == 0 {
			wanted = intstr.FromInt32(port.Port)
		}
		if slices.ContainsFunc(found, func(l labelled) bool {
			return l.names[wanted.String()] || wanted.Type == intstr.Int && !l.declared
		}) {
			continue
		}
		names := maps.Clone(found[0].names)
		delete(names, "")
		c.doubtful(o, fmt.Sprintf("the pods that it selects have no port %s, so it may lead nowhere; %s", wanted.String(), hasOnly(names)), "spec", "ports", strconv.Itoa(i), "targetPort")
	}
}

func (c *checker) podsIn(namespace string, selector labels.Selector) (found []labelled) {
	for _, l := range c.pods {
		if l.namespace == namespace && selector.Matches(l.labels) {
			found = append(found, l)
		}
	}
	return found
}

// NodePorts are the ports of a node at which the deployment answers. It is nil if they
// are not all known.
func NodePorts(steps []Step) map[int32]bool {
	c := newChecker(Objects(steps), Server{})
	if c.mayBeMade(append(makers, "services")...) || c.foreign || slices.ContainsFunc(steps, func(s Step) bool { return s.Command != nil }) {
		return nil
	}
	ports := map[int32]bool{}
	for _, l := range c.pods {
		if l.ofHost {
			return nil
		}
		for _, port := range l.hostPorts {
			ports[port] = true
		}
	}
	for _, o := range Objects(steps) {
		typed, _ := o.typed()
		if service, is := typed.(*corev1.Service); is && service.Spec.Type != corev1.ServiceTypeClusterIP {
			for _, port := range service.Spec.Ports {
				ports[port.NodePort] = true
			}
		}
	}
	return ports
}
