#!/bin/bash
# What the check said each night, as a Markdown table.
# Usage: verdicts.sh FOLDER
set -euo pipefail

# new tells what a check raised in its night, from the table of its changes.
new() {
	awk -F' *\\| *' '$3 == "regression" || $3 == "improvement" {
		sub(/ \(.*/, "", $8)
		printf "%s**%s of %s, %s**: %s", (n++ ? "<br>" : ""), $3, $5, $8, $11
	}' "$1"
}

night=0 last=
echo "| night | from then on | check exits | and says | new in that night |"
echo "|---:|---|---:|---|---|"
for run in "$1"/runs/*/; do
	night=$((night + 1))
	check=$1/check-$(printf %02d "$night").md
	state=$(sed -n '2s/^# //p' "$run/spec.yaml")
	code=$(sed -n "s/^night $night: check exits //p" "$1/checks.txt" | tail -n 1)
	said=$(sed -n '1s/: nightly-demo: /: /; 1s/;.*//; 1p' "$check")
	[ "$state" = "$last" ] && shown= || shown=$state
	last=$state
	echo "| $night | $shown | $code | ${said%.} | $(new "$check") |"
done
