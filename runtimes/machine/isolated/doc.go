// Package isolated runs an engine of stratbench's own: in its own mount,
// process, network, IPC, host name and control group namespaces, on its own
// copy of an engine root, under a real memory limit.
//
// A machine is a tree of processes below one init, which is this very program
// started again. Everything a machine has hangs on that init: when it ends,
// the kernel ends all processes of the machine and removes its mounts and its
// network. Init ends when the runner does. What the kernel cannot remove by
// itself, empty control groups and the copy of the root, carries the runner's
// process in its name; Sweep removes it at the next start.
//
// The program must call Main first thing in its main function.
package isolated
