// Package classify says what a log text tells of how a pipeline ended: one
// outcome of the closed set of internal/trial, with cause, phase, confidence
// and the lines it rests on. It reads any log of any length in one pass and
// asks nobody else, so it is a witness and not the watch: its confidence never
// exceeds 0.9.
//
// # How it judges
//
// Rules are data (rules.yaml). A rule recognises one mechanism. Its level
// says what kind of statement that is, and a higher level explains the lower
// ones: death (the engine is gone) over root (errno, a killed process, a
// registry's refusal) over fault (a component telling its own failure) over
// wrapper ("that failed") over hint. Markers only tell where the log is. The
// order of judgement in full stands at the top of judge.go.
//
// # How to add a rule
//
// Write a file with a list under the key rules and pass it with --rules, or
// add to rules.yaml:
//
//	rules:
//	  - name: migration-lock
//	    says: Two migrations of the shop's database wait for each other.
//	    match: ["migration * is locked by"]   # "*": anything on the same line; case is ignored
//	    detail: 'by pod [a-z]+-\d'            # optional: the line must match this expression, too
//	    not: '(?i)warning'                    # optional: and must not match this one
//	    level: root                           # marker, hint, wrapper, fault, root, death
//	    outcome: deploy-failed                # without one: the failure of the phase
//	    cause: migration-lock
//	    phase: deploy                         # where this happens, if the caller does not say
//	    weight: 0.8                           # rank within the level, and confidence
//	    when: {phase: [deploy, test], runtime: [podman], exit: [1, 125]}
//	    needs: [crashloop]                    # rules that must be seen in the log as well
//	    unless: [kind-create-failed]          # rules that must not
//	    outranks: [rollout-timeout]           # rules that this one explains away
//	    instead:                              # another conclusion in other company
//	      - {when: {phase: [test]}, outcome: test-failed}
//	    transient: true                       # often retried: a later success takes it back
//	    tail: 30                              # counts in the last lines of the log only
//	    excerpt: 20                           # counts in logs of at most so many lines only
//	    case: {log: "migration 17 is locked by pod shop-2", phase: deploy}
//
// A rule without match rests on the rules it needs, or, if it has a detail and a
// tail of up to five, is tried on the last lines that are not blank. A marker
// may name the outcomes that it takes back (clears), settle the log, because the
// whole job succeeded (settles), be a last word of success (lastWord), only tell
// of a success (fine), or tell that what failed is tried again (restarts), that
// tidying up begins (tidies) or that logs are asked for (collects). A marker for
// excerpts guesses the phase from words, and
// is asked only where no other marker tells it. A line that calls itself a
// warning counts a level lower. Every rule has a case: a log in its author's
// own words that the rule must decide; the tests run them all, and the log
// under green, if there is one, must leave the rule alone.
//
// How often the rules are right about texts that they had never met is in
// docs/classification.md.
//
// Advice, from rules that went wrong:
//
//   - State a mechanism. If the pattern only fits the log at hand, it is a
//     quotation. Take the words that the failing program always says, from
//     its source if possible.
//   - Look for the longest constant words and leave the rest to detail; a
//     needle that is in every log ("error") costs time.
//   - An errno is ambiguous. "no space left on device" may be inotify watches
//     or podman's locks, "connection refused" a registry, a kubelet or the
//     engine: say in detail or not which, and outrank the general rule.
//   - Give the level that the sentence deserves, not the one that wins.
package classify
