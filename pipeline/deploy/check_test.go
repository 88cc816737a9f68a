package deploy

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/issue"
)

func checked(t *testing.T, text string, server Server) (certain, possible string) {
	t.Helper()
	steps, errs := Prepare([]spec.Step{{Apply: []string{write(t, t.TempDir(), "m.yaml", text)}}}, server)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	bad, doubtful := Check(steps, true, server, func(Step, bool, string) {})
	return lines(bad), lines(doubtful)
}

func lines(issues []issue.Issue) string { return (&issue.List{List: issues}).Error() }

var theLab = Server{Minor: 34}

const app = `apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec:
      containers:
      - name: app
        image: localhost/app:e2e
`

const rules = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: rules}\ndata: {a: one, b: two}\n"

func TestWhatTheClusterWouldRefuse(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"unknown field":      {app + "        imagePullPolcy: Never\n", "m.yaml:12:25: Deployment app: field spec.template.spec.containers[0].imagePullPolcy is not known"},
		"wrong type":         {app + "  replicas: \"two\"\n", "m.yaml:12:13: Deployment app: field "},
		"second document":    {app + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndate: {}\n", "m.yaml:16:7: ConfigMap a: field date is not known"},
		"unknown kind":       {"apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {name: a}\n", "m.yaml:2:7: ServiceMonitor a: no ServiceMonitor of monitoring.coreos.com/v1 is known"},
		"removed version":    {"apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: a}\n", "m.yaml:1:13: PodDisruptionBudget a: PodDisruptionBudget of policy/v1beta1 has not been served since Kubernetes 1.25, and the cluster has 1.34; write policy/v1"},
		"no such namespace":  {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\n", "m.yaml:3:32: ConfigMap shop/a: nothing creates the namespace"},
		"template in a name": {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"${NAME}\"}\n", "m.yaml:3:18: ConfigMap ${NAME}: \"${NAME}\" cannot be the name of a ConfigMap: it looks like a template"},
		"template in an image": {strings.Replace(app, "localhost/app:e2e", "\"${IMG}\"", 1),
			"m.yaml:11:16: Deployment app: container app: \"${IMG}\" is no image: it looks like a template"},
		"path for ko": {strings.Replace(app, "localhost/app:e2e", "ko://shop.test/cmd/app", 1),
			"m.yaml:11:16: Deployment app: container app: \"ko://shop.test/cmd/app\" is no image: ko replaces it"},
		"selector":          {strings.Replace(app, "{labels: {app: app}}", "{labels: {app: other}}", 1), "m.yaml:5:13: Deployment app: its selector app=app does not match"},
		"config map":        {app + "        envFrom: [{configMapRef: {name: gone}}]\n", "m.yaml:12:41: Deployment app: the ConfigMap \"gone\" is not among the manifests"},
		"service account":   {app + "      serviceAccountName: gone\n", "m.yaml:12:27: Deployment app: the ServiceAccount \"gone\""},
		"secret volume":     {app + "      volumes: [{name: v, secret: {secretName: gone}}]\n", "the Secret \"gone\""},
		"job that restarts": {"apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\nspec: {template: {spec: {containers: [{name: a, image: b}]}}}\n", "a Job's pods need restartPolicy"},
		"claim":             {"apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: a}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n", "m.yaml:4:7: PersistentVolumeClaim a: the claim is never bound, because the lab's cluster makes no volumes"},
		"kustomization":     {"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nmetadata: {name: a}\n", "this is a kustomization"},
		"claims of a set":   {"apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: a}\nspec: {selector: {matchLabels: {a: a}}, template: {metadata: {labels: {a: a}}, spec: {containers: [{name: a, image: b}]}}, volumeClaimTemplates: [{metadata: {name: d}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]}\n", "the claim is never bound"},
		"mount": {app + "        volumeMounts: [{name: rules, mountPath: /rules}]\n      volumes: [{name: rule, emptyDir: {}}]\n",
			"m.yaml:12:31: Deployment app: container app mounts \"rules\", and the pod has no volume of that name"},
		"key":           {app + "        env: [{name: A, valueFrom: {configMapKeyRef: {name: rules, key: c}}}]\n" + rules, "m.yaml:12:73: Deployment app: the ConfigMap \"rules\" has no key \"c\", so the pods never start; correct it, or add it: there are a, b"},
		"no key":        {app + "        env: [{name: A, valueFrom: {configMapKeyRef: {name: rules}}}]\n" + rules, "key is missing in spec.template.spec.containers.0.env.0.valueFrom.configMapKeyRef"},
		"item":          {app + "      volumes: [{name: v, configMap: {name: rules, items: [{key: c, path: c}]}}]\n" + rules, "the ConfigMap \"rules\" has no key \"c\""},
		"priority":      {app + "      priorityClassName: system-cluster-crit\n", "m.yaml:12:26: Deployment app: the PriorityClass \"system-cluster-crit\" is not among the manifests"},
		"runtime class": {app + "      runtimeClassName: gvisor\n", "the RuntimeClass \"gvisor\" is not among the manifests"},
		"API service": {"apiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: {name: v1.shop.test}\nspec: {group: shop.test, service: {name: till, namespace: shop}}\n",
			"m.yaml:4:42: APIService v1.shop.test: the Service shop/till is not among the manifests"},
		"rights in a group of its own": {app + "        envFrom: [{secretRef: {name: gone}}]\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: a}\nrules: [{apiGroups: [shop.test], resources: [\"*\"], verbs: [\"*\"]}]\n", "the Secret \"gone\" is not among"},
		"custom, no version":           {"apiVersion: shop.test/v1\nkind: Till\nmetadata: {name: a}\n", "Till a: no Till of shop.test/v1 is known"},
	} {
		if got, _ := checked(t, c.text, theLab); !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestWhatWorksIsNotRefused(t *testing.T) {
	definition := "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: tills.shop.test}\nspec: {group: shop.test, scope: Namespaced, names: {kind: Till}}\n"
	for name, c := range map[string]struct {
		text   string
		server Server
	}{
		"plain":                   {app, theLab},
		"custom":                  {"apiVersion: shop.test/v1\nkind: Till\nmetadata: {name: a}\n" + definition, theLab},
		"namespace":               {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n", theLab},
		"of the cluster":          {"apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: \"shop:reader\", namespace: nowhere}\nrules: []\n", theLab},
		"optional":                {app + "        envFrom: [{configMapRef: {name: gone, optional: true}}]\n", theLab},
		"a job's secret":          {app + "        envFrom: [{secretRef: {name: later}}]\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: a}\nrules: [{apiGroups: [\"\"], resources: [secrets], verbs: [get, create]}]\n", theLab},
		"no pods":                 {app + "        envFrom: [{secretRef: {name: later}}]\n  replicas: 0\n", theLab},
		"root CA":                 {app + "      volumes: [{name: v, projected: {sources: [{configMap: {name: kube-root-ca.crt}}]}}]\n", theLab},
		"own volume":              {"apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: a}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n---\napiVersion: v1\nkind: PersistentVolume\nmetadata: {name: a}\n", theLab},
		"Kind's volumes":          {app + "      volumes: [{name: v, persistentVolumeClaim: {claimName: a}}]\n---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: a}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n", Server{Minor: 37, Volumes: true}},
		"newer field":             {app + "  fieldOfTomorrow: 1\n", Server{Minor: 37, Volumes: true}},
		"volume of a set":         {"apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: a}\nspec: {selector: {matchLabels: {a: a}}, template: {metadata: {labels: {a: a}}, spec: {containers: [{name: a, image: b, volumeMounts: [{name: d, mountPath: /d}]}]}}, volumeClaimTemplates: [{metadata: {name: d}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]}\n", Server{Minor: 34, Volumes: true}},
		"key that something adds": {app + "        env: [{name: A, valueFrom: {configMapKeyRef: {name: rules, key: c}}}]\n" + rules + "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: a}\nrules: [{apiGroups: [\"\"], resources: [configmaps], verbs: [patch]}]\n", theLab},
		"own priority":            {app + "      priorityClassName: high\n---\napiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: high}\nvalue: 1\n", theLab},
		"older version":           {"apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: a}\n", Server{Minor: 24}},
	} {
		if got, _ := checked(t, c.text, c.server); got != "" {
			t.Errorf("%s: got %s", name, got)
		}
	}
}

func TestRulesOfTheAPIServer(t *testing.T) {
	more := strings.Replace(app, "image: localhost/app:e2e", "image: localhost/app:e2e\n        ports: [{name: http, containerPort: 8080}]", 1)
	const crd = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: tills.shop.test}\nspec: {group: shop.test, scope: Namespaced, names: {kind: Till, plural: tills}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, required: [size], properties: {size: {type: integer}, mode: {type: string, enum: [a, b]}}}}}}}]}\n---\napiVersion: shop.test/v1\nkind: Till\nmetadata: {name: t}\nspec: "
	for text, want := range map[string]string{
		app + "        imagePullPolicy: ifNotPresent\n":                                          "\"ifNotPresent\" is no value of imagePullPolicy; did you mean IfNotPresent?",
		more + "        readinessProbe: {httpGet: {path: /, port: web}}\n":                       "readinessProbe asks the port \"web\"",
		more + "        readinessProbe: {periodSeconds: 1}\n":                                    "readinessProbe asks nothing",
		more + "        env: [{name: A, value: a}, {name: A, value: b}]\n":                       "name \"A\" is there a second time",
		more + "        resources: {requests: {cpu: 2}, limits: {cpu: 1}}\n":                     "requests 2 of cpu, which is more than its limit 1",
		strings.Replace(more, "8080", "80800", 1):                                                "containerPort 80800 is not from 1 to 65535",
		app + "      restartPolicy: Never\n":                                                     "the pods of a Deployment are always started again",
		crd + "{size: big}\n":                                                                    "spec.size is big, and its definition wants the type integer",
		crd + "{mode: c}\n":                                                                      "spec.size is missing, and its definition requires it",
		crd + "{size: 1, mod: a}\n":                                                              "field spec.mod is not in the definition of its kind, and the API server refuses it; did you mean mode?",
		strings.Replace(crd, "storage: true", "storage: false", 1) + "{size: 1}\n":               "0 of its versions have storage: true",
		strings.Replace(crd, "apiVersion: shop.test/v1", "apiVersion: shop.test/v2", 1) + "{}\n": "its definition serves no version v2; write one of v1",
	} {
		if got, _ := checked(t, text, theLab); !strings.Contains(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got, doubts := checked(t, crd+"{size: 1, mode: a}\n", theLab); got+doubts != "" {
		t.Errorf("a sound one: got %s%s", got, doubts)
	}
}

func TestReferencesToNothingAreDoubted(t *testing.T) {
	ports := strings.Replace(app, "image: localhost/app:e2e", "image: localhost/app:e2e\n        ports: [{name: http, containerPort: 8080}]", 1) + "---\n"
	service := func(spec string) string {
		return ports + "apiVersion: v1\nkind: Service\nmetadata: {name: app}\nspec: {" + spec + "}\n"
	}
	ingress := func(port string) string {
		return service("selector: {app: app}, ports: [{name: web, port: 80, targetPort: http}]") + "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: app}\nspec: {defaultBackend: {service: {name: app, port: " + port + "}}}\n"
	}
	binding := "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: a}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: %s}\nsubjects: [{kind: ServiceAccount, name: default, namespace: default}]\n"
	for text, want := range map[string]string{
		service("selector: {app: other}, ports: [{port: 80}]"):                 "its selector app=other finds no pod",
		service("selector: {app: app}, ports: [{port: 80, targetPort: web}]"):  "the pods that it selects have no port web",
		service("selector: {app: app}, ports: [{port: 80, targetPort: 8080}]"): "",
		ingress("{name: web}"):             "",
		ingress("{number: 80}"):            "",
		ingress("{number: 8080}"):          "the Service app has no port 8080",
		fmt.Sprintf(binding, "reader"):     "ClusterRole reader is not among the manifests",
		fmt.Sprintf(binding, "view"):       "",
		fmt.Sprintf(binding, "system:any"): "",
	} {
		if got, doubts := checked(t, text, theLab); got != "" || (want == "") != (doubts == "") || !strings.Contains(doubts, want) {
			t.Errorf("got %q and %q, want %q", got, doubts, want)
		}
	}
}

func TestPodsNeedANodeWithTheirLabels(t *testing.T) {
	server := Server{Minor: 34, Nodes: []Node{{ControlPlane: true}, {Labels: map[string]string{"disk": "fast"}, Patches: []string{"node-labels: zone=a"}}}}
	for selector, fits := range map[string]bool{
		"{disk: fast}": true, "{disk: slow}": false, "{disk: fast, zone: a}": true, "{zone: b}": false, "{kubernetes.io/os: linux}": true, "{kubernetes.io/os: windows}": false,
		"{node-role.kubernetes.io/control-plane: \"\"}": true, "{node-role.kubernetes.io/control-plane: \"\", disk: fast}": false, "{node-role.kubernetes.io/worker: \"\"}": false,
	} {
		if got, _ := checked(t, app+"      nodeSelector: "+selector+"\n", server); strings.Contains(got, "m.yaml:12:21: Deployment app: no node has the labels") == fits {
			t.Errorf("%s: got %q", selector, got)
		}
	}
	if got, _ := checked(t, app+"      nodeSelector: {disk: slow}\n---\napiVersion: v1\nkind: Node\nmetadata: {name: a, labels: {disk: slow}}\n", server); got != "" {
		t.Errorf("a node among the manifests: got %s", got)
	}
	if got, _ := checked(t, strings.Replace(app, "Deployment", "DaemonSet", 1)+"      nodeSelector: {disk: slow}\n", server); got != "" {
		t.Errorf("a DaemonSet is ready without a node: got %s", got)
	}
}

func TestWhatAHookMayMakeIsDoubted(t *testing.T) {
	text := app + "        envFrom: [{secretRef: {name: gone}}]\n        imagePulPolicy: Never\n"
	certain, possible := checked(t, text, Server{Minor: 34, Hooked: true})
	if strings.Contains(certain, "gone") || !strings.Contains(certain, "imagePulPolicy") || !strings.Contains(possible, "so the pods never start; list its file, too; or a hook makes it") || strings.Contains(possible, "imagePulPolicy") {
		t.Errorf("got\n%s\n%s", certain, possible)
	}
}

func TestWhatANewerClientHasForgottenIsDoubted(t *testing.T) {
	text := "apiVersion: resource.k8s.io/v1alpha3\nkind: ResourceClaimTemplate\nmetadata: {name: a}\n"
	if certain, possible := checked(t, text, Server{Minor: 31}); certain != "" || !strings.Contains(possible, "m.yaml:2:7: ResourceClaimTemplate a: Kubernetes 1.34 has no ResourceClaimTemplate of resource.k8s.io/v1alpha3 any more; check that the cluster's 1.31 does") {
		t.Errorf("got\n%s\n%s", certain, possible)
	}
	if certain, _ := checked(t, text, theLab); !strings.Contains(certain, "no ResourceClaimTemplate of resource.k8s.io/v1alpha3 is known to the cluster") {
		t.Errorf("in the lab: got %s", certain)
	}
}

func TestObjectsOfChartsHaveThePositionOfTheirKind(t *testing.T) {
	dir := files(t, map[string]string{"c/Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n", "c/templates/a.yaml": "{{ if true }}\napiVersion: v1\nkind: Till\nmetadata: {name: a}\n{{ end }}\n"})
	steps, errs := Prepare([]spec.Step{{Helm: &spec.Chart{Chart: filepath.Join(dir, "c"), Release: "c", Namespace: "default"}}}, theLab)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	certain, _ := Check(steps, true, theLab, func(Step, bool, string) {})
	if got := lines(certain); !strings.Contains(got, "c/templates/a.yaml:3:7: Till a: ") {
		t.Errorf("got %s", got)
	}
}

func TestClaimsThatNothingMountsAreNeverBoundOnKind(t *testing.T) {
	text := "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: a}\nspec: %s\n"
	for spec, want := range map[string]string{
		"{}":                       "no pod of the manifests mounts it",
		"{storageClassName: fast}": "nothing brings the storage class \"fast\"",
	} {
		if got, _ := checked(t, fmt.Sprintf(text, spec), Server{Minor: 37, Volumes: true}); !strings.Contains(got, want) {
			t.Errorf("%s: got %q", spec, got)
		}
	}
}

func TestClassesOfTheUsersOwn(t *testing.T) {
	const claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: a}\nspec: {accessModes: [ReadWriteMany], resources: {requests: {storage: 1Gi}}%s}\n"
	const class = "---\napiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: %s}\nprovisioner: nfs.test\n"
	const role = "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: p}\nrules: [{apiGroups: [\"\"], resources: [persistentvolumes], verbs: [create]}]\n"
	pod := "---\n" + app + "      volumes: [{name: v, persistentVolumeClaim: {claimName: a}}]\n"
	ofDefault := fmt.Sprintf(class, "nfs, annotations: {storageclass.kubernetes.io/is-default-class: \"true\"}")
	taken := "Kind's cluster has a class of this name already"
	for name, c := range map[string]struct {
		text, certain, possible string
		hooked                  bool
	}{
		"Kind's":                    {fmt.Sprintf(claim, "") + pod, "makes no volumes with [ReadWriteMany]", "", false},
		"own standard":              {fmt.Sprintf(claim, "") + pod + fmt.Sprintf(class, "standard"), "", taken, false},
		"standard, named":           {fmt.Sprintf(claim, ", storageClassName: standard") + pod + fmt.Sprintf(class, "standard"), "", taken, false},
		"own standard after a hook": {fmt.Sprintf(claim, "") + pod + fmt.Sprintf(class, "standard"), "", "", true},
		"own default":               {fmt.Sprintf(claim, "") + pod + ofDefault, "", "", false},
		"own, not the default":      {fmt.Sprintf(claim, "") + pod + fmt.Sprintf(class, "nfs"), "makes no volumes", "", false},
		"a wrong name":              {fmt.Sprintf(claim, ", storageClassName: nsf") + pod + fmt.Sprintf(class, "nfs") + role, "", "nothing brings the storage class \"nsf\"", false},
		"the right name":            {fmt.Sprintf(claim, ", storageClassName: nfs") + pod + fmt.Sprintf(class, "nfs") + role, "", "", false},
	} {
		certain, possible := checked(t, c.text, Server{Minor: 34, Volumes: true, Hooked: c.hooked})
		if !strings.Contains(certain, c.certain) || (c.certain == "") != (certain == "") || !strings.Contains(possible, c.possible) || (c.possible == "") != (possible == "") {
			t.Errorf("%s: got\n%s\n%s", name, certain, possible)
		}
	}
}

