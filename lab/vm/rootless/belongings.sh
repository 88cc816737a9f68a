# Gives the user of rootless engines something on each, under a name of the
# workload's too, and shows that the engines are well: they build, limit a
# container, and Kind will be able to read a container's log.
set -eu
cd "$(dirname "$0")"
for engine in podman docker; do
	echo "-- $engine"
	DOCKER_BUILDKIT=0 "$engine" build --tag stratbench.local/rootless-one:e2e --build-arg NAME=mine context
	"$engine" volume create mine
	"$engine" network create mine
	"$engine" run --name mine --network mine --volume mine:/mine --memory 64m --cpus 0.5 --pids-limit 50 \
		--entrypoint /bin/busybox stratbench.local/rootless-one:e2e echo "hello from $engine"
	waited=0
	until "$engine" logs mine 2>&1 | grep -x "hello from $engine"; do
		waited=$((waited + 1))
		if [ "$waited" -gt 20 ]; then
			echo "$engine does not show the log of a container, by which Kind sees a node start"
			exit 1
		fi
		sleep 1
	done
done
