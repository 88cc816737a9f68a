#!/bin/sh
echo "tunnel $*"
