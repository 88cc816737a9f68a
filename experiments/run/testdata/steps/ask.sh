#!/bin/bash
# A step that is a command, and hooks: they get arguments, and the trial's
# environment besides their own.
set -eu
[[ -n $STRATBENCH_CLUSTER && -n $STRATBENCH_TAG_RED ]]
[[ $1 != one || $OTHER == two ]]
[[ $1 != one ]] || "$STRATBENCH_RUNTIME" exec "$STRATBENCH_CLUSTER-control-plane" grep -q -- --unsafe-no-fsync=true /etc/kubernetes/manifests/etcd.yaml
grep -q "server: https://" "$KUBECONFIG"
echo "asked the cluster $STRATBENCH_CLUSTER"
