package strategies

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/stratbench/stratbench/internal/host"
)

// Admission is what the builds of an adaptive schedule are admitted by. Amounts
// are in bytes.
type Admission struct {
	// Room is the memory of the machine in which images are built; 0 leaves it
	// to the readings.
	Room int64 `json:"room_bytes,omitempty"`
	// Peaks are the most memory that each image's build is expected to hold.
	Peaks map[string]int64 `json:"peaks_bytes"`
	// Guessed are images whose peak was never measured.
	Guessed []string `json:"guessed,omitempty"`
}

const (
	// guessedPeak is the peak that is expected of an image of average weight, where
	// none was measured: three of them do not quite fill the 7 GiB in which three
	// parallel builds were seen to end an engine.
	guessedPeak = 2 << 30
	// besides is the least that is kept for the engine and a cluster's node, which
	// run beside the builds: together they hold about a third of a GiB.
	besides = 512 << 20
	// recent is the time over which pressure is measured. An admission must be that
	// old before the next one, so that its effect is seen.
	recent = 2 * time.Second
	// A build is admitted while some process waited for memory for less than the
	// share lowPressure of the recent time; one gives way when all of them waited
	// for fullPressure.
	lowPressure, fullPressure = 0.10, 0.50
	// stale is the age from which on a reading does not describe the machine any more.
	stale = 2 * recent
	// slack is how much less than the recent time two readings may lie apart:
	// readings of each second are never quite a second apart.
	slack = recent / 20
	// lookEvery is how often the policy decides.
	lookEvery = 250 * time.Millisecond
)

// longestFirst puts all images in one stage, the one that takes longest first:
// by the times of earlier builds where all are known, else by weight.
func longestFirst(images []Image) ([]Stage, error) {
	timed := !slices.ContainsFunc(images, func(i Image) bool { return i.Takes <= 0 })
	sorted := slices.Clone(images)
	slices.SortStableFunc(sorted, func(a, b Image) int {
		if timed {
			return cmp.Compare(b.Takes, a.Takes)
		}
		return cmp.Compare(b.Weight, a.Weight)
	})
	return []Stage{{Images: names(sorted), Concurrency: len(sorted)}}, nil
}

// admission has the expected peak of each image. One that was never measured is
// guessed from its weight.
func admission(images []Image) *Admission {
	a := &Admission{Peaks: map[string]int64{}}
	weight := func(i Image) float64 { return cmp.Or(max(0, i.Weight), 1) }
	mean := 0.0
	for _, i := range images {
		mean += weight(i) / float64(len(images))
	}
	for _, i := range images {
		a.Peaks[i.Name] = i.Peak
		if i.Peak <= 0 {
			a.Peaks[i.Name] = int64(guessedPeak * weight(i) / mean)
			a.Guessed = append(a.Guessed, i.Name)
		}
	}
	return a
}

// Reading is the state of a machine's memory at one moment.
type Reading struct {
	At time.Time `json:"-"`
	// Room is the memory that there is, and Used what of it programs hold and the
	// kernel cannot take from them, in bytes; 0 is not known.
	Room int64 `json:"room_bytes,omitempty"`
	Used int64 `json:"used_bytes"`
	// Some and Full are how long some process, or all that were not idle, have
	// waited for memory so far: the totals of PSI. They mean nothing where Pressure
	// is false.
	Some     time.Duration `json:"some_ns"`
	Full     time.Duration `json:"full_ns"`
	Pressure bool          `json:"pressure"`
}

// HostGauge reads the memory of this host, for an engine that runs on it. It returns false
// on hosts other than Linux, which do not report it.
func HostGauge() (Reading, bool) {
	a, err := host.Look()
	if err != nil {
		return Reading{}, false
	}
	return Reading{At: time.Now(), Room: int64(a.MemoryUsed + a.MemoryAvailable), Used: int64(a.MemoryAnon),
		Some: a.Pressure.MemorySomeTotal.Duration(), Full: a.Pressure.MemoryFullTotal.Duration(), Pressure: a.Pressure.Known}, true
}

