#!/bin/sh
exec ginkgo --junit-report=junit.xml --output-dir=out ./e2e
