package detect

// Replay judges each night in order, from it and those before it only.
func Replay(m Matrix, d Decisions, o Options) (Report, error) {
	if err := m.check(); err != nil {
		return Report{}, err
	}
	return Report{}, nil
}