// policy decides which builds may run at a moment. It has no clock and reads
// nothing: the runner gives it both.
type policy struct {
	admission Admission
	// readings are those of the recent time, the oldest first.
	readings []Reading
	// base is what was in use before the first build.
	base int64
	// admitted is when the last build was admitted, changed when one last started, ended
	// or was told to stop: earlier pressure does not describe those that run.
	admitted, changed    time.Time
	backedOff, saidBlind bool
}

// take takes in a reading, unless it is known.
func (p *policy) take(r Reading) {
	if n := len(p.readings); n > 0 && !r.At.After(p.readings[n-1].At) {
		return
	}
	if p.admitted.IsZero() {
		p.base = r.Used
	}
	p.readings = append(p.readings, r)
	// One that is older than the recent time is kept: changes begin with it.
	for len(p.readings) > 2 && r.At.Sub(p.readings[1].At) >= recent-slack {
		p.readings = p.readings[1:]
	}
}

// pressure is the share of the recent time for which some process, and all of
// them, waited for memory. ok is false while that is not known.
func (p *policy) pressure(since, now time.Time) (some, full float64, ok bool) {
	if len(p.readings) < 2 {
		return 0, 0, false
	}
	last := p.readings[len(p.readings)-1]
	if now.Sub(last.At) > stale {
		return 0, 0, false
	}
	for _, first := range slices.Backward(p.readings) {
		over := last.At.Sub(first.At)
		if !first.Pressure || !last.Pressure || first.At.Before(since) {
			return 0, 0, false
		}
		if over >= recent-slack {
			return float64(last.Some-first.Some) / float64(over), float64(last.Full-first.Full) / float64(over), true
		}
	}
	return 0, 0, false
}

// blind reports whether the machine's pressure cannot be read.
func (p *policy) blind() bool {
	return !slices.ContainsFunc(p.readings, func(r Reading) bool { return r.Pressure })
}

// left is the memory that is neither in use nor expected to be by the builds
// that run; 0 where nothing is known of it.
func (p *policy) left(running []*build) int64 {
	room, used := p.admission.Room, int64(0)
	if n := len(p.readings); n > 0 {
		room, used = cmp.Or(room, p.readings[n-1].Room), p.readings[n-1].Used
	}
	expected := kept(p.base, room)
	for _, b := range running {
		expected += p.admission.Peaks[b.image]
	}
	return max(0, room-max(used, expected))
}

// kept is the memory that no build is expected to get: what was in use before the
// first one, and an eighth of the room for the files that builds read and write.
func kept(base, room int64) int64 { return max(base+room/8, besides) }

// admits reports whether the image's build may start beside those that run, and
// why.
func (p *policy) admits(image string, running []*build, now time.Time) (ok bool, why string) {
	if len(running) == 0 {
		return true, "nothing else is built"
	}
	if p.backedOff || now.Sub(p.admitted) < recent {
		return false, ""
	}
	left, peak := p.left(running), p.admission.Peaks[image]
	if peak > left {
		return false, ""
	}
	fits := fmt.Sprintf("%s expected, %s left", gib(peak), gib(left))
	if p.blind() {
		return true, fits + ", pressure not known"
	}
	some, _, known := p.pressure(time.Time{}, now)
	if !known || some >= lowPressure {
		return false, ""
	}
	return true, fmt.Sprintf("%s, pressure %.0f %%", fits, 100*some)
}

// givesWay reports whether one of several builds must stop: since the last one started,
// ended or was told to stop, all processes waited for memory for much of the time.
func (p *policy) givesWay(now time.Time) (bool, string) {
	_, full, known := p.pressure(p.changed, now)
	if !known || full < fullPressure {
		return false, ""
	}
	return true, fmt.Sprintf("all processes waited for memory for %.0f %% of the last %s", 100*full, recent)
}

func gib(bytes int64) string { return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30)) }
