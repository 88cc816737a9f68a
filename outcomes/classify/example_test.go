package classify_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/outcomes/classify"
)

// The killed compiler explains the lines after it, so that the second line
// decides and not the last one.
func ExampleClassify() {
	log := `STEP 7/9: RUN go build -o /server ./cmd/server
/usr/local/go/pkg/tool/linux_amd64/compile: signal: killed
Error: building at STEP "RUN go build -o /server ./cmd/server": while running runtime: exit status 1
make: *** [Makefile:12: images] Error 1
`
	result, err := classify.Classify(context.Background(), classify.Options{Phase: trial.PhaseBuild, Runtime: trial.Podman}, strings.NewReader(log))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s, cause %s, phase %s\n", result.Outcome, result.Cause, result.Phase)
	fmt.Printf("line %d: %s\n", result.Evidence[0].Line, result.Evidence[0].Text)
	// Output:
	// build-oom, cause oom, phase build
	// line 2: /usr/local/go/pkg/tool/linux_amd64/compile: signal: killed
}

// Rules are data. Those for a suite of your own stand beside the built-in ones.
func ExampleNew() {
	own, err := classify.ReadRules(strings.NewReader(`
rules:
  - name: migration-lock
    says: Two migrations of the shop's database wait for each other.
    match: ["migration * is locked by"]
    level: root
    cause: migration-lock
    phase: deploy
    weight: 0.8
    case: {log: "migration 17 is locked by pod shop-2", phase: deploy}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	classifier, err := classify.New(classify.Rules(), own)
	if err != nil {
		fmt.Println(err)
		return
	}
	log := "shop-1: migration 18 is locked by pod shop-0\nerror: timed out waiting for the condition on deployments/shop\n"
	result, err := classifier.Classify(context.Background(), classify.Options{}, strings.NewReader(log))
	fmt.Println(result.Outcome, result.Cause, err)
	// Output:
	// deploy-failed migration-lock <nil>
}
