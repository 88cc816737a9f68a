package compare

import (
	"encoding/csv"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// readTrials reads a table of trials. The columns that are named as factors
// make the place; those named as arm the arm.
func readTrials(t testing.TB, name string, factors, arm []string) (trials []Trial) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		get := func(column string) string {
			if i := slices.Index(rows[0], column); i >= 0 {
				return row[i]
			}
			return ""
		}
		x := Trial{Block: get("block"), Ready: get("outcome") == "ok", Seconds: math.NaN(), Lost: math.NaN()}
		if _, err := strconv.Atoi(x.Block); err != nil || get("outcome") == "cancelled" || get("strategy") == "" {
			continue
		}
		for _, column := range arm {
			x.Arm = strings.TrimSpace(x.Arm + " " + get(column))
		}
		for _, column := range factors {
			x.Place = append(x.Place, get(column))
		}
		if x.Ready {
			x.Seconds = number(t, get("setup_seconds"))
		} else {
			x.Lost = number(t, get("lost_seconds")) + number(t, get("recovery_seconds"))
		}
		trials = append(trials, x)
	}
	return trials
}

// number is NaN where nothing stands.
func number(t testing.TB, seconds string) float64 {
	t.Helper()
	if seconds == "" {
		return math.NaN()
	}
	v, err := strconv.ParseFloat(seconds, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func upTo(trials []Trial, block int) (some []Trial) {
	for _, x := range trials {
		if b, _ := strconv.Atoi(x.Block); b <= block {
			some = append(some, x)
		}
	}
	return some
}
