package enginetest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/runtimes"
)

// untag takes the only name away from an image, which must stay otherwise as it was.
func (s suite) untag(t *testing.T) {
	first, second := s.own(t, "kept"), s.own(t, "kept-again")
	ctx := within(t)
	_, id := s.mustBuild(t, runtimes.Build{Tag: first, NoCache: true, Context: folder(t, "FROM "+baseImage+"\nENV KEPT=yes\n")})
	must(t, s.Engine.Untag(ctx, first))
	if _, err := s.Engine.Image(ctx, first); !runtimes.IsNotFound(err) {
		t.Errorf("a name that was taken away: %v", err)
	}
	if err := s.Engine.Untag(ctx, first); !runtimes.IsNotFound(err) {
		t.Errorf("taking a name away that is not there: %v", err)
	}
	contents, err := s.Engine.Contents(ctx)
	must(t, err)
	at := slices.IndexFunc(contents.Images, func(i runtimes.Image) bool { return i.ID == id })
	if at < 0 || len(contents.Images[at].Names) > 0 {
		t.Fatalf("the image %s without a name is not among %v", id, contents.Images)
	}
	for _, i := range contents.Images {
		for _, name := range i.Names {
			if strings.HasPrefix(name, first) {
				t.Errorf("%s is left after the name was taken away", name)
			}
		}
	}
	must(t, s.Engine.Tag(ctx, string(id), second))
	s.is(t, second, id)
}

// forget builds while the cache has another build's records, and removes its own.
func (s suite) forget(t *testing.T) {
	mine, other := s.own(t, "forgotten"), s.own(t, "remembered")
	ctx := within(t)
	b := runtimes.Build{ID: "other", Tag: other, NoCache: true, Context: folder(t, twoStages, "input.txt")}
	s.mustBuild(t, b)
	before, err := s.Engine.Contents(ctx)
	must(t, err)
	b.ID, b.Tag = "mine", mine
	s.mustBuild(t, b)
	must(t, s.Engine.Remove(ctx, mine))
	left, err := s.Engine.Forget(ctx, []string{"mine"}, before.BuildCache)
	must(t, err)
	after, err := s.Engine.Contents(ctx)
	must(t, err)
	slices.Sort(before.BuildCache)
	slices.Sort(after.BuildCache)
	if !slices.Equal(before.BuildCache, after.BuildCache) && len(left) == 0 {
		t.Errorf("the build cache had %q and has %q", before.BuildCache, after.BuildCache)
	}
	t.Logf("records before: %d, left: %d", len(before.BuildCache), len(left))
}

// claims claims one name twice.
func (s suite) claims(t *testing.T) {
	const name = "stratbench-enginetest"
	ctx := within(t)
	must(t, s.Engine.Release(ctx, name))
	for _, who := range []string{"first", "second"} {
		labels, err := s.Engine.Claim(ctx, name, map[string]string{"who": who})
		must(t, err)
		if labels["who"] != "first" {
			t.Errorf("%s finds %q", who, labels)
		}
	}
	contents, err := s.Engine.Contents(ctx)
	must(t, err)
	if !slices.ContainsFunc(contents.Volumes, func(o runtimes.Object) bool { return o.Name == name && o.Labels["who"] == "first" }) {
		t.Errorf("the volume is not among %v", contents.Volumes)
	}
	must(t, s.Engine.Release(ctx, name))
	must(t, s.Engine.Release(ctx, name))
	labels, err := s.Engine.Claim(ctx, name, map[string]string{"who": "third"})
	must(t, err)
	if labels["who"] != "third" {
		t.Errorf("after the release the volume has %q", labels)
	}
	must(t, s.Engine.Release(ctx, name))
	must(t, s.Engine.RemoveNetwork(ctx, name))
}

// disconnect takes containers out of the only network that they are in: one that was never
// started, and one that runs.
func (s suite) disconnect(t *testing.T) {
	const network = "stratbench-enginetest"
	ctx := within(t)
	s.create(t, "/networks/create", map[string]any{"Name": network, "Driver": "bridge"})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.Engine.RemoveNetwork(ctx, network); err != nil {
			t.Errorf("cleaning up: %v", err)
		}
	})
	for _, name := range []string{network + "-created", network + "-running"} {
		s.container(t, name, network)
		if strings.HasSuffix(name, "running") {
			_, err := s.Endpoint.Ask(ctx, http.MethodPost, "/containers/"+name+"/start")
			must(t, err)
		}
		before := s.find(t, name)
		if !slices.Equal(before.Networks, []string{network}) {
			t.Fatalf("%s is in the networks %q, want %s", name, before.Networks, network)
		}
		must(t, s.Engine.Disconnect(ctx, network, before.ID))
		if after := s.find(t, name); after.ID != before.ID || slices.Contains(after.Networks, network) {
			t.Errorf("after it was taken out of %s: %+v", network, after)
		}
		for what, err := range map[string]error{
			"again":                      s.Engine.Disconnect(ctx, network, name),
			"out of no network there is": s.Engine.Disconnect(ctx, network+"-missing", name),
		} {
			if err != nil {
				t.Errorf("taking %s %s: %v", name, what, err)
			}
		}
	}
	if err := s.Engine.Disconnect(ctx, network, network+"-missing"); err != nil {
		t.Errorf("taking out a container that there is not: %v", err)
	}
	must(t, s.Engine.RemoveNetwork(ctx, network)) // nothing is connected any more
}

// container makes a container in a network, which sleeps if it is started. It is removed when
// the test ends.
func (s suite) container(t *testing.T, name, network string) {
	t.Helper()
	s.create(t, "/containers/create?name="+name, map[string]any{
		"Image": baseImage, "Cmd": []string{"/probe", "sleep", "1h"}, "HostConfig": map[string]any{"NetworkMode": network},
		"NetworkingConfig": map[string]any{"EndpointsConfig": map[string]any{network: map[string]any{}}},
	})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if _, err := s.Endpoint.Ask(ctx, http.MethodDelete, "/containers/"+name+"?force=true&v=true"); err != nil {
			t.Errorf("cleaning up: %v", err)
		}
	})
}

// find is the container of that name in the engine's contents.
func (s suite) find(t *testing.T, name string) runtimes.Object {
	t.Helper()
	contents, err := s.Engine.Contents(within(t))
	must(t, err)
	at := slices.IndexFunc(contents.Containers, func(o runtimes.Object) bool { return o.Name == name })
	if at < 0 {
		t.Fatalf("%s is not among %+v", name, contents.Containers)
	}
	return contents.Containers[at]
}

// create has the engine make something that stratbench itself makes only through Kind.
func (s suite) create(t *testing.T, path string, what any) {
	t.Helper()
	text, err := json.Marshal(what)
	must(t, err)
	api, err := s.Endpoint.API()
	must(t, err)
	transport, err := s.Endpoint.Transport()
	must(t, err)
	transport.DisableKeepAlives = true
	request, err := http.NewRequestWithContext(within(t), http.MethodPost, api.String()+path, bytes.NewReader(text))
	must(t, err)
	request.Header.Set("Content-Type", "application/json")
	answer, err := (&http.Client{Transport: transport}).Do(request)
	must(t, err)
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	must(t, err)
	if answer.StatusCode != http.StatusCreated {
		t.Fatalf("%s: %s: %s", path, answer.Status, said)
	}
}
