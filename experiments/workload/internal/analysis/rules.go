// Package analysis judges incidents by rules written in the Common Expression
// Language.
package analysis

import (
	"bytes"
	"errors"
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/ext"
	"go.yaml.in/yaml/v3"

	"github.com/stratbench/stratbench/experiments/workload/internal/api"
)

// Rules come from a user's file, so the cost of an expression is limited.
const costLimit = 1_000_000

// Escalated is the verdict's action when no rule applies.
const Escalated = "escalate"

type ruleFile struct {
	Rules []ruleText `yaml:"rules"`
}

// ruleText is a rule as written. When, Cause and Confidence are expressions.
type ruleText struct {
	Name       string `yaml:"name"`
	When       string `yaml:"when"`
	Cause      string `yaml:"cause"`
	Action     string `yaml:"action"`
	Confidence string `yaml:"confidence"`
}

type rule struct {
	text       ruleText
	when       cel.Program
	cause      cel.Program
	confidence cel.Program
}

// Engine holds compiled rules. It is safe for concurrent use.
type Engine struct {
	env   *cel.Env
	rules []rule
}

// Load compiles the rules of a YAML document and reports all their faults at once.
func Load(document []byte) (*Engine, error) {
	var file ruleFile
	decoder := yaml.NewDecoder(bytes.NewReader(document))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	if len(file.Rules) == 0 {
		return nil, errors.New("read rules: there is none")
	}
	env, err := cel.NewEnv(
		cel.Variable("service", cel.StringType),
		cel.Variable("signal", cel.StringType),
		cel.Variable("severity", cel.StringType),
		cel.Variable("restarts", cel.IntType),
		cel.Variable("log", cel.ListType(cel.StringType)),
		ext.Strings(), ext.Lists(), ext.Math(),
	)
	if err != nil {
		return nil, fmt.Errorf("make rule environment: %w", err)
	}
	engine := &Engine{env: env}
	var faults []error
	for _, text := range file.Rules {
		compiled, err := engine.compileRule(text)
		if err != nil {
			faults = append(faults, fmt.Errorf("rule %q: %w", text.Name, err))
			continue
		}
		engine.rules = append(engine.rules, compiled)
	}
	return engine, errors.Join(faults...)
}

func (e *Engine) compileRule(text ruleText) (rule, error) {
	if text.Name == "" || text.Action == "" {
		return rule{}, errors.New("a rule needs a name and an action")
	}
	when, errWhen := e.compile(text.When, cel.BoolType)
	cause, errCause := e.compile(text.Cause, cel.StringType)
	confidence, errConfidence := e.compile(text.Confidence, cel.DoubleType)
	err := errors.Join(errWhen, errCause, errConfidence)
	return rule{text: text, when: when, cause: cause, confidence: confidence}, err
}

func (e *Engine) compile(expression string, want *cel.Type) (cel.Program, error) {
	ast, issues := e.env.Compile(expression)
	if err := issues.Err(); err != nil {
		return nil, fmt.Errorf("expression %q: %w", expression, err)
	}
	if !ast.OutputType().IsExactType(want) {
		return nil, fmt.Errorf("expression %q yields %s, not %s", expression, ast.OutputType(), want)
	}
	program, err := e.env.Program(ast, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(costLimit))
	if err != nil {
		return nil, fmt.Errorf("expression %q: %w", expression, err)
	}
	return program, nil
}

// Check returns the type an expression over an incident yields.
func (e *Engine) Check(expression string) (api.Checked, error) {
	ast, issues := e.env.Compile(expression)
	if err := issues.Err(); err != nil {
		return api.Checked{}, fmt.Errorf("expression %q: %w", expression, err)
	}
	return api.Checked{Type: ast.OutputType().String()}, nil
}

// Rules describes the rules in the order they are tried.
func (e *Engine) Rules() []api.Rule {
	rules := make([]api.Rule, 0, len(e.rules))
	for _, r := range e.rules {
		rules = append(rules, api.Rule{Name: r.text.Name, When: r.text.When, Action: r.text.Action})
	}
	return rules
}

// Judge applies all rules; the first that applies decides.
func (e *Engine) Judge(incident api.Incident) (api.Verdict, error) {
	verdict := api.Verdict{
		Cause:   fmt.Sprintf("no rule knows signal %s of %s", incident.Signal, incident.Service),
		Action:  Escalated,
		Matches: []string{},
	}
	facts := facts(incident)
	for _, r := range e.rules {
		applies, err := eval[bool](r.when, facts)
		if err != nil {
			return api.Verdict{}, fmt.Errorf("rule %q: %w", r.text.Name, err)
		}
		if !applies {
			continue
		}
		verdict.Matches = append(verdict.Matches, r.text.Name)
		if len(verdict.Matches) > 1 {
			continue
		}
		if err := r.decide(&verdict, facts); err != nil {
			return api.Verdict{}, fmt.Errorf("rule %q: %w", r.text.Name, err)
		}
	}
	return verdict, nil
}

func (r rule) decide(verdict *api.Verdict, facts map[string]any) (err error) {
	verdict.Rule, verdict.Action = r.text.Name, r.text.Action
	if verdict.Cause, err = eval[string](r.cause, facts); err != nil {
		return err
	}
	verdict.Confidence, err = eval[float64](r.confidence, facts)
	return err
}

func facts(incident api.Incident) map[string]any {
	lines := incident.Log
	if lines == nil {
		lines = []string{}
	}
	return map[string]any{
		"service":  incident.Service,
		"signal":   incident.Signal,
		"severity": incident.Severity,
		"restarts": incident.Restarts,
		"log":      lines,
	}
}

func eval[T any](program cel.Program, facts map[string]any) (T, error) {
	var zero T
	out, _, err := program.Eval(facts)
	if err != nil {
		return zero, fmt.Errorf("evaluate: %w", err)
	}
	value, ok := out.Value().(T)
	if !ok {
		return zero, fmt.Errorf("evaluate: got %T", out.Value())
	}
	return value, nil
}