func TestPodsThatRequestMoreThanTheNodesHave(t *testing.T) {
	request := func(replicas int, requests string) string {
		return strings.Replace(app, "spec:\n", fmt.Sprintf("spec:\n  replicas: %d\n", replicas), 1) + "        resources: " + requests + "\n"
	}
	one, two := []Node{{ControlPlane: true}}, []Node{{ControlPlane: true, Tainted: true}, {}, {}}
	for name, c := range map[string]struct {
		text  string
		nodes []Node
		fits  bool
	}{
		"fits":                {request(6, "{requests: {cpu: 500m, memory: 1Gi}}"), one, true},
		"processors":          {request(7, "{requests: {cpu: 500m}}"), one, false},
		"memory":              {request(8, "{requests: {memory: 1Gi}}"), one, false},
		"limits are requests": {request(7, "{limits: {cpu: 500m}}"), one, false},
		"two workers":         {request(15, "{requests: {cpu: 500m}}"), two, true},
		"too much for two":    {request(17, "{requests: {cpu: 500m}}"), two, false},
		"several objects":     {request(4, "{requests: {cpu: 500m}}") + "---\n" + strings.Replace(request(3, "{requests: {cpu: 500m}}"), "name: app}\nspec", "name: b}\nspec", 1), one, false},
		"no nodes known":      {request(99, "{requests: {cpu: 500m}}"), nil, true},
		"none":                {request(0, "{requests: {cpu: 99}}"), one, true},
	} {
		certain, possible := checked(t, c.text, Server{Minor: 34, Nodes: c.nodes, CPUs: 4, Memory: 8 << 30})
		if certain != "" || strings.Contains(possible, "with this one, pods request") == c.fits {
			t.Errorf("%s: got\n%s\n%s", name, certain, possible)
		}
	}
	if certain, possible := checked(t, request(99, "{requests: {cpu: 500m}}"), Server{Minor: 34, Nodes: one}); certain+possible != "" {
		t.Errorf("an engine that is not known: got\n%s\n%s", certain, possible)
	}
}

