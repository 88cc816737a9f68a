#!/bin/bash
# What the check says of each night from the records up to it, as a Markdown
# table.
# Usage: verdicts.sh STRATBENCH FOLDER
set -uo pipefail
sofar=$(mktemp -d)
trap 'rm -rf "$sofar"' EXIT
mkdir "$sofar/history" "$sofar/runs"

# new prints what a check raised in its night, from the table of its changes.
new() {
	awk -F' *\\| *' '$3 == "regression" || $3 == "improvement" {
		sub(/ \(.*/, "", $8)
		printf "%s**%s of %s, %s**: %s", (n++ ? "<br>" : ""), $3, $5, $8, $11
	}'
}

night=0 last=
echo "| night | from then on | check exits | and says | new in that night |"
echo "|---:|---|---:|---|---|"
for run in "$2"/runs/*/; do
	night=$((night + 1))
	(cd "$2/history" && cp -r --parents */"$(basename "$run")" "$sofar/history")
	check=$("$1" check --experiment nightly-demo --dir "$sofar/runs" --history "$sofar/history" --output markdown 2>/dev/null)
	code=$?
	state=$(sed -n '2s/^# //p' "$run/spec.yaml")
	said=$(sed -n '1s/: nightly-demo: /: /; 1s/;.*//; 1p' <<<"$check")
	[ "$state" = "$last" ] && shown= || shown=$state
	last=$state
	echo "| $night | $shown | $code | ${said%.} | $(new <<<"$check") |"
done
