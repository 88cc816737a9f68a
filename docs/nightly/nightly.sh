#!/bin/sh
# Runs the nightly experiment and judges it. The exit code is that of the
# check: 0 no regression, 1 regression, 3 inconclusive, 4 no data or a host
# that was not fit.
set -eu

cd "${STRATBENCH_DIR:-/srv/stratbench}"
bin/stratbench run experiments/nightly.yaml
exec bin/stratbench check --page results/nightly.html --openmetrics results/nightly.prom
