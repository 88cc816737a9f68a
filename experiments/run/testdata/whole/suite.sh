#!/bin/bash
echo "=== RUN   Test_deployed"
echo "--- PASS: Test_deployed (0.01s)"
echo PASS
