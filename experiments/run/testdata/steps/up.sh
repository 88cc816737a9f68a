#!/bin/bash
# Builds two images, as many at once as BUILDS says, and deploys them to a
# cluster of its own.
set -euo pipefail
engine=$STRATBENCH_RUNTIME
node=$STRATBENCH_CLUSTER-control-plane
# A host may forbid Podman the limits that it gives containers by default.
limits=()
for of in "nofile $(ulimit -Hn)" "nproc $(ulimit -Hu)"; do
	read -r name most <<<"$of"
	[[ $engine != podman || $most == unlimited ]] || limits+=(--ulimit "$name=$most:$most")
done
echo "==> cluster"
./bin/kind create cluster --config "$STRATBENCH_KIND_CONFIG" --image "$STRATBENCH_NODE_IMAGE" 2>&1
echo "==> build with $BUILDS at once"
printf '%s\n' red green | xargs -P "$BUILDS" -I{} "$engine" build --no-cache -q "${limits[@]}" -t "stratbench.local/{}:own" \
	--build-arg NAME={} --build-arg GO_IMAGE="$GO_IMAGE" --build-arg RUN_IMAGE="$RUN_IMAGE" server
echo "all built"
echo "==> load"
"$engine" save stratbench.local/red:own stratbench.local/green:own -o "$(dirname "$STRATBENCH_MARKS")/images.tar"
./bin/kind load image-archive "$(dirname "$STRATBENCH_MARKS")/images.tar" --name "$STRATBENCH_CLUSTER"
echo "loaded"
echo deploy start >>"$STRATBENCH_MARKS"
on() { "$engine" exec -i "$node" kubectl --kubeconfig /etc/kubernetes/admin.conf "$@"; }
for name in red green; do
	on create deployment "$name" --image "stratbench.local/$name:own" -- /server
	on set env "deployment/$name" PORT=8080
done
on wait --for=condition=Available deployment/red deployment/green --timeout=120s
echo deploy end >>"$STRATBENCH_MARKS"
