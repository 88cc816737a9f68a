package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

func BenchmarkBoschloo(b *testing.B) {
	for range b.N {
		if _, err := Boschloo(Arm{10, 40}, Arm{25, 40}, TwoSided); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBoschlooLarge(b *testing.B) {
	for range b.N {
		if _, err := Boschloo(Arm{100, 400}, Arm{140, 400}, TwoSided); err != nil {
			b.Fatal(err)
		}
	}
}

// Two arms of 60 with crashes: the exact distribution of a tied rank sum.
func BenchmarkWorstRank(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 1))
	values, first := make([]float64, 120), make([]bool, 120)
	for i := range values {
		values[i], first[i] = random.ExpFloat64(), i%2 == 0
		if random.IntN(4) == 0 {
			values[i] = math.Inf(1)
		}
	}
	for range b.N {
		p, err := WorstRankTest(values, first, nil, 10000, 1)
		if err != nil {
			b.Fatal(err)
		}
		if !p.Exact {
			b.Fatal("simulated")
		}
	}
}

func BenchmarkRatioOfManyTrials(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 1))
	first, second := make([]float64, 25000), make([]float64, 25000)
	for i := range first {
		first[i], second[i] = random.ExpFloat64()+0.1, random.ExpFloat64()+0.1
	}
	for range b.N {
		if _, err := HodgesLehmannRatio(first, second, nil, nil, 0.95); err != nil {
			b.Fatal(err)
		}
	}
}
