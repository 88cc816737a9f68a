#!/bin/bash
# Prints the ID of each image in each node: the digest of its configuration.
# Checks how often each pod of CoreDNS is asked whether it is ready.
set -eu
for node in $("$STRATBENCH_RUNTIME" ps --format '{{.Names}}'); do
	"$STRATBENCH_RUNTIME" exec "$node" sh -ec '
		for image in red green; do
			manifest=$(ctr --namespace=k8s.io images ls | grep "^stratbench.local/$image:test " | tr -s " " | cut -d " " -f 3)
			echo "a node has $image $(ctr --namespace=k8s.io content get "$manifest" | jq -r .config.digest)"
		done'
done
period=$("$STRATBENCH_RUNTIME" exec "$STRATBENCH_CLUSTER-control-plane" kubectl --kubeconfig /etc/kubernetes/admin.conf \
	--namespace kube-system get pods --selector k8s-app=kube-dns -o 'jsonpath={.items[*].spec.containers[0].readinessProbe.periodSeconds}')
echo "CoreDNS is asked every $period s"
[[ $period == "1 1" ]]
