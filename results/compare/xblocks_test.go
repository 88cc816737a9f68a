package compare

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
)

func TestXBlocks(t *testing.T) {
	reps, _ := strconv.Atoi(os.Getenv("XREPS"))
	all := worlds()
	all = append(all,
		world{name: "X 30 % apart, one place", arms: everywhere(1, 50, 65), noise: logNormal(0.05)},
		world{name: "X 15 % apart, 3 places, noise 10", arms: everywhere(3, 50, 57.5, 66), noise: logNormal(0.1)},
		world{name: "X 5 arms, 12 places, 25 %", arms: everywhere(12, 50, 62, 66, 70, 80), noise: logNormal(0.08)},
		world{name: "X 2 arms, 30 % apart noise 25, 2 places", arms: everywhere(2, 50, 65), noise: logNormal(0.25)},
		world{name: "X slower fails 10 %, 3 places", arms: everywhere(3, 50, 58), noise: logNormal(0.05), fails: []float64{0, 0.1}, lost: 50},
	)
	for _, w := range all {
		if w.long && os.Getenv("XLONG") == "" || w.unseen {
			continue
		}
		cost := w.truth()
		sumW, sumD, wrongW, wrongD, sumF := 0, 0, 0, 0, 0
		for seed := range reps {
			r := rand.New(rand.NewPCG(uint64(seed), 77))
			goal := Goal{Quantile: w.quantile}
			if w.quantile > 0 {
				goal.MaxFailureRate = 0.05
			}
			arms := make([]int, len(w.arms))
			for i := range arms {
				arms[i] = i
			}
			var trials []Trial
			works, ended, fails := 0, 0, 0
			var cw, cd course
			for b := 1; b <= 40 && ended == 0; b++ {
				trials = append(trials, w.block(r, b, arms)...)
				a := Decide(trials, []string{"place"}, goal)
				allW, allD := true, true
				for _, g := range a.Groups {
					allW = allW && (g.WhenItWorks == Decided || g.WhenItWorks == Tied)
					allD = allD && g.Verdict != Undecided
					cd.judge(g, cost)
					if g.Verdict == Undecided && g.WhenItWorks != Undecided && works == 0 {
						x := g
						x.Verdict, x.Best = g.WhenItWorks, g.Best[:1]
						cw.judge(x, cost)
					}
				}
				if (allW || allD) && works == 0 {
					works = b
				}
				if allD {
					ended = b
				}
				out := map[string]int{}
				for _, g := range a.Groups {
					for _, o := range g.RuledOut {
						out[o.Against]++
					}
				}
				arms = slices.DeleteFunc(arms, func(x int) bool { return out[strconv.Itoa(x)] == len(a.Groups) })
			}
			_ = fails
			if works == 0 {
				works = 40
			}
			if ended == 0 {
				ended = 40
			}
			sumW, sumD = sumW+works, sumD+ended
			if cw.wrong {
				wrongW++
			}
			if cd.wrong {
				wrongD++
			}
		}
		_ = sumF
		n := float64(reps)
		fmt.Printf("%s | works %.1f (wrong %.1f %%) | decided %.1f (wrong %.1f %%) | fixed %d\n", w.name, float64(sumW)/n, 100*float64(wrongW)/n, float64(sumD)/n, 100*float64(wrongD)/n, w.fixed(200))
	}
}