func TestWhatARoleMayMakeIsDoubted(t *testing.T) {
	const all = "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: all}\nrules: [{apiGroups: [\"*\"], resources: [\"*\"], verbs: [\"*\"]}]\n"
	const crd = "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: tills.shop.test}\nspec: {group: shop.test, scope: Namespaced, names: {kind: Till, plural: tills}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]}\n"
	for text, want := range map[string]string{
		"apiVersion: shop.test/v1\nkind: Till\nmetadata: {name: t}\n" + crd:                  "",
		"apiVersion: shop.test/v2\nkind: Till\nmetadata: {name: t}\n" + crd:                  "its definition serves no version v2",
		"apiVersion: shop.test/v1\nkind: Till\nmetadata: {name: t, namespace: shop}\n" + crd: "m.yaml:3:32: Till shop/t: no step creates the namespace \"shop\"",
	} {
		if certain, possible := checked(t, text+all, theLab); certain != "" || !strings.Contains(possible, want) || (want == "") != (possible == "") {
			t.Errorf("got\n%s\n%s\nwant %s", certain, possible, want)
		}
	}
}

func TestVariablesThatNothingReplacesAreDoubted(t *testing.T) {
	for args, replaced := range map[string]bool{
		"args: [\"--gates=A=${GATE_A:=false}\"]": false, "args: [\"--name=${NAME}\"]": false, "args: [\"--name=$(NAME)\"]": true, "args: [\"${env:NAME}\"]": true,
		"command: [sh, -ec], args: [\"run ${NAME}\"]": true, "args: [-c, \"run ${NAME}\"]": true,
	} {
		if certain, possible := checked(t, strings.Replace(app, "- name: app\n        image: localhost/app:e2e", "- {name: app, image: \"localhost/app:e2e\", "+args+"}", 1), theLab); certain != "" || (possible == "") != replaced {
			t.Errorf("%s: got\n%s\n%s", args, certain, possible)
		}
	}
}

