#!/bin/bash
# Nights of each state of the demo, one after the other, each followed by the
# check. Called again, it goes on with the night that comes next. The first
# state has five nights more: each night begins at the load that the one before
# left, and until five have shown that to be usual here they are not fit. The
# last two states differ in nothing but the engine's version.
# Usage: nights.sh STRATBENCH FOLDER
set -uo pipefail
stratbench=$1 results=$2/runs history=$2/history
specs=$(dirname "$0")
nights=${NIGHTS:-9}
mkdir -p "$results"

night=0
more=5
for spec in 1-before 2-less-memory 3-slow-image 4-other-engine 1-before 4-other-engine; do
	for _ in $(seq $((nights + more))); do
		night=$((night + 1))
		done=$(find "$results" -mindepth 2 -maxdepth 2 -name environment.json | wc -l)
		[ "$done" -ge "$night" ] && continue
		echo "night $night: $spec"
		"$stratbench" run "$specs/$spec.yaml" --dir "$results" >/dev/null || exit
		"$stratbench" check --dir "$results" --history "$history" >/dev/null
		echo "night $night: check exits $?"
	done
	more=0
done
