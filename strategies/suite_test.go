package strategies_test

import (
	"cmp"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/stratbench/stratbench/strategies"
)

func buildImages(ctx context.Context) error {
	strategy, err := strategies.Named(cmp.Or(os.Getenv("E2E_STRATEGY"), strategies.Adaptive), nil)
	if err != nil {
		return err
	}
	schedule, err := strategy.Schedule([]strategies.Image{{Name: "api", Weight: 2}, {Name: "worker", Weight: 6}})
	if err != nil {
		return err
	}
	builds := strategies.Runner{Gauge: strategies.HostGauge}
	if err = builds.Run(ctx, schedule, buildImage); err != nil && restartEngine(ctx) == nil {
		err = builds.Run(ctx, schedule.Serially(), buildImage)
	}
	return err
}

var _ = SynchronizedBeforeSuite(func(ctx SpecContext) {
	Expect(buildImages(ctx)).To(Succeed())
}, func(SpecContext) {})

var _ = It("has its images", func() {
	Expect(suite.built).To(ConsistOf("api", "worker"))
	Expect(suite.peak).To(Equal(1))
})

// TestInGinkgo runs a Ginkgo suite of one spec, whose engine dies once.
func TestInGinkgo(t *testing.T) {
	t.Setenv("E2E_STRATEGY", strategies.Parallel)
	suite.dies, suite.alive, suite.takes = "worker", true, 10*time.Millisecond
	RegisterFailHandler(Fail)
	RunSpecs(t, "a suite")
}

// suite stands for the builds of a suite. Its engine dies in the first build of the image
// that the field dies names.
var suite struct {
	mu      sync.Mutex
	takes   time.Duration
	dies    string
	alive   bool
	built   []string
	running int
	peak    int
}

var errEngineLost = errors.New("cannot connect to the engine")

func buildImage(ctx context.Context, image string) error {
	suite.mu.Lock()
	suite.running++
	suite.peak = max(suite.peak, suite.running)
	suite.mu.Unlock()
	select {
	case <-time.After(suite.takes):
	case <-ctx.Done():
	}
	suite.mu.Lock()
	defer suite.mu.Unlock()
	suite.running--
	if image == suite.dies {
		suite.alive, suite.dies = false, ""
	}
	if !suite.alive {
		return errEngineLost
	}
	suite.built = append(suite.built, image)
	return ctx.Err()
}

func restartEngine(context.Context) error {
	suite.mu.Lock()
	defer suite.mu.Unlock()
	suite.alive, suite.built, suite.peak = true, nil, 0
	return nil
}

// TestAUsersOwnSuite runs what docs/use-in-your-suite.md shows.
func TestAUsersOwnSuite(t *testing.T) {
	for _, c := range []struct {
		strategy, dies string
		built          []string
		peak           int
	}{
		{"parallel", "", []string{"api", "worker"}, 2},
		{"serial", "", []string{"api", "worker"}, 1},
		{"adaptive", "worker", []string{"worker", "api"}, 1},
		{"parallel", "api", []string{"api", "worker"}, 1},
	} {
		t.Setenv("E2E_STRATEGY", c.strategy)
		synctest.Test(t, func(t *testing.T) {
			suite.takes, suite.dies, suite.alive, suite.built, suite.peak = 5*time.Second, c.dies, true, nil, 0
			err := buildImages(t.Context())
			built := slices.Clone(suite.built)
			if c.peak > 1 { // they end at once
				slices.Sort(built)
			}
			if err != nil || !slices.Equal(built, c.built) || suite.peak != c.peak {
				t.Errorf("%s, engine lost with %q: built %q, at most %d at a time, %v", c.strategy, c.dies, built, suite.peak, err)
			}
		})
	}
}

func TestTheDocumentShowsWhatIsRun(t *testing.T) {
	document, err := os.ReadFile("../docs/use-in-your-suite.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("suite_test.go")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(document), "```go\n")[1:]
	if len(blocks) != 2 {
		t.Errorf("the document has %d pieces of Go", len(blocks))
	}
	for _, block := range blocks {
		code, _, _ := strings.Cut(block, "```")
		if !strings.Contains(string(source), "\n\n"+code+"\n") {
			t.Errorf("the document shows what is not run:\n%s", code)
		}
		if body := strings.Count(code, "\n") - 2; body >= 15 {
			t.Errorf("%d lines are too many", body)
		}
	}
}
