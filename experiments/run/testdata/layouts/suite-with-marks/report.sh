#!/bin/sh
# The suite has run in the set-up: this hands its report on.
mkdir -p out && cp e2e/junit.xml out/
