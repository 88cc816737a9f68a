package kindcluster

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestLeasesOfControllersThatEndedAreEnded(t *testing.T) {
	for status, want := range map[int]string{http.StatusOK: "", http.StatusNotFound: "", http.StatusForbidden: "ending the lease of kube-controller-manager"} {
		var asked []string
		err := endLeases(func(method, path string) (int, error) {
			asked = append(asked, method+" "+path[strings.LastIndex(path, "/")+1:])
			return status, nil
		})
		if want == "" && (err != nil || !slices.Equal(asked, []string{"DELETE kube-controller-manager", "DELETE kube-scheduler"})) || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%d: %v, asked %q", status, err, asked)
		}
	}
}
