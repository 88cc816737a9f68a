// Package stats holds the statistics that a comparison of set-up strategies
// needs and that no Go library has: exact inference on few trials, crashes as
// outcomes instead of missing times, and tests that stay valid when looked at
// after every block.
//
// It is pure: plain numbers in, numbers out; no clock, no I/O, no global
// random source. Times may be in any one unit; results are in that unit.
// What is not a number, out of range or too little to say anything is an
// error that wraps ErrInput, never a plausible figure. Where a bound does not
// exist the result says so with an infinity or a flag that its comment names.
//
// Every method names its primary source; the tests name where each expected
// value comes from, and testdata holds the scripts that made those values.
package stats
