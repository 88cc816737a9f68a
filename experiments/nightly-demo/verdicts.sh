#!/bin/bash
# What the check said each night, as a Markdown table.
# Usage: verdicts.sh FOLDER
set -euo pipefail
night=0 last=
echo "| night | what was so from then on | check exits | and says |"
echo "|---:|---|---:|---|"
for run in "$1"/runs/*/; do
	night=$((night + 1))
	state=$(sed -n '2s/^# //p' "$run/spec.yaml")
	code=$(sed -n "s/^night $night: check exits //p" "$1/checks.txt" | tail -n 1)
	said=$(head -n 1 "$1/check-$(printf %02d "$night").md")
	[ "$state" = "$last" ] && shown= || shown=$state
	last=$state
	echo "| $night | $shown | $code | $said |"
done
