#!/bin/sh
echo "crds $*"
