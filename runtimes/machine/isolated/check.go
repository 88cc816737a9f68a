package isolated

// Check is one thing that an isolated machine needs, looked at.
type Check struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Detail is what was found.
	Detail string `json:"detail"`
	// Cure is what to do when it is not OK.
	Cure string `json:"cure,omitempty"`
	// Optional marks what a machine works without, though not as well.
	Optional bool `json:"optional,omitempty"`
}

// Missing returns the checks that failed of those that a machine cannot do
// without.
func Missing(checks []Check) (missing []Check) {
	for _, c := range checks {
		if !c.OK && !c.Optional {
			missing = append(missing, c)
		}
	}
	return missing
}
