package isolated

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/stratbench/stratbench/internal/host"
)

var machines atomic.Int64

// newID names a machine after this process, so that whoever finds what is left
// of it can tell whether its owner still lives. A process number alone would
// not do: it is used again.
func newID() (string, error) {
	start, err := host.Began(os.Getpid())
	if err != nil {
		return "", fmt.Errorf("naming a machine: %w", err)
	}
	return fmt.Sprintf("%d-%s-%d", os.Getpid(), start, machines.Add(1)), nil
}

// orphaned reports whether id is a machine's whose owner is gone. A name that
// is no machine's is never orphaned: it is not ours to remove.
func orphaned(id string) bool {
	part := strings.Split(id, "-")
	if len(part) != 3 {
		return false
	}
	pid, err := strconv.Atoi(part[0])
	if err != nil {
		return false
	}
	start, err := host.Began(pid)
	return err != nil || start != part[1]
}