func TestInputsOfOtherToolsAreTold(t *testing.T) {
	chart := t.TempDir()
	write(t, chart, "Chart.yaml", "apiVersion: v2\nname: app\n")
	other := t.TempDir()
	for name, c := range map[string]struct{ path, want string }{
		"chart":         {filepath.Join(chart, "Chart.yaml"), "Chart.yaml:1:1: this belongs to a Helm chart"},
		"values":        {write(t, chart, "values.yaml", "a: b\n"), "values.yaml:1:1: this holds a Helm chart's values"},
		"of a chart":    {write(t, chart, "templates/a.yaml", "a: b\n"), "under deploy: - helm: {chart: …}"},
		"kustomization": {write(t, other, "kustomization.yaml", "resources: [../crd]\n"), "this is a kustomization"},
		"template":      {write(t, other, "t.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Name }}\n"), "t.yaml:4:1: this is a template"},
		"comments":      {write(t, other, "c.yaml", "# nothing\n---\n# here\n"), "the manifests describe no object"},
		"no name":       {write(t, other, "n.yaml", "# first\n---\napiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}\n"), "n.yaml:3:1: the Pod has metadata.generateName"},
	} {
		if _, err := read(c.path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestImagesThatAreNeeded(t *testing.T) {
	dir := t.TempDir()
	objects, err := read(write(t, dir, "m.yaml", app+"        imagePullPolicy: Always\n      initContainers: [{name: i, image: busybox}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	uses := Images(objects)
	if len(uses) != 2 || uses[0].Image != "busybox" || !uses[0].Always || uses[1].Image != "localhost/app:e2e" || !uses[1].Always || uses[1].At.Line != 11 {
		t.Errorf("got %+v", uses)
	}
}

// The API server takes an empty text as its default, and operators may mend what is theirs.
func TestWhatTheAPIServerTakesIsNotRefused(t *testing.T) {
	const hook = "---\napiVersion: admissionregistration.k8s.io/v1\nkind: MutatingWebhookConfiguration\nmetadata: {name: m}\n"
	const crd = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: tills.shop.test}\nspec: {group: shop.test, scope: Namespaced, names: {kind: Till, plural: tills}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, required: [size], properties: {size: {type: integer, nullable: true}}}}}}}]}\n---\napiVersion: shop.test/v1\nkind: Till\nmetadata: {name: t}\nspec: "
	for _, text := range []string{
		app + "        imagePullPolicy: \"\"\n        ports: [{name: \"\", containerPort: 80, protocol: \"\"}, {name: \"\", containerPort: 81}]\n      restartPolicy: \"\"\n",
		app + "        volumeMounts: [{name: r, mountPath: /a, subPath: gone}]\n      volumes: [{name: r, configMap: {name: rules}}]\n" + rules,
		app + "        ports: [{name: http, containerPort: 80}]\n        livenessProbe: {tcpSocket: {port: web}}\n",
		app + "        readinessProbe: {tcpSocket: {port: web}}\n  replicas: 0\n",
		"apiVersion: flowcontrol.apiserver.k8s.io/v1\nkind: FlowSchema\nmetadata: {name: a}\nspec: {priorityLevelConfiguration: {name: exempt}, rules: [{subjects: [{kind: Group, group: {name: g}}]}]}\n",
		"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {type: \"\", ports: [{port: 80, targetPort: \"\"}]}\n",
		"apiVersion: v1\nkind: Service\nmetadata: {name: dns, namespace: kube-system}\nspec: {ports: [{name: web}]}\n",
		"apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a}\nspec: {schedule: CRON_TZ=UTC 0 * * * *, jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: b}]}}}}}\n",
		crd + "{size: null}\n", crd + "{}\n" + hook, crd + "[]\n" + hook,
	} {
		if got, _ := checked(t, text, theLab); got != "" {
			t.Errorf("%s\ngot %s", text, got)
		}
	}
}
