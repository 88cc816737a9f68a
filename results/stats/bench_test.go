package stats

import (
	"math/rand/v2"
	"testing"
)

func BenchmarkRatioOfManyTrials(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 1))
	first, second := make([]float64, 25000), make([]float64, 25000)
	for i := range first {
		first[i], second[i] = random.ExpFloat64()+0.1, random.ExpFloat64()+0.1
	}
	for range b.N {
		if ratio, ci := HodgesLehmannRatio(first, second, 0.95); !ci.Contains(ratio) {
			b.Fatal(ratio, ci)
		}
	}
}
