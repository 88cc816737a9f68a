#!/bin/bash
# A step that is a command, and hooks: they get arguments, and the trial's
# environment besides their own.
set -eu
[[ -n $STRATBENCH_CLUSTER && -n $STRATBENCH_TAG_RED ]]
[[ $1 != one || $OTHER == two ]]
grep -q "server: https://" "$KUBECONFIG"
echo "asked the cluster $STRATBENCH_CLUSTER"
