package strategies

import (
	"slices"
	"testing"
	"time"
)

func demand(seconds, cpu int, peak int64) Demand {
	return Demand{Takes: time.Duration(seconds) * time.Second, CPU: time.Duration(cpu) * time.Second, Peak: peak}
}

func TestPredictions(t *testing.T) {
	// On two processors: a keeps one busy, b two, c half of one.
	of := map[string]Demand{"a": demand(10, 10, 3), "b": demand(10, 20, 5), "c": demand(20, 10, 1)}
	stage := func(concurrency int, images ...string) Stage { return Stage{Images: images, Concurrency: concurrency} }
	for name, c := range map[string]struct {
		schedule Schedule
		takes    time.Duration
		peak     int64
	}{
		"one after the other":                   {Schedule{Stages: []Stage{stage(1, "a", "b", "c")}}, 40 * time.Second, 5},
		"the processors suffice for both":       {Schedule{Stages: []Stage{stage(2, "a", "c")}}, 20 * time.Second, 4},
		"two want three processors":             {Schedule{Stages: []Stage{stage(2, "a", "b")}}, 15 * time.Second, 8},
		"the next starts when one has ended":    {Schedule{Stages: []Stage{stage(2, "a", "c", "b")}}, 22500 * time.Millisecond, 6},
		"stages follow each other":              {Schedule{Stages: []Stage{stage(2, "a", "c"), stage(1, "b")}}, 30 * time.Second, 5},
		"adaptive, with room for one at a time": {Schedule{Stages: []Stage{stage(2, "a", "b")}, Admission: &Admission{Room: besides + 7}}, 20 * time.Second, 5},
		"adaptive, with room for both":          {Schedule{Stages: []Stage{stage(2, "a", "b")}, Admission: &Admission{Room: besides + 8}}, 15 * time.Second, 8},
	} {
		p, err := c.schedule.Predict(of, 2)
		if err != nil || (p.Takes-c.takes).Abs() > time.Millisecond || p.Peak != c.peak {
			t.Errorf("%s: got %v, %d, %v; want %v, %d", name, p.Takes, p.Peak, err, c.takes, c.peak)
		}
	}
	if _, err := (Schedule{Stages: []Stage{stage(1, "d")}}).Predict(of, 2); err == nil {
		t.Error("predicted the build of an image that nobody has built")
	}
}

func TestGroupingsAreOrderedPartitions(t *testing.T) {
	// Fubini's numbers.
	for n, want := range []int{1, 1, 3, 13, 75, 541, 4683} {
		images := []string{"a", "b", "c", "d", "e", "f"}[:n]
		if got := len(groupings(images)); got != want {
			t.Errorf("of %d images: %d groupings, want %d", n, got, want)
		}
	}
}

func always(Schedule) bool { return true }

// Of images that are built on each other only some orders are possible, and the one that
// helps may not be that of the images.
func TestOnlyWhatIsPossibleIsPredicted(t *testing.T) {
	images := []Image{{Name: "a"}, {Name: "b"}, {Name: "c"}, {Name: "d"}}
	of := map[string]Demand{"a": demand(10, 5, 1), "b": demand(10, 5, 1), "c": demand(10, 5, 1), "d": demand(10, 5, 1)}
	stageOf := func(s Schedule, image string) int {
		return slices.IndexFunc(s.Stages, func(g Stage) bool { return slices.Contains(g.Images, image) })
	}
	all, err := Promising(images, nil, of, 2, 0, func(s Schedule) bool { // d is built on b, a on c
		return len(s.Stages) > 1 && stageOf(s, "b") < stageOf(s, "d") && stageOf(s, "c") < stageOf(s, "a")
	})
	if err != nil || len(all) != 2 || all[0].Strategy != "b + c, then a + d" || all[0].Takes != 20*time.Second {
		t.Errorf("got %+v, %v", all, err)
	}
}

// Two images that keep both processors busy gain nothing beside each other, and
// hold more; one that waits gains beside either.
func TestPromisingGroupings(t *testing.T) {
	images := []Image{{Name: "a", Weight: 1}, {Name: "b", Weight: 1}, {Name: "c", Weight: 1}}
	of := map[string]Demand{"a": demand(10, 20, 4), "b": demand(10, 20, 4), "c": demand(10, 0, 1)}
	all, err := Promising(images, nil, of, 2, 0, always)
	if err != nil {
		t.Fatal(err)
	}
	best := all[0]
	if best.Strategy != "a, then b + c" && best.Strategy != "a + c, then b" || best.Takes != 20*time.Second || best.Peak != 5 {
		t.Errorf("the best is %s: %v, %d", best.Strategy, best.Takes, best.Peak)
	}
	known := map[string]Prediction{}
	for _, p := range all {
		known[p.Strategy] = p.Prediction
	}
	if known[Serial].Takes != 30*time.Second || known[Parallel].Takes != 20*time.Second || known[Parallel].Peak != 9 {
		t.Errorf("got %+v", known)
	}
	// Slower than parallel, with less memory: for a machine in which that does not survive.
	of = map[string]Demand{"a": demand(10, 10, 4<<30), "b": demand(10, 10, 4<<30), "c": demand(10, 10, 1<<30)}
	for room, want := range map[int64]string{0: "a, then b + c", 6 << 30: Adaptive} {
		all, err := Promising(images, nil, of, 2, room, always)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(all, func(p Predicted) bool { return p.Prediction == Prediction{20 * time.Second, 5 << 30} })
		if i < 0 || all[i].Strategy != want && all[i].Strategy != "a + c, then b" {
			t.Errorf("with room for %d bytes: %+v", room, all)
		}
	}
	for _, other := range []string{Registry, Shared} {
		if _, is := known[other]; is {
			t.Errorf("%s, which does not build whole images, was predicted from their builds", other)
		}
	}
}
