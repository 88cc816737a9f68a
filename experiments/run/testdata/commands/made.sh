#!/bin/sh
# Makes an image without a Dockerfile, of one that was built before it.
set -eu
box=$STRATBENCH_CLUSTER-box
"$STRATBENCH_RUNTIME" create --name "$box" "$STRATBENCH_IMAGE_GREEN" none
"$STRATBENCH_RUNTIME" commit --change "ENV NAME=$NAME" "$box" "$STRATBENCH_IMAGE"
"$STRATBENCH_RUNTIME" rm "$box"
