#!/bin/sh
echo "seed $*"
