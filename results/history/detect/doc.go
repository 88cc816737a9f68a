// Package detect finds changes in the nightly series of one host: which cell's
// setup time, phase, memory, crash rate or failed tests changed, in which
// night, how, by how much, and how sure that is.
//
// It is pure: numbers in, findings out; no clock, no I/O, no global random
// source. The same matrix gives the same findings, and what is said of a night
// rests on that night and those before it only, so that a history judged again
// says the same of each of its nights.
package detect
