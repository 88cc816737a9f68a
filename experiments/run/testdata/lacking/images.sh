#!/bin/bash
# Prints the ID of each image in each node: the digest of its configuration.
set -eu
for node in $("$STRATBENCH_RUNTIME" ps --format '{{.Names}}'); do
	"$STRATBENCH_RUNTIME" exec "$node" sh -ec '
		for image in red green; do
			manifest=$(ctr --namespace=k8s.io images ls | grep "^stratbench.local/$image:test " | tr -s " " | cut -d " " -f 3)
			echo "a node has $image $(ctr --namespace=k8s.io content get "$manifest" | jq -r .config.digest)"
		done'
done
