package deploy

import (
	"errors"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
)

func TestConditionsThatAreNone(t *testing.T) {
	for _, c := range []struct {
		condition  Condition
		part, want string
	}{
		{Condition{For: "ready", Object: "pod/a"}, "wait.for", `"ready" is nothing that can be waited for; write condition=Ready`},
		{Condition{For: "condition=", Object: "pod/a"}, "wait.for", "names no condition"},
		{Condition{For: "condition=Ready=", Object: "pod/a"}, "wait.for", "names no condition"},
		{Condition{For: "jsonpath={.a[}=b", Object: "pod/a"}, "wait.for", "is no JSONPath"},
		{Condition{For: "jsonpath={.a", Object: "pod/a"}, "wait.for", "has no closing brace"},
		{Condition{For: "jsonpath={.a}b", Object: "pod/a"}, "wait.for", "only = may follow the path"},
		{Condition{For: "jsonpath={.a}=", Object: "pod/a"}, "wait.for", "has no value after ="},
		{Condition{For: "create", Object: "pod/"}, "wait.object", "names no object"},
		{Condition{For: "create", Object: "a/pod/b"}, "wait.object", "names no object"},
		{Condition{For: "create", Object: "pod", Selector: "a in ("}, "wait.selector", "is no selector"},
		{Condition{For: "create", Object: "pod/a", Selector: "a=b"}, "wait.selector", "one object already"},
	} {
		err := c.condition.check()
		var got *SourceError
		if !errors.As(err, &got) || got.Part != c.part || !strings.Contains(got.Error(), c.want) {
			t.Errorf("%+v: got %v, want %s: %s", c.condition, err, c.part, c.want)
		}
	}
}

func TestConditionsThatMayNeverCome(t *testing.T) {
	for text, want := range map[string]string{
		"deployment/a condition=Available":            "",
		"deploy/a condition=available=False":          "",
		"deployments.apps/a condition=Avail":          "Kubernetes gives the kind deployments no condition Avail, so this never ends; did you mean Available?",
		"deployment/a condition=Ready":                "Kubernetes gives the kind deployment no condition Ready, so this never ends; write one of Available, Progressing, ReplicaFailure",
		"job condition=Completed":                     "did you mean Complete?",
		"job.batch.volcano.sh/a condition=Completed":  "",
		"pod/a condition=shop.test/warm":              "",
		"pod/a condition=PodSheduled":                 "did you mean PodScheduled?",
		"sts/a condition=Ready":                       "Kubernetes gives the kind sts no condition Ready, so this never ends; take the step out",
		"pvc/a condition=Bound":                       "jsonpath={.status.phase}=Bound",
		"crd/a condition=Establish":                   "did you mean Established?",
		"node condition=KernelDeadlock":               "",
		"certificate/a condition=Redy":                "did you mean Ready?",
		"certificate/a condition=Issued":              "",
		"keycloakrealmimport/a condition=Started":     "",
		"gateways.gateway.networking.k8s.io/a create": "",
	} {
		object, condition, _ := strings.Cut(text, " ")
		if got := (Condition{For: condition, Object: object}).Doubt(); !strings.Contains(got, want) || (got == "") != (want == "") {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestWhatMeetsACondition(t *testing.T) {
	o := &unstructured.Unstructured{Object: map[string]any{
		"kind": "Certificate", "metadata": map[string]any{"name": "a", "generation": int64(2)},
		"status": map[string]any{"phase": "Issued", "replicas": int64(3), "conditions": []any{
			map[string]any{"type": "Ready", "status": "True"},
			map[string]any{"type": "Late", "status": "True", "observedGeneration": int64(1)},
			map[string]any{"type": "Issuing", "status": "False", "reason": "Done"},
		}},
	}}
	for text, want := range map[string]bool{
		"condition=Ready": true, "condition=ready": true, "condition=Ready=false": false, "condition=Issuing": false, "condition=Issuing=False": true,
		"condition=Late": false, "condition=Gone": false, "create": true,
		"jsonpath={.status.phase}=Issued": true, "jsonpath={.status.phase}=Gone": false, "jsonpath=.status.phase=Issued": true, "jsonpath=status.replicas=3": true,
		"jsonpath={.status.replicas}": true, "jsonpath={.status.gone}": false, "jsonpath={.status.gone}=a": false,
		`jsonpath={.status.conditions[?(@.type=="Ready")].status}=True`: true,
	} {
		judge, err := Condition{For: text, Object: "certificate/a"}.judge()
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, how := judge(o); got != want {
			t.Errorf("%s: got %v: %s", text, got, how)
		}
	}
}

func TestAllThatAreSelectedMustMeetIt(t *testing.T) {
	of := func(name, ready string) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{"kind": "Pod", "metadata": map[string]any{"name": name, "labels": map[string]any{"app": "shop"}},
			"status": map[string]any{"conditions": []any{map[string]any{"type": "Ready", "status": ready}}}}}
	}
	selector, err := labels.Parse("app=shop")
	if err != nil {
		t.Fatal(err)
	}
	a := &awaited{states: map[string]string{}, judge: hasCondition("Ready", "True"), selector: selector}
	other := of("other", "True")
	other.SetLabels(nil)
	for i, s := range []struct {
		object        *unstructured.Unstructured
		deleted, over bool
	}{
		{other, false, false}, {of("a", "False"), false, false}, {of("b", "True"), false, false}, {of("a", "True"), false, true},
	} {
		if over, _ := a.see(s.object, s.deleted); over != s.over {
			t.Fatalf("step %d: over is %v: %s", i, over, a)
		}
	}
}

func TestAJobThatFailedIsNotWaitedFor(t *testing.T) {
	job := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "batch/v1", "kind": "Job", "metadata": map[string]any{"name": "a"},
		"status": map[string]any{"conditions": []any{map[string]any{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}}}}}
	a := &awaited{states: map[string]string{}, judge: hasCondition("Complete", "True"), name: "a", selector: labels.Everything()}
	if over, _ := a.see(job, false); !over || !strings.Contains(a.failed, "BackoffLimitExceeded") {
		t.Errorf("over is %v, failed %q", over, a.failed)
	}
}
