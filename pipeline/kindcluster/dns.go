package kindcluster

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/blang/semver/v4"
	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
	"sigs.k8s.io/kind/pkg/cluster/nodes"
	"sigs.k8s.io/kind/pkg/cluster/nodeutils"
	"sigs.k8s.io/kind/pkg/log"
)

// QuickDNS is a patch with which CoreDNS reaches the API server from its start, and is
// asked every second whether it is ready. Create brings the folder that it names into the
// node.
const QuickDNS = `kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
kubeadmConfigPatches: ["` + quickDNS + `"]
`

const (
	quickDNS   = "{kind: InitConfiguration, patches: {directory: " + patchesDir + "}}"
	patchesDir = "/kind/dns-quick"
	// beforeKubeadm is Kind's step whose first command is kubeadm init.
	beforeKubeadm = "Starting control-plane"
)

// dnsPatch has CoreDNS go to the API server itself and not through the service, whose
// rules kube-proxy writes a moment before or after CoreDNS starts: what is sent before is
// lost, and so is what is sent again on that connection, for 10 to 30 seconds. A CoreDNS
// that was ready may fail for as long as by default, three times ten seconds, until no
// query goes to it any more.
func dnsPatch(server string) string {
	return fmt.Sprintf(`spec: {template: {spec: {containers: [{name: coredns, env: [{name: KUBERNETES_SERVICE_HOST, value: %q}, {name: KUBERNETES_SERVICE_PORT, value: "6443"}], readinessProbe: {periodSeconds: 1, failureThreshold: 30}}]}}}`, server)
}

// patchDNS gives kubeadm dnsPatch at one of Kind's steps, if the configuration asks for
// it: Kind waits for the observer. A mount would need a file where the engine is. kubeadm
// init fails if the folder is not there. After Kind, failed returns why.
func (o Options) patchDNS(see Observer) (_ Observer, failed func() error) {
	var err error
	if slices.Contains(o.Config.KubeadmConfigPatches, quickDNS) {
		step := see.Step
		see.Step = func(name string) func(error) {
			end := step(name)
			if name == beforeKubeadm {
				err = o.writeDNSPatch()
			}
			return end
		}
	}
	return see, func() error { return err }
}

func (o Options) writeDNSPatch() error {
	all, err := o.provider(log.NoopLogger{}).ListInternalNodes(o.Name)
	if err != nil {
		return fmt.Errorf("listing the nodes, to give kubeadm a patch of CoreDNS: %w", err)
	}
	// Kind runs kubeadm init in the first control plane, which has no number.
	first := slices.IndexFunc(all, func(n nodes.Node) bool { return n.String() == o.Name+"-control-plane" })
	if first < 0 {
		return fmt.Errorf("giving kubeadm a patch of CoreDNS: the engine has no node %s-control-plane", o.Name)
	}
	version, err := nodeutils.KubeVersion(all[first])
	if err != nil {
		return fmt.Errorf("reading the version of Kubernetes in %s: %w", all[first], err)
	}
	if err := CheckQuickDNS(version); err != nil {
		return &InvalidError{Err: err}
	}
	address, v6, err := all[first].IP()
	if err != nil {
		return fmt.Errorf("reading the address of %s, for a patch of CoreDNS: %w", all[first], err)
	}
	// The API server has one address in its certificate: of the first family of services.
	services, _, _ := strings.Cut(o.Config.Networking.ServiceSubnet, ",")
	if family := o.Config.Networking.IPFamily; family == v1alpha4.IPv6Family || family == v1alpha4.DualStackFamily && strings.Contains(services, ":") {
		address = v6
	}
	// Not from standard input, which Podman's remote client may lose.
	if err := all[first].Command("sh", "-c", `mkdir -p "$0" && echo "$1" >"$0/corednsdeployment.yaml"`, patchesDir, dnsPatch(address)).Run(); err != nil {
		return fmt.Errorf("writing kubeadm's patch of CoreDNS in %s: %w", all[first], err)
	}
	return nil
}

// CheckQuickDNS reports a version of Kubernetes whose kubeadm would ignore the patch.
func CheckQuickDNS(version string) error {
	v, err := semver.ParseTolerant(version)
	if err == nil && v.GE(semver.Version{Major: 1, Minor: 31}) {
		return nil
	}
	return fmt.Errorf("dns quick: kubeadm patches CoreDNS from Kubernetes 1.31 on, and the node image has %s; use a newer node image, or dns: default", version)
}

// OwnPatches is where a Kind configuration names a folder of patches for kubeadm init,
// as a path for Where, or nil.
func OwnPatches(config *v1alpha4.Cluster) []string {
	own := func(merge []string, operations []v1alpha4.PatchJSON6902, above ...string) []string {
		for i, text := range merge {
			var patch struct {
				Kind    string
				Patches any
			}
			if yaml.Unmarshal([]byte(text), &patch) == nil && patch.Kind == "InitConfiguration" && patch.Patches != nil {
				return append(above, "kubeadmConfigPatches", strconv.Itoa(i))
			}
		}
		for i, p := range operations {
			if p.Kind == "InitConfiguration" && strings.Contains(p.Patch, "/patches") {
				return append(above, "kubeadmConfigPatchesJSON6902", strconv.Itoa(i))
			}
		}
		return nil
	}
	at := own(config.KubeadmConfigPatches, config.KubeadmConfigPatchesJSON6902)
	for i, node := range config.Nodes {
		if at == nil {
			at = own(node.KubeadmConfigPatches, node.KubeadmConfigPatchesJSON6902, "nodes", strconv.Itoa(i))
		}
	}
	return at
}
