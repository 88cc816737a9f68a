package kube

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func TestClientNamesRefusals(t *testing.T) {
	for code, want := range map[int]error{
		http.StatusNotFound: ErrNotFound,
		http.StatusConflict: ErrConflict,
		http.StatusGone:     ErrGone,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "why", code)
		}))
		_, err := New(server.URL, server.Client(), nil).Get(t.Context(), "ns", "name")
		server.Close()
		if !errors.Is(err, want) || !strings.Contains(err.Error(), "why") {
			t.Errorf("%d: got %v, want %v with the server's words", code, err, want)
		}
	}
}

func TestClientSendsPatch(t *testing.T) {
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = []string{r.Method, r.URL.Path, r.Header.Get("Content-Type"), r.Header.Get("Authorization"), string(body)}
		io.WriteString(w, `{"metadata":{"resourceVersion":"8"}}`)
	}))
	defer server.Close()
	client := New(server.URL+"/", server.Client(), func() (string, error) { return "secret", nil })
	patch := ConfigMap{Meta: Meta{ResourceVersion: "7", Annotations: map[string]string{"a": "b"}}}
	merged, err := client.Merge(t.Context(), "ns", "name", patch)
	if err != nil {
		t.Fatal(err)
	}
	if merged.Meta.ResourceVersion != "8" {
		t.Errorf("answer: %+v", merged)
	}
	want := []string{
		"PATCH", "/api/v1/namespaces/ns/configmaps/name", "application/merge-patch+json", "Bearer secret",
		`{"metadata":{"resourceVersion":"7","annotations":{"a":"b"}}}`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFollow(t *testing.T) {
	const added = `{"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"2"}}}`
	const bookmark = `{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"5"}}}`
	for _, test := range []struct {
		name, stream, version, changed string
		check                          func(error) bool
	}{
		{"ends", added + bookmark, "5", "a", func(err error) bool { return err == nil }},
		{"nothing", "", "1", "", func(err error) bool { return err == nil }},
		{"gone", added + `{"type":"ERROR","object":{"code":410,"message":"too old"}}`, "2", "a",
			func(err error) bool { return errors.Is(err, ErrGone) }},
		{"other error", `{"type":"ERROR","object":{"code":500,"message":"ill"}}`, "1", "",
			func(err error) bool { return err != nil && !errors.Is(err, ErrGone) }},
		{"cut", added + `{"type":"ADD`, "2", "a", func(err error) bool { return err != nil }},
	} {
		var changed []string
		version, err := follow(strings.NewReader(test.stream), "1", func(name string) { changed = append(changed, name) })
		if version != test.version || strings.Join(changed, ",") != test.changed || !test.check(err) {
			t.Errorf("%s: version %q, changed %q, error %v", test.name, version, changed, err)
		}
	}
}
