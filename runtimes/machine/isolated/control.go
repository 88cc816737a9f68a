package isolated

import "github.com/stratbench/stratbench/internal/trial"

// command is what the runner asks of init, one of its fields at a time.
type command struct {
	// Start is the engine's arguments, Env its environment, Socket where it is
	// going to listen.
	Start  []string `json:"start,omitempty"`
	Env    []string `json:"env,omitempty"`
	Socket string   `json:"socket,omitempty"`
	// Signal is for the engine.
	Signal int `json:"signal,omitempty"`
}

// report is what init tells the runner, one of its fields at a time.
type report struct {
	// Ready says that the machine is set up and an engine can start.
	Ready bool `json:"ready,omitempty"`
	// Started is the engine's process as the machine numbers it.
	Started int `json:"started,omitempty"`
	// Exited is how the engine ended.
	Exited *trial.Exit `json:"exited,omitempty"`
	// Error is why init gave up. Nothing follows it.
	Error string `json:"error,omitempty"`
}

// setup is what init needs to know before it hears from the runner.
type setup struct {
	ID    string   `json:"id"`
	Binds []string `json:"binds"`
}

// self is where a machine has the program that runs it.
const self = "/run/stratbench/stratbench"
