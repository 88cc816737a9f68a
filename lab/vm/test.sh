# The tests of machines, watch and post-mortem, and a small trial of each
# engine. All of it runs, whatever fails.
failed=
echo "== $(uname -sr), $(stat -f -c %T /sys/fs/cgroup), $(cat /sys/fs/cgroup/cgroup.controllers)"
stratbench doctor || failed="$failed doctor"
while read -r program package; do
	(cd "$package" && "/host/$program" -test.timeout 20m) || failed="$failed $package"
done </host/tests

(cd /root && stratbench run "$source/lab/vm/trial.yaml" && stratbench ls latest) || failed="$failed trial"
# A trial that crashed is a result, but not here.
if ! (cd /root && stratbench ls latest --output csv | tail -n +2 | grep -c ',ok,' | grep -qx 2); then
	failed="$failed outcomes"
	cat /root/results/data/*/trials.jsonl
fi
if [ -d /sys/fs/cgroup/stratbench ]; then
	failed="$failed left-over-control-groups"
fi
echo "== failed:${failed:- nothing}"
[ -z "$failed" ]
