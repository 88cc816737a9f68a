#!/bin/bash
# A step that is a command: it gets arguments, its own environment and the
# trial's.
set -eu
[[ $1 == one && $OTHER == two && -n $STRATBENCH_CLUSTER ]]
grep -q "server: https://" "$KUBECONFIG"
echo "asked the cluster $STRATBENCH_CLUSTER"
