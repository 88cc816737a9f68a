package strategies

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// Demand is what the build of an image takes of a machine when it has it alone.
type Demand struct {
	// Takes is how long the build takes, and CPU how much processor time.
	Takes, CPU time.Duration
	// Peak is the most memory that it holds, in bytes.
	Peak int64
}

// Prediction is what the builds of a schedule are expected to take.
type Prediction struct {
	Takes time.Duration
	// Peak is the most memory that builds hold at a time, in bytes.
	Peak int64
}

// Predict predicts how long the builds of the schedule take on a machine with cpus
// processors, and how much memory they hold, from what each takes alone. The processors are
// shared max-min fairly (Bertsekas and Gallager, Data Networks, 1992, section
// 6.5.2): builds that want less than an equal share go on at full speed, and what
// those leave is shared by the others. What builds do to each other by disk,
// network or a common cache is not in it. An adaptive schedule admits a build
// when its peak fits into its room. It is an error if the schedule shares stages: what
// that saves is in the Dockerfiles.
func (s Schedule) Predict(of map[string]Demand, cpus float64) (p Prediction, err error) {
	if s.Shares {
		return p, fmt.Errorf("what the strategy %s saves cannot be predicted from whole builds; stratbench plan says what images have in common", s.Strategy)
	}
	for _, stage := range s.Stages {
		for _, image := range stage.Images {
			if d, known := of[image]; !known || d.Takes <= 0 || cpus <= 0 {
				return p, fmt.Errorf("it is not known what the build of %s takes alone; measure it with the strategy serial", image)
			}
		}
		takes, peak := s.predictStage(stage, of, cpus)
		p.Takes, p.Peak = p.Takes+takes, max(p.Peak, peak)
	}
	return p, nil
}

func (s Schedule) predictStage(stage Stage, of map[string]Demand, cpus float64) (takes time.Duration, peak int64) {
	waiting := slices.Clone(stage.Images)
	left := map[string]float64{} // the seconds that each running build has left, if it is alone
	for len(waiting)+len(left) > 0 {
		var held int64
		for image := range left {
			held += of[image].Peak
		}
		for len(waiting) > 0 && len(left) < max(1, stage.Concurrency) {
			next := of[waiting[0]]
			if a := s.Admission; a != nil && a.Room > 0 && len(left) > 0 && held+next.Peak > a.Room-kept(0, a.Room) {
				break
			}
			left[waiting[0]] = next.Takes.Seconds()
			held, waiting = held+next.Peak, waiting[1:]
		}
		peak = max(peak, held)
		speeds := share(slices.Collect(maps.Keys(left)), of, cpus)
		first := math.Inf(1)
		for image, alone := range left {
			first = min(first, alone/speeds[image])
		}
		takes += time.Duration(first * float64(time.Second))
		for image := range left {
			if left[image] -= first * speeds[image]; left[image] <= 1e-9 {
				delete(left, image)
			}
		}
	}
	return takes, peak
}

// share is how fast each build goes on beside the others; alone it is 1.
func share(running []string, of map[string]Demand, cpus float64) map[string]float64 {
	speeds := map[string]float64{}
	slices.SortFunc(running, func(a, b string) int { return cmp.Compare(of[a].width(), of[b].width()) })
	for i, image := range running {
		speeds[image] = 1
		if equal := cpus / float64(len(running)-i); of[image].width() > equal {
			speeds[image] = equal / of[image].width()
		}
		cpus -= of[image].width() * speeds[image]
	}
	return speeds
}

// width is how many processors a build keeps busy alone.
func (d Demand) width() float64 { return d.CPU.Seconds() / d.Takes.Seconds() }

// Predicted is a schedule with what its builds are expected to take.
type Predicted struct {
	Schedule
	Prediction
}

// mostGrouped is the largest number of images of which all groupings are tried: six have
// 4683.
const mostGrouped = 6

// Promising predicts the strategies that build whole images on a machine with cpus
// processors and room bytes of memory (0 is not known) and, of up to six images, all ways
// to build them in stages. It returns first the groupings that no other schedule equals or
// beats in both time and memory, the fastest first, and then the strategies. Only
// schedules that are possible are predicted: an image may be built on another one.
func Promising(images []Image, own map[string]Own, of map[string]Demand, cpus float64, room int64, possible func(Schedule) bool) ([]Predicted, error) {
	var known []Predicted
	for _, name := range Names(own) {
		strategy, err := Named(name, own)
		if err != nil {
			return nil, err
		}
		schedule, err := strategy.Schedule(images)
		if err != nil || strategy.Pull || strategy.Shares || !possible(schedule) {
			continue // one of a user's own may be of other images
		}
		if schedule.Admission != nil {
			schedule.Admission.Room = room
		}
		p, err := schedule.Predict(of, cpus)
		if err != nil {
			return nil, err
		}
		known = append(known, Predicted{schedule, p})
	}
	faster := func(a, b Predicted) int { return cmp.Or(cmp.Compare(a.Takes, b.Takes), cmp.Compare(a.Peak, b.Peak)) }
	slices.SortStableFunc(known, faster)
	var grouped, better []Predicted
	if len(images) <= mostGrouped {
		for _, stages := range groupings(names(images)) {
			schedule := Schedule{Strategy: stagesText(stages), Stages: stages}
			if !possible(schedule) {
				continue
			}
			p, err := schedule.Predict(of, cpus)
			if err != nil {
				return nil, err
			}
			grouped = append(grouped, Predicted{schedule, p})
		}
	}
	slices.SortStableFunc(grouped, faster)
	for _, g := range grouped {
		if !slices.ContainsFunc(slices.Concat(known, better), func(o Predicted) bool { return o.Takes <= g.Takes && o.Peak <= g.Peak }) {
			better = append(better, g)
		}
	}
	return append(better, known...), nil
}

// groupings are all ways to put images into stages whose images are built at once. Of those
// that differ in the order of stages alone, the first is closest to the order of images.
func groupings(images []string) [][]Stage {
	if len(images) == 0 {
		return [][]Stage{nil}
	}
	var all [][]Stage
	last := images[len(images)-1]
	for _, stages := range groupings(images[:len(images)-1]) {
		for i := range stages {
			with := slices.Clone(stages)
			with[i] = Stage{Images: append(slices.Clone(stages[i].Images), last), Concurrency: stages[i].Concurrency + 1}
			all = append(all, with)
		}
		for i := len(stages); i >= 0; i-- {
			all = append(all, slices.Insert(slices.Clone(stages), i, Stage{Images: []string{last}, Concurrency: 1}))
		}
	}
	return all
}

// stagesText is "a + b, then c".
func stagesText(stages []Stage) string {
	var texts []string
	for _, s := range stages {
		texts = append(texts, strings.Join(s.Images, " + "))
	}
	return strings.Join(texts, ", then ")
}
