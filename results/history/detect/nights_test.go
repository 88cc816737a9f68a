package detect

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/stratbench/stratbench/results/compare"
)

// world draws the nights of a host in which what happens is known. All spreads
// are standard deviations of logs, and noise is t-distributed with 4 degrees
// of freedom.
type world struct {
	Cells, Replicates int
	Doubts            int // series that trials of both sides decide on together

	Host    float64 // from night to night, all cells alike
	Wander  float64 // the same, slowly: correlated 0.9 from night to night
	Cell    float64 // from night to night, of one cell
	Follow  float64 // correlation of a night with the one before: of host and cells
	Weekend float64 // Saturdays and Sundays
	Season  float64 // rise and fall of a cell over a year, at most
	Trial   float64 // within a night, all phases of a trial alike
	Phase   float64 // factor on the spreads of the phases by themselves
	Stray   float64 // share of trials whose build takes 1.2 to 2 times as long

	Busy     float64 // episodes a night: 1 to 3 nights, 15 to 40 % slower
	Seen     float64 // share of busy nights that are marked unfit
	Gauge    float64 // spread of the reference around the host; 0 for no reference
	Crash    float64 // share of trials that crash
	FailTest float64 // share of the others whose tests fail

	random *rand.Rand
	change change
}

// change is what happens to one cell from a night on.
type change struct {
	cell, from, until int
	setup             float64 // share by which setup grows, all of it in the build
	perNight          float64 // the same, for each night anew
	crash             float64 // rate of crashes, where above 0
	host              float64 // log by which the host becomes slower
}

// usualWorld has the spreads that the quality bars are checked at: of setup
// 4 % within a night and 2 % from night to night, as on real nights
// (TestTheNoiseOfRealNights of package history).
func usualWorld(replicates int, seed uint64) *world {
	return &world{Cells: 16, Replicates: replicates, Doubts: 1, Host: 0.012, Wander: 0.01, Cell: 0.013, Weekend: -0.02, Season: 0.03,
		Trial: 0.022, Phase: 1, Stray: 0.01, Busy: 1.0 / 40, Seen: 0.7, Gauge: 0.01, Crash: 0.02, FailTest: 0.02,
		random: rand.New(rand.NewPCG(seed, 1)), change: change{cell: None}}
}

// noisier multiplies all usual spreads, within nights and between them.
func (w *world) noisier(by float64) {
	for _, spread := range []*float64{&w.Host, &w.Wander, &w.Cell, &w.Trial, &w.Phase, &w.Gauge} {
		*spread *= by
	}
}

// phases of a trial: seconds, and the spread of each by itself.
var phases = [...]struct {
	name            string
	seconds, spread float64
}{{"cluster", 20, 0.03}, {"build", 70, 0.04}, {"load", 2, 0.08}, {"deploy", 5, 0.33}}

const (
	buildPhase   = 1
	allPhases    = 97.0 // seconds
	memorySpread = 0.015
	seriesOfCell = 8 // setup, phases, memory, crashes, failed tests
	setupSeries  = 0
	crashSeries  = 6
)

func (w *world) noise() float64 {
	var chi float64
	for range 4 {
		x := w.random.NormFloat64()
		chi += x * x
	}
	return w.random.NormFloat64() / math.Sqrt(chi/4) / math.Sqrt2
}

func (c change) in(cell, night int) bool {
	return c.cell == cell && night >= c.from && (c.until == 0 || night < c.until)
}

// slower is the factor on the build of a cell in a night.
func (c change) slower(cell, night int) float64 {
	if !c.in(cell, night) {
		return 1
	}
	setup := c.setup
	if c.perNight > 0 {
		setup = math.Expm1(c.perNight * float64(night-c.from+1))
	}
	return 1 + setup*allPhases/phases[buildPhase].seconds
}

// course is the nights of a host, and what each cell's trials then draw from.
type course struct {
	*world
	Matrix
	level  []float64   // of a cell
	shared [][]float64 // of cell and night: host and cell
}

func (w *world) nights(n int) *course {
	c := &course{world: w, Matrix: Matrix{Nights: make([]Night, n)}}
	host := c.host(n)
	for cell := range w.Cells {
		c.level = append(c.level, math.Exp(0.3*w.random.NormFloat64()))
		c.shared = append(c.shared, c.cellNights(host))
		c.Series = append(c.Series, c.cell(cell)...)
	}
	return c
}

func (c *course) host(n int) []float64 {
	host, own, wander, busy, by := make([]float64, n), 0.0, 0.0, 0, 0.0
	for t := range host {
		wander = 0.9*wander + c.Wander*math.Sqrt(1-0.81)*c.random.NormFloat64()
		own = c.follow(own, c.Host)
		host[t] = wander + own
		if t%7 >= 5 {
			host[t] += c.Weekend
		}
		if c.change.host != 0 && t >= c.change.from {
			host[t] += c.change.host
		}
		if busy == 0 && c.random.Float64() < c.Busy {
			busy, by = 1+c.random.IntN(3), math.Log(1.15+0.25*c.random.Float64())
		}
		var night Night
		if busy > 0 {
			busy--
			host[t] += by
			night.Unfit = c.random.Float64() < c.Seen
		}
		if c.Gauge > 0 {
			night.Reference = 10 * math.Exp(host[t]+c.Gauge*c.random.NormFloat64())
		}
		c.Nights[t] = night
	}
	return host
}

