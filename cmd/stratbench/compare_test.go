package main

import (
	"slices"
	"strings"
	"testing"
)

func TestNamesOfCommandsAreShort(t *testing.T) {
	long := strings.Repeat("a", 100)
	for _, c := range []struct{ commands, want []string }{
		{[]string{"make up BUILDS=1", "make up BUILDS=3"}, []string{"BUILDS=1", "BUILDS=3"}},
		{[]string{"make up", "make up BUILDS=3"}, []string{"up", "up_BUILDS=3"}},
		{[]string{"./hack/up-serial.sh --fast", "./hack/up.sh --fast"}, []string{"./hack/up-serial.sh", "./hack/up.sh"}},
		{[]string{"sleep 1", "sleep 0.2"}, []string{"sleep 1", "sleep 0.2"}},
		{[]string{"make up"}, []string{"make up"}},
		{[]string{"A=1 make", "A=2 B=3 make"}, []string{"A=1", "A=2_B=3"}},
		{[]string{"x", "x"}, []string{"x", "x#2"}},
		{[]string{long + "1", long + "2"}, []string{long[:longestName] + "…", long[:longestName] + "…#2"}},
	} {
		if got := shortNames(c.commands); !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q, want %q", c.commands, got, c.want)
		}
	}
}
