#!/bin/bash
# A suite of two tests, which prints what go test -v prints: each server is
# asked for its name.
failed=0
ask() { # name port
	echo "=== RUN   Test_$1"
	exec 3<>"/dev/tcp/127.0.0.1/$2"
	printf 'GET / HTTP/1.0\r\n\r\n' >&3
	if [[ $(cat <&3) == *"$1" ]]; then
		echo "--- PASS: Test_$1 (0.01s)"
	else
		echo "--- FAIL: Test_$1 (0.01s)"
		failed=1
	fi
	exec 3>&-
}
ask catalogue 18084
ask search 18085
if [ $failed = 0 ]; then echo PASS; else echo FAIL; fi
exit $failed
