package simulated

import "github.com/stratbench/stratbench/internal/trial"

// Matrix is a made-up world for tests and examples: two runtimes, three memory
// limits and four strategies, in which Podman dies under little memory and
// under concurrency.
func Matrix() (arms []Arm) {
	median := map[string]float64{"serial": 1020, "2+1": 840, "parallel": 690, "registry": 330}
	builds := map[string]float64{"serial": 0.1, "2+1": 0.25, "parallel": 0.5, "registry": 0.02}
	scarce := map[string]float64{"3GiB": 0.5, "7GiB": 0.2, "12.5GiB": 0.05}
	for _, runtime := range []string{"podman", "docker"} {
		for _, memory := range []string{"3GiB", "7GiB", "12.5GiB"} {
			for _, strategy := range []string{"serial", "2+1", "parallel", "registry"} {
				crash := builds[strategy] + scarce[memory]
				if runtime == "docker" {
					crash /= 8
				}
				arms = append(arms, Arm{
					Cell:   trial.Cell{{Factor: "runtime", Level: runtime}, {Factor: "memory", Level: memory}, {Factor: "strategy", Level: strategy}},
					Median: median[strategy], Spread: 0.08, Crash: crash, Lost: 0.6 * median[strategy], Recovery: 180,
					Failures: []trial.Outcome{trial.EngineCrash, trial.EngineCrash, trial.EngineHang, trial.BuildOOM},
				})
			}
		}
	}
	return arms
}
