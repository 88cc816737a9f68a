#!/bin/sh
set -e
for cluster in "$@"; do kind create cluster --name "$cluster"; done
echo publishing
ko build --jobs "$JOBS" ./cmd/...
echo published all
