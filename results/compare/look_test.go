package compare

import (
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func secs(s string) float64 {
	s = strings.ReplaceAll(s, " ", "")
	s = strings.ReplaceAll(s, "min", "m")
	d, err := time.ParseDuration(s)
	if err != nil {
		return math.NaN()
	}
	return d.Seconds()
}

func TestShowcase(t *testing.T) {
	f, _ := os.Open("../../docs/reports/podman-vs-docker/trials.csv")
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var all []Trial
	for _, r := range rows[1:] {
		if r[1] == "preparation" || r[1] == "warm-up" {
			continue
		}
		s := secs(r[7])
		if math.IsNaN(s) {
			fmt.Println(r)
			continue
		}
		all = append(all, Trial{Arm: r[4] + "/" + r[5], Place: []string{r[2], r[3]}, Block: r[1], Ready: r[6] == "ok", Seconds: s})
	}
	fmt.Println(len(all))
	for _, sit := range []string{"build", "pull"} {
		for _, q := range []float64{0, .9} {
			for _, eng := range []string{"", "docker", "podman"} {
				for b := 1; b <= 5; b++ {
					var part []Trial
					for _, x := range all {
						bl, _ := strconv.Atoi(x.Block)
						if bl <= b && (eng == "" || x.Place[0] == eng) && strings.HasPrefix(x.Arm, "registry") == (sit == "pull") {
							part = append(part, x)
						}
					}
					for _, delta := range []float64{.05, .1} {
						d := Decide(part, Goal{Quantile: q, MaxFailureRate: 0.05, Indifference: delta, Alpha: .05})
						fmt.Println(sit, q, eng, "block", b, delta, d.Verdict, d.Best, "works:", d.WhenItWorks, "out", len(d.RuledOut), "be", d.BreakEven, "bound", d.FailureBound, d.Settle, d.Effect)
					}
				}
			}
		}
	}
	for b := 1; b <= 3; b++ {
		for _, eng := range []string{"", "docker", "podman"} {
			var part []Trial
			for _, x := range all {
				bl, _ := strconv.Atoi(x.Block)
				if bl <= b && (eng == "" || x.Place[0] == eng) {
					part = append(part, x)
				}
			}
			d := Decide(part, Goal{Indifference: .05, Alpha: .05})
			fmt.Println("all arms", eng, b, d.Verdict, d.Best, d.WhenItWorks, len(d.RuledOut))
		}
	}
}

type scenario struct {
	name   string
	arms   []float64 // mean times
	fail   []float64
	places int
	draw   func(r *rand.Rand, arm int, block int) float64 // multiplier
}

func TestSim(t *testing.T) {
	ln := func(sd float64) func(*rand.Rand, int, int) float64 {
		return func(r *rand.Rand, _, _ int) float64 { return math.Exp(sd * r.NormFloat64()) }
	}
	heavy := func(r *rand.Rand, _, _ int) float64 {
		// t with 3 degrees
		z := r.NormFloat64() / math.Sqrt((sq(r)+sq(r)+sq(r))/3)
		return math.Exp(.05 * z)
	}
	bimodal := func(r *rand.Rand, arm, _ int) float64 {
		m := math.Exp(.03 * r.NormFloat64())
		if arm == 0 && r.Float64() < .15 {
			m *= 2.5
		}
		return m
	}
	for _, sc := range []scenario{
		{"null3", []float64{100, 100, 100}, nil, 1, ln(.05)},
		{"null3x6", []float64{100, 100, 100}, nil, 6, ln(.05)},
		{"20% 1 place", []float64{100, 120, 140}, nil, 1, ln(.05)},
		{"20% 6 places", []float64{100, 120, 140}, nil, 6, ln(.05)},
		{"7% 6 places", []float64{100, 107, 114, 120}, nil, 6, ln(.05)},
		{"5.5% edge 6 places", []float64{100, 105.5}, nil, 6, ln(.05)},
		{"heavy", []float64{100, 110, 120}, nil, 2, heavy},
		{"heavy null", []float64{100, 100, 100, 100}, nil, 2, heavy},
		{"bimodal", []float64{100, 106}, nil, 1, bimodal}, // arm 0 mean 122.5
		{"fail 1/20 at 1h", []float64{300, 315}, []float64{.05, 0}, 1, ln(.02)},
		{"fail 20%", []float64{300, 360, 420}, []float64{.2, 0, 0}, 2, ln(.05)},
		{"noisy 30%", []float64{100, 120, 140, 160}, nil, 2, ln(.3)},
	} {
		for _, q := range []float64{0, .9} {
			truth := make([]float64, len(sc.arms))
			rt := rand.New(rand.NewPCG(1, 2))
			for a := range sc.arms {
				const n = 20001
				v := make([]float64, n)
				mean := 0.0
				for i := range v {
					v[i] = sc.arms[a] * sc.draw(rt, a, 1)
					mean += v[i] / n
				}
				truth[a] = mean
				if q > 0 {
					slices.Sort(v)
					truth[a] = v[int(q*n)]
				}
				if sc.fail != nil {
					truth[a] += sc.fail[a] / (1 - sc.fail[a]) * 3600
				}
			}
			best := slices.Min(truth)
			reps, most := 200, 20
			wrong, wrongOut, stop, sum := 0, 0, 0, 0
			verdicts := map[Verdict]int{}
			for rep := range reps {
				r := rand.New(rand.NewPCG(uint64(rep), 7))
				var tr []Trial
				done, bad, badOut := false, false, false
				var last Verdict
				for b := 1; b <= most && !done; b++ {
					for p := range sc.places {
						be := math.Exp(.1 * r.NormFloat64())
						for a := range sc.arms {
							x := Trial{Arm: fmt.Sprint(a), Place: []string{fmt.Sprint(p)}, Block: fmt.Sprint(b), Ready: true, Seconds: sc.arms[a] * be * sc.draw(r, a, b)}
							if sc.fail != nil && r.Float64() < sc.fail[a] {
								x.Ready, x.Lost = false, 3600
							}
							tr = append(tr, x)
						}
					}
					goal := Goal{Quantile: q, Indifference: .05, Alpha: .05}
					if q > 0 {
						goal.MaxFailureRate = .05
					}
					d := Decide(tr, goal)
					last = d.Verdict
					for _, o := range d.RuledOut {
						i, _ := strconv.Atoi(o.Arm)
						if truth[i] <= best*1.0001 {
							badOut = true
						}
					}
					if d.Verdict == Decided || d.Verdict == Tied {
						done = true
						for _, n := range d.Best {
							i, _ := strconv.Atoi(n)
							if truth[i] > best*1.0501 {
								bad = true
							}
						}
						stop++
						sum += b
					}
				}
				verdicts[last]++
				if bad {
					wrong++
				}
				if badOut {
					wrongOut++
				}
			}
			fmt.Printf("%-20s q=%.1f truth %.0f wrong %.3f wrongOut %.3f ended %.2f blocks %.1f %v\n", sc.name, q, truth, float64(wrong)/float64(reps), float64(wrongOut)/float64(reps), float64(stop)/float64(reps), float64(sum)/float64(max(1, stop)), verdicts)
		}
	}
}

func sq(r *rand.Rand) float64 { z := r.NormFloat64(); return z * z }
