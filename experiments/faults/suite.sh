# A suite of two tests. The second fails when stratbench asks it to.
echo "=== RUN   TestServes"
i=0
while [ "$i" -lt "${SECONDS_OF_TEST:-6}" ]; do
	echo "    suite.sh: second $i"
	sleep 1
	i=$((i + 1))
done
echo "--- PASS: TestServes (6.00s)"
echo "=== RUN   TestAnswers"
if [ "${STRATBENCH_FAULT}" = test-fail ]; then
	echo "    answers_test.go:17: got 41, want 42"
	echo "--- FAIL: TestAnswers (0.00s)"
	echo "FAIL"
	exit 1
fi
echo "--- PASS: TestAnswers (0.00s)"
echo "PASS"
