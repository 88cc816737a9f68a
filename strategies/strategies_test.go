package strategies_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/strategies"
)

func images(weights ...float64) []strategies.Image {
	var out []strategies.Image
	for i, w := range weights {
		out = append(out, strategies.Image{Name: string(rune('a' + i)), Weight: w})
	}
	return out
}

func stage(concurrency int, names ...string) strategies.Stage {
	return strategies.Stage{Images: names, Concurrency: concurrency}
}

func TestSchedules(t *testing.T) {
	own := map[string]strategies.Own{
		"pairs":     {MaxConcurrency: 2},
		"many":      {MaxConcurrency: 9},
		"heavy-1st": {Stages: [][]string{{"b"}, {"a", "c"}}},
		"pull-1":    {MaxConcurrency: 1, Pull: true},
	}
	for _, test := range []struct {
		strategy string
		images   []strategies.Image
		stages   []strategies.Stage
		pull     bool
	}{
		{"serial", images(2, 6, 2), []strategies.Stage{stage(1, "a", "b", "c")}, false},
		{"parallel", images(2, 6, 2), []strategies.Stage{stage(3, "a", "b", "c")}, false},
		{"registry", images(2, 6, 2), []strategies.Stage{stage(3, "a", "b", "c")}, true},
		{"shared", images(2, 6, 2), []strategies.Stage{stage(3, "a", "b", "c")}, false},
		{"serial", images(1), []strategies.Stage{stage(1, "a")}, false},
		{"parallel", images(1), []strategies.Stage{stage(1, "a")}, false},
		{"2+1", images(2, 6, 2), []strategies.Stage{stage(2, "a", "c"), stage(1, "b")}, false},
		{"2+1", images(1), []strategies.Stage{stage(1, "a")}, false},
		{"2+1", images(6, 2), []strategies.Stage{stage(1, "b"), stage(1, "a")}, false},
		{"2+1", images(2, 2), []strategies.Stage{stage(1, "a"), stage(1, "b")}, false},
		{"2+1", images(1, 5, 2, 5, 3), []strategies.Stage{stage(4, "a", "b", "c", "e"), stage(1, "d")}, false},
		{"2+1", images(1, 1, 1), []strategies.Stage{stage(2, "a", "b"), stage(1, "c")}, false},
		{"pairs", images(2, 6, 2), []strategies.Stage{stage(2, "a", "b", "c")}, false},
		{"many", images(2, 6, 2), []strategies.Stage{stage(3, "a", "b", "c")}, false},
		{"heavy-1st", images(2, 6, 2), []strategies.Stage{stage(1, "b"), stage(2, "a", "c")}, false},
		{"pull-1", images(2, 6), []strategies.Stage{stage(1, "a", "b")}, true},
	} {
		s, err := strategies.Named(test.strategy, own)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Schedule(test.images)
		want := strategies.Schedule{Strategy: test.strategy, Stages: test.stages, Pull: test.pull, Shares: test.strategy == strategies.Shared}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s of %v is\n%+v, %v; want\n%+v", test.strategy, test.images, got, err, want)
		}
	}
}

// Every strategy obtains every image once, whatever the weights.
func TestEveryImageIsObtainedOnce(t *testing.T) {
	for _, name := range strategies.Names(nil) {
		s, err := strategies.Named(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		for n := 1; n <= 12; n++ {
			weights := make([]float64, n)
			for i := range weights {
				weights[i] = float64((i*7)%5 + 1)
			}
			schedule, err := s.Schedule(images(weights...))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, stage := range schedule.Stages {
				if stage.Concurrency < 1 || stage.Concurrency > len(stage.Images) {
					t.Errorf("%s of %d: concurrency %d for %q", name, n, stage.Concurrency, stage.Images)
				}
				got = append(got, stage.Images...)
			}
			slices.Sort(got)
			if len(got) != n || len(slices.Compact(got)) != n {
				t.Errorf("%s of %d obtains %q", name, n, got)
			}
		}
	}
}

func TestFaultyStrategies(t *testing.T) {
	for _, test := range []struct {
		own  strategies.Own
		want []string
	}{
		{strategies.Own{}, []string{"has no content"}},
		{strategies.Own{MaxConcurrency: -1}, []string{"at least 1"}},
		{strategies.Own{MaxConcurrency: 2, Stages: [][]string{{"a"}}}, []string{"keep one of them"}},
		{strategies.Own{Stages: [][]string{{"a", "x"}, {}, {"a"}}},
			[]string{`names "x", which the workload does not have`, "stage 2 is empty", `names "a" a second time`, `no stage names image "b"`}},
	} {
		s, err := strategies.Named("own", map[string]strategies.Own{"own": test.own})
		if err == nil {
			_, err = s.Schedule(images(1, 2))
		}
		if err == nil {
			t.Errorf("%+v is accepted", test.own)
			continue
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: %q does not say %q", test.own, err, want)
			}
		}
	}
}

func TestUnknownStrategyListsTheKnown(t *testing.T) {
	_, err := strategies.Named("paralel", map[string]strategies.Own{"mine": {MaxConcurrency: 1}})
	if want := `unknown strategy "paralel"; known are serial, 2+1, parallel, registry, adaptive, shared, mine`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestNoImages(t *testing.T) {
	for _, name := range strategies.Names(nil) {
		s, err := strategies.Named(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Schedule(nil); err == nil {
			t.Errorf("%s schedules no image", name)
		}
		if _, err := s.Schedule([]strategies.Image{{Name: "a"}, {Name: "a"}}); err == nil {
			t.Errorf("%s schedules two images of one name", name)
		}
	}
}
