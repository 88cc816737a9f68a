package results

import "github.com/stratbench/stratbench/internal/trial"

// References returns what the reference workload took, in the order in which
// it was done: usually once for each block, and a second time for a block that
// a resumed run went on with. Those that failed are left out. Their times can
// be compared where their settings are the same.
func (r Run) References() []*Record { return r.done(KindReference) }

// Preparations returns what was built and pushed before the trials, in the
// order in which it was done; a resumed run does it again. Those that failed
// are left out.
func (r Run) Preparations() []*Record { return r.done(KindPreparation) }

// done are the records of a kind that ended well.
func (r Run) done(kind Kind) (done []*Record) {
	for i := range r.Records {
		rec := &r.Records[i]
		if rec.Kind == kind && rec.Verdict.Outcome == trial.OK && rec.Elapsed > 0 {
			done = append(done, rec)
		}
	}
	return done
}
