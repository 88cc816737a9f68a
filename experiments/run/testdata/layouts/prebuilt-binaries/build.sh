#!/bin/sh
go build -o ferry/bin/ferry ./cmd/ferry && go test -c -o bin/e2e.test ./e2e
