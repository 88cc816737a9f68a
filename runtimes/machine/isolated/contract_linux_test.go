package isolated_test

import (
	"github.com/stratbench/stratbench/runtimes/machine"
	"github.com/stratbench/stratbench/runtimes/machine/isolated"
)

var _ machine.Machine = (*isolated.Machine)(nil)
