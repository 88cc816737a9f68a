// Package stats holds the statistics that no Go library has and that more than
// one room needs: exact inference on few trials, and series of nights.
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
