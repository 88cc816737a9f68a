package deploy

import (
	"strings"
	"testing"
)

func TestObjectsThatNeedAnImage(t *testing.T) {
	images := map[string]bool{"localhost/app:e2e": true, "docker.io/library/till:latest": true}
	shop, err := read(write(t, t.TempDir(), "n.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"))
	if err != nil {
		t.Fatal(err)
	}
	namespaces := Namespaces([]Step{{Objects: shop}})
	for name, c := range map[string]struct {
		text              string
		needs, keepsPlace bool
	}{
		"a workload":          {app, true, false},
		"an init container":   {strings.Replace(app, "localhost/app:e2e", "busybox", 1) + "      initContainers: [{name: i, image: docker.io/library/till}]\n", true, false},
		"another image":       {strings.Replace(app, "localhost/app:e2e", "localhost/app:v2", 1), false, false},
		"a word":              {"apiVersion: v1\nkind: Service\nmetadata: {name: till}\nspec: {selector: {app: till}}\n", false, false},
		"a custom resource":   {"apiVersion: shop.test/v1\nkind: Till\nmetadata: {name: a}\nspec: {parts: [{image: till}]}\n", true, true},
		"an argument":         {strings.Replace(app, "image: localhost/app:e2e", "args: [\"--image=localhost/app:e2e\"]", 1), true, false},
		"a webhook":           {"apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {name: a}\n", false, true},
		"in a namespace":      {"apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: shop}\n", false, false},
		"in one of another":   {"apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: tills}\n", false, true},
		"a definition":        {"apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: tills.shop.test}\n", false, false},
		"text with equations": {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {key: \"a=b=\"}\n", false, false},
	} {
		objects, err := read(write(t, t.TempDir(), "m.yaml", c.text))
		if err != nil {
			t.Fatal(err)
		}
		if o := objects[0]; o.Needs(images) != c.needs || o.KeepsPlace(namespaces) != c.keepsPlace || o.Needs(nil) {
			t.Errorf("%s: needs %v, keeps its place %v", name, o.Needs(images), o.KeepsPlace(namespaces))
		}
	}
}
