package enginetest

import (
	"slices"
	"strings"
	"testing"

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
