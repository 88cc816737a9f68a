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

// refers warns of references to objects that nothing brings. An object with such a
// reference is applied all the same, and does not do what it is for.
func (c *checker) refers(o Object, v map[string]any, path []string) {
	if c.Hooked || len(path) == 0 {
		return // a hook may make anything
	}
	text := func(key string) string { t, _ := v[key].(string); return t }
	own, kind, name := o.namespace(), text("kind"), text("name")
	inKube := strings.HasPrefix(own, "kube-") // Kubernetes has some there
	switch last := path[len(path)-1]; {
	case last == "roleRef" && kind == "ClusterRole" && !strings.HasPrefix(name, "system:"):
		c.reference(o, kind, "", name, path, "name")
	case last == "roleRef" && kind == "Role" && !inKube, last == "scaleTargetRef" && slices.Contains([]string{"Deployment", "StatefulSet", "ReplicaSet"}, kind):
		c.reference(o, kind, own, name, path, "name")
	case len(path) == 2 && path[0] == "subjects" && kind == "ServiceAccount":
		if in := cmp.Or(text("namespace"), own); !strings.HasPrefix(in, "kube-") {
			c.reference(o, kind, in, name, path, "name")
		}
	case last == "service" && (o.GetKind() == "Ingress" || path[max(0, len(path)-2)] == "clientConfig"):
		port, _ := v["port"].(map[string]any)
		wanted := cmp.Or(port["name"], whole(port["number"]))
		if o.GetKind() != "Ingress" {
			wanted = cmp.Or(whole(v["port"]), any(int64(443)))
		}
		in := cmp.Or(text("namespace"), own)
		c.reference(o, "Service", in, name, path, "name")
		if ports := c.ports[keyOf("Service", in, name)]; wanted != nil && len(ports) > 0 && !ports[fmt.Sprint(wanted)] && !c.mayBeMade("services") {
			c.doubtful(o, fmt.Sprintf("the Service %s has no port %v, so nothing is reached there; %s", name, wanted, hasOnly(ports)), below(path, "port")...)
		}
	case last == "spec" && o.GetKind() == "Ingress" && len(path) == 1 && c.hasAny("IngressClass"): // or a controller may come by itself
		c.reference(o, "IngressClass", "", text("ingressClassName"), path, "ingressClassName")
	case last == "spec" && o.GetKind() == "StatefulSet" && len(path) == 1 && c.headless[own]: // its pods run without one, too
		c.reference(o, "Service", own, text("serviceName"), path, "serviceName")
	}
}

// reference warns of an object that another one names and that is not among the manifests.
func (c *checker) reference(o Object, kind, namespace, name string, path []string, key string) {
	if id := keyOf(kind, namespace, name); !c.brought(kind, id, name) {
		c.doubtful(o, id+" is not among the manifests, and nothing there may create it; correct the name, or list its file, too", below(path, key)...)
	}
}

// all are the pods' labels, completed by those of the selector: where the two differ,
// selector reports it.
func (p *pods) all() labels.Set {
	both := labels.Set(maps.Clone(p.Labels))
	if p.selector != nil && both != nil {
		maps.Copy(both, p.selector.MatchLabels)
	}
	return both
}

// ports are the names and numbers of the pods' ports. They may have others if a container
// declares none.
func (p *pods) ports() (ports map[string]bool, others bool) {
	ports = map[string]bool{}
	for _, container := range p.containers() {
		others = others || len(container.Ports) == 0 && !container.init
		for _, port := range container.Ports {
			ports[cmp.Or(port.Name, strconv.Itoa(int(port.ContainerPort)))], ports[strconv.Itoa(int(port.ContainerPort))] = true, true
		}
	}
	return ports, others
}

// makers are the resources with which something that may create them brings pods.
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
	namespace := c.namespaceOf(o)
	if selector == nil || c.Hooked || c.mayBeMade(makers...) || strings.HasPrefix(namespace, "kube-") {
		return
	}
	matcher, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil || matcher.Empty() || c.foreign {
		return
	}
	found := c.podsIn(namespace, matcher)
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
		if !slices.ContainsFunc(found, func(p *pods) bool {
			ports, others := p.ports()
			return ports[wanted.String()] || wanted.Type == intstr.Int && others
		}) {
			ports, _ := found[0].ports()
			c.doubtful(o, fmt.Sprintf("the pods that it selects have no port %s, so it may lead nowhere; %s", wanted.String(), hasOnly(ports)), "spec", "ports", strconv.Itoa(i), "targetPort")
		}
	}
}

// podsIn are the pods of a namespace that a selector finds.
func (c *checker) podsIn(namespace string, selector labels.Selector) []*pods {
	return slices.DeleteFunc(slices.Clone(c.pods), func(p *pods) bool { return p.Namespace != namespace || !selector.Matches(p.all()) })
}

// NodePorts are the ports of a node at which the deployment answers. It is nil if they
// are not all known.
func NodePorts(steps []Step) map[int32]bool {
	c := newChecker(Objects(steps), Server{})
	if c.mayBeMade(append(makers, "services")...) || c.foreign || slices.ContainsFunc(steps, func(s Step) bool { return s.Command != nil }) {
		return nil
	}
	ports := map[int32]bool{}
	for _, p := range c.pods {
		if p.Spec.HostNetwork {
			return nil
		}
		for _, container := range p.containers() {
			for _, port := range container.Ports {
				if port.HostPort > 0 {
					ports[port.HostPort] = true
				}
			}
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
