package run

import (
	"slices"
	"testing"

	"github.com/stratbench/stratbench/runtimes"
)

func TestClustersOfASetUpCommand(t *testing.T) {
	node := func(name, cluster string, networks ...string) runtimes.Object {
		return runtimes.Object{Name: name, Labels: map[string]string{clusterLabel: cluster}, Networks: networks}
	}
	mine := clusterName("20260101-000000-abcdef", "t001")
	c := runtimes.Contents{Containers: []runtimes.Object{
		node("a", mine, "other"), node("b", mine+"-second", "kind"), node("c1", "e2e", mine), node("c2", "e2e", mine), // named as they like, in the trial's network
		node("d", "users", "kind"), node("e", mine+"1", "kind"), {Name: "registry", Networks: []string{"bridge", mine}}, {Name: "db", Networks: []string{"bridge"}},
	}}
	d := debt{Cluster: mine}
	if got, want := d.clusters(c), []string{"e2e", mine, mine + "-second"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if !d.in(c) || (debt{Mark: "m", Cluster: "x"}).in(c) || (debt{}).connected(c.Containers[6]) {
		t.Error("what is the trial's is not told from what is not")
	}
	if got := trialIn(mine + "-second"); got != "t001" {
		t.Errorf("the trial of a second cluster is %q", got)
	}
	if got := trialIn(mine + "1"); got != "t0011" {
		t.Errorf("the trial of another trial's cluster is %q", got)
	}
}
