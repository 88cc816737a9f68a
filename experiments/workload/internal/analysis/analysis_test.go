package analysis

import (
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/stratbench/stratbench/experiments/workload/internal/api"
)

// shipped loads the rules that are deployed.
func shipped(t *testing.T) *Engine {
	t.Helper()
	manifest, err := os.ReadFile("../../manifests/20-rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Data map[string]string `yaml:"data"`
	}
	if err := yaml.Unmarshal(manifest, &config); err != nil {
		t.Fatal(err)
	}
	engine, err := Load([]byte(config.Data["rules.yaml"]))
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

func TestShippedRules(t *testing.T) {
	engine := shipped(t)
	for _, test := range []struct {
		name     string
		incident api.Incident
		want     api.Verdict
	}{
		{"signal", api.Incident{Service: "shop", Signal: "OOMKilled", Restarts: 4},
			api.Verdict{Rule: "out-of-memory", Cause: "memory limit of shop exceeded after 4 restarts", Action: "raise-memory-limit", Confidence: 0.95}},
		{"log", api.Incident{Service: "shop", Signal: "Error", Log: []string{"fatal: Out of Memory"}},
			api.Verdict{Rule: "out-of-memory", Cause: "memory limit of shop exceeded after 0 restarts", Action: "raise-memory-limit", Confidence: 0.75}},
		{"image", api.Incident{Service: "shop", Signal: "ErrImagePull"},
			api.Verdict{Rule: "image-missing", Cause: "image of shop cannot be had", Action: "fix-image", Confidence: 0.9}},
		{"dependency", api.Incident{Service: "shop", Signal: "Error", Log: []string{"no such host"}},
			api.Verdict{Rule: "dependency-away", Cause: "shop cannot reach what it depends on", Action: "check-dependency", Confidence: 0.5}},
		{"crash", api.Incident{Service: "shop", Signal: "CrashLoopBackOff", Restarts: 2, Log: []string{"a", "panic: b"}},
			api.Verdict{Rule: "crash-loop", Cause: "shop stopped 2 times; last words: panic: b", Action: "roll-back", Confidence: 0.6}},
		{"slow", api.Incident{Service: "shop", Signal: "HighLatency", Severity: "critical"},
			api.Verdict{Rule: "slow", Cause: "shop answers slowly", Action: "scale-out", Confidence: 0.8}},
		{"unknown", api.Incident{Service: "shop", Signal: "HighLatency", Severity: "info"},
			api.Verdict{Cause: "no rule knows signal HighLatency of shop", Action: Escalated}},
	} {
		got, err := engine.Judge(test.incident)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		got.Matches = nil
		if got.Rule != test.want.Rule || got.Cause != test.want.Cause ||
			got.Action != test.want.Action || got.Confidence != test.want.Confidence {
			t.Errorf("%s: got %+v, want %+v", test.name, got, test.want)
		}
	}
}

func TestFirstRuleDecides(t *testing.T) {
	verdict, err := shipped(t).Judge(api.Incident{
		Service: "shop", Signal: "CrashLoopBackOff", Restarts: 1, Log: []string{"dial: connection refused"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"dependency-away", "crash-loop"}; !slices.Equal(verdict.Matches, want) {
		t.Errorf("matches: got %q, want %q", verdict.Matches, want)
	}
	if verdict.Rule != "dependency-away" {
		t.Errorf("rule: got %q", verdict.Rule)
	}
}

func TestLoadReportsEveryFault(t *testing.T) {
	_, err := Load([]byte(`
rules:
  - {name: unknown variable, when: sevrity == "x", cause: '"c"', action: a, confidence: "1.0"}
  - {name: wrong type, when: "true", cause: '"c"', action: a, confidence: "1"}
  - {name: no action, when: "true", cause: '"c"', confidence: "1.0"}
`))
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"sevrity", "yields int, not double", "needs a name and an action"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error does not say %q: %v", want, err)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	for _, document := range []string{"", "rules: []", "rulez: []", "rules: {"} {
		if _, err := Load([]byte(document)); err == nil {
			t.Errorf("%q: no error", document)
		}
	}
}

func TestRunawayExpressionIsAnError(t *testing.T) {
	engine, err := Load([]byte(`
rules:
  - {name: cubic, when: 'log.all(a, log.all(b, log.all(c, a == b || c != "")))', cause: '"c"', action: a, confidence: "1.0"}
`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := engine.Judge(api.Incident{Log: slices.Repeat([]string{"x"}, 300)}); err == nil {
		t.Error("27 million steps were not refused")
	}
}

func TestHandler(t *testing.T) {
	handler := Handler(shipped(t))
	for _, test := range []struct {
		name, method, path, body string
		want                     int
	}{
		{"alive", "GET", "/healthz", "", http.StatusOK},
		{"ready", "GET", "/readyz", "", http.StatusOK},
		{"rules", "GET", "/v1/rules", "", http.StatusOK},
		{"incident", "POST", "/v1/analyses", `{"service":"s","signal":"x","severity":"info"}`, http.StatusOK},
		{"incomplete", "POST", "/v1/analyses", `{"service":"s"}`, http.StatusUnprocessableEntity},
		{"unknown field", "POST", "/v1/analyses", `{"sevrity":"info"}`, http.StatusBadRequest},
		{"expression", "POST", "/v1/expressions", `{"expression":"restarts > 1"}`, http.StatusOK},
		{"bad expression", "POST", "/v1/expressions", `{"expression":"restarts >"}`, http.StatusUnprocessableEntity},
	} {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequest(test.method, test.path, strings.NewReader(test.body)))
		if answer.Code != test.want {
			t.Errorf("%s: got %d, want %d: %s", test.name, answer.Code, test.want, answer.Body)
		}
	}
}
