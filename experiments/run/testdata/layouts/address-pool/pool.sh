#!/bin/sh
# stands for: docker network inspect "$STRATBENCH_CLUSTER", and a Pool of some of its addresses
