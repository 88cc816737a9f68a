#!/bin/bash
# A suite of four: each server answers its own name, and one test is known to
# fail. It prints what go test -v prints.
port=18091
for name in red green blue; do
	echo "=== RUN   Test_$name"
	exec 3<>"/dev/tcp/127.0.0.1/$port"
	printf 'GET / HTTP/1.0\r\n\r\n' >&3
	if [[ $(cat <&3) == *"$name"* ]]; then
		echo "--- PASS: Test_$name (0.01s)"
	else
		echo "--- FAIL: Test_$name (0.01s)"
	fi
	port=$((port + 1))
done
echo "=== RUN   TestKnownToFail"
echo "--- FAIL: TestKnownToFail (0.00s)"
echo FAIL
exit 1
