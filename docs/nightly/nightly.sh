#!/bin/sh
# Runs the nightly experiment and judges it. The exit code is that of the
# check: 0 no regression, 10 regression, 11 inconclusive, 12 no data or a host
# that was not fit. A run that could not be made is no data, not a regression.
set -eu

cd "${STRATBENCH_DIR:-/srv/stratbench}"
bin/stratbench run experiments/nightly.yaml || echo "stratbench run ended with $?" >&2
exec bin/stratbench check --experiment nightly --max-age 20h \
  --confirm experiments/nightly.yaml --prepare 'make -C experiments/workload vendor e2e' --budget 1h \
  --page results/nightly.html --openmetrics results/nightly.prom
