package classify

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
)

// ownRule is what a user may write.
const ownRule = `
rules:
  - name: shop-migration-lock
    says: Two migrations of the shop's database wait for each other.
    match: ["migration * is locked by"]
    level: root
    outcome: deploy-failed
    cause: migration-lock
    phase: deploy
    weight: 0.9
    outranks: [crashloop]
    case: {log: "migration 17 is locked by pod shop-2"}
`

func TestRulesOfOnesOwnJoinTheBuiltIn(t *testing.T) {
	name := filepath.Join(t.TempDir(), "own.yaml")
	if err := os.WriteFile(name, []byte(ownRule), 0o600); err != nil {
		t.Fatal(err)
	}
	own, err := ReadRulesFile(name)
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(Rules(), own)
	if err != nil {
		t.Fatal(err)
	}
	log := "Back-off restarting failed container shop\nmigration 17 is locked by pod shop-2\n"
	got, err := c.Classify(context.Background(), Options{}, strings.NewReader(log))
	if err != nil {
		t.Fatal(err)
	}
	if got.Outcome != trial.DeployFailed || got.Cause != "migration-lock" || got.Phase != trial.PhaseDeploy {
		t.Errorf("got %+v", got)
	}
}

func TestFaultyRulesAreRefused(t *testing.T) {
	valid := strings.TrimPrefix(strings.TrimSpace(ownRule), "rules:\n")
	tests := map[string]struct{ file, want string }{
		"nothing":          {"", "EOF"},
		"no rules":         {"rules: []", "has no rules"},
		"unknown field":    {"rules: [{name: x, regex: y}]", "field regex not found"},
		"unknown outcome":  {"rules: [{name: x, outcome: broken}]", "not a known outcome"},
		"unknown level":    {"rules: [{name: x, level: fatal}]", "not a known level"},
		"unknown phase":    {"rules: [{name: x, phase: lunch}]", "not a known phase"},
		"bad expression":   {ownRule + "    detail: '('", "missing closing )"},
		"short pattern":    {strings.Replace(ownRule, "migration * is locked by", "a * b", 1), "no piece of 3 characters"},
		"no such rule":     {strings.Replace(ownRule, "crashloop", "crashlop", 1), `there is no rule "crashlop"`},
		"a name twice":     {"rules:\n" + valid + "\n" + valid, "the name is taken by rule"},
		"a built-in name":  {strings.Replace(ownRule, "shop-migration-lock", "crashloop", 1), "the name is taken by rule"},
		"a rule settles":   {ownRule + "    settles: true", "only a marker settles"},
		"no weight":        {strings.Replace(ownRule, "weight: 0.9", "weight: 0", 1), "weight 0 is not above 0"},
		"no case":          {ownRule[:strings.Index(ownRule, "    case:")], "needs a case"},
		"nothing to match": {strings.Replace(ownRule, `match: ["migration * is locked by"]`, "", 1), "needs a pattern"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			rules, err := ReadRules(strings.NewReader(test.file))
			if err == nil {
				_, err = New(Rules(), rules)
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestAllFaultsAreReportedAtOnce(t *testing.T) {
	_, err := New([]Rule{{Name: "a", Weight: 2}, {Name: "b", Needs: []string{"c"}}})
	for _, want := range []string{"rule 1 (a)", "weight 2", "rule 2 (b)", `no rule "c"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