// follow is what a night adds, after one that added last.
func (c *course) follow(last, spread float64) float64 {
	return c.Follow*last + math.Sqrt(1-c.Follow*c.Follow)*spread*c.noise()
}

func (c *course) cellNights(host []float64) []float64 {
	shared, size, phase := make([]float64, len(host)), c.Season/2*c.random.Float64(), 2*math.Pi*c.random.Float64()
	own := 0.0
	for t, h := range host {
		own = c.follow(own, c.Cell)
		shared[t] = h + own + size*math.Sin(2*math.Pi*float64(t)/365+phase)
	}
	return shared
}

// trial draws setup, the phases' seconds and the peak memory of a cell's trial
// in a night, before or after what changed.
func (c *course) trial(cell, night int, slower float64) (values [6]float64) {
	trial := c.shared[cell][night] + c.Trial*c.noise()
	for i, p := range phases {
		v := p.seconds * c.level[cell] * math.Exp(trial+c.Phase*p.spread*c.noise())
		if i == buildPhase {
			v *= slower
			if c.random.Float64() < c.Stray {
				v *= 1.2 + 0.8*c.random.Float64()
			}
		}
		values[0] += v
		values[1+i] = v
	}
	values[5] = 2e9 * c.level[cell] * math.Exp(memorySpread*c.noise())
	return values
}

func (c *course) crashRate(cell, night int) float64 {
	if c.change.crash > 0 && c.change.in(cell, night) {
		return c.change.crash
	}
	return c.Crash
}

func (c *course) cell(cell int) []Series {
	n := len(c.Nights)
	series := make([]Series, seriesOfCell)
	for i := range 6 {
		series[i] = Series{Metric: strconv.Itoa(i), Primary: i == setupSeries, Values: make([][]float64, n)}
	}
	for i := crashSeries; i < seriesOfCell; i++ {
		series[i] = Series{Bad: make([]int, n), Trials: make([]int, n)}
	}
	for t := range n {
		for range c.Replicates {
			c.addTrial(series, cell, t)
		}
	}
	return series
}

func (c *course) addTrial(series []Series, cell, t int) {
	crash, failed := series[crashSeries], series[crashSeries+1]
	crash.Trials[t]++
	if c.random.Float64() < c.crashRate(cell, t) {
		crash.Bad[t]++
		return
	}
	failed.Trials[t]++
	if c.random.Float64() < c.FailTest {
		failed.Bad[t]++
	}
	for i, v := range c.trial(cell, t, c.change.slower(cell, t)) {
		series[i].Values[t] = append(series[i].Values[t], v)
	}
}

// confirmLevel is that of all series in doubt in a night; see the package
// history, which runs one block more than they need, and blocksOfRate for a
// rate.
const (
	confirmLevel = 0.05
	blocksOfRate = 12
)

// confirm runs the trials that an alarm asks for, in the same night: each state
// once a block, with as many series in doubt as the world says.
func (c *course) confirm(night int, f Finding) (Confirmation, bool) {
	cell, metric := f.Series/seriesOfCell, f.Series%seriesOfCell
	level := confirmLevel / float64(c.Doubts)
	if metric >= crashSeries {
		return c.confirmRate(cell, metric, night, level, f)
	}
	blocks := int(math.Ceil(math.Log2(1/level))) + 1
	sides := [2][][]float64{make([][]float64, blocks), make([][]float64, blocks)}
	for side, slower := range []float64{1, c.change.slower(cell, night)} {
		for b := range blocks {
			if c.random.Float64() >= c.crashRate(cell, night) {
				sides[side][b] = []float64{c.trial(cell, night, slower)[metric]}
			}
		}
	}
	if f.Better {
		slices.Reverse(sides[:])
	}
	d := compare.Change(sides[0], sides[1], level)
	return Confirmation{Confirmed: d.P <= level && d.Change >= DefaultThreshold, Excluded: !f.Better && d.Upper < DefaultThreshold}, !d.TooFew(level)
}

// leastUsual and confirmMisses are those of the package history.
const leastUsual, confirmMisses = 0.02, 0.05

func (c *course) confirmRate(cell, metric, night int, level float64, f Finding) (Confirmation, bool) {
	rate := c.FailTest
	if metric == crashSeries {
		rate = c.crashRate(cell, night)
	}
	bad := 0
	for range blocksOfRate {
		if c.random.Float64() < rate {
			bad++
		}
	}
	usual := min(0.9, max(leastUsual, f.Before))
	confirmed, excluded := compare.Raised(bad, blocksOfRate, usual, Raised(usual), level, confirmMisses)
	return Confirmation{Confirmed: confirmed, Excluded: excluded}, (confirmed || excluded) && !f.Better
}

func index(b bool) int {
	if b {
		return 1
	}
	return 0
}

func nobody(int, Finding) (c Confirmation, asked bool) { return c, false }
