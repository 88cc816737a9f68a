#!/bin/sh
set -e
kubectl create namespace robots
kubectl -n robots create secret generic robot --from-literal=name="$USER_NAME"
