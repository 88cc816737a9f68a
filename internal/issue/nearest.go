package issue

import (
	"strings"

	"github.com/agext/levenshtein"
)

// Nearest returns the known name that differs from name in the fewest letters, at
// most in about a third of them, or "".
func Nearest(name string, known []string) string {
	if len(name) > 50 {
		return ""
	}
	best, bound := "", max(1, (len(name)+1)/3)
	for _, k := range known {
		if d := levenshtein.Distance(strings.ToLower(name), strings.ToLower(k), nil); d <= bound {
			best, bound = k, d-1
		}
	}
	return best
}
