package spec

import (
	"fmt"
	"strings"
)

// suggest ends a message about an unknown name: with the known name that was
// probably meant, or else with all of them.
func suggest(name string, known []string) string {
	if near := nearest(name, known); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	if len(known) == 0 {
		return "none is known here"
	}
	return "known are " + strings.Join(known, ", ")
}

// nearest returns the known name within a third of the name's length in
// edits, or "".
func nearest(name string, known []string) string {
	best, bound := "", max(1, len(name)/3)
	for _, k := range known {
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d <= bound {
			best, bound = k, d-1
		}
	}
	return best
}

// distance is the least number of letters to insert, delete, replace or swap
// with their neighbour that turns a into b.
func distance(a, b string) int {
	const far = 99
	if len(a) > 50 || len(b) > 50 {
		return far
	}
	var d [52][52]int
	for i := range len(a) + 1 {
		for j := range len(b) + 1 {
			switch {
			case i == 0 || j == 0:
				d[i][j] = i + j
			case a[i-1] == b[j-1]:
				d[i][j] = d[i-1][j-1]
			default:
				d[i][j] = 1 + min(d[i-1][j], d[i][j-1], d[i-1][j-1])
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
