# The tests of machines, watch and post-mortem, and a small trial of each
# engine. All of it runs, whatever fails.
failed=
echo "== $(uname -sr), $(stat -f -c %T /sys/fs/cgroup), $(cat /sys/fs/cgroup/cgroup.controllers)"
stratbench doctor || failed="$failed doctor"
# The VM has no network, and so nothing to which TestWayOut could lead out.
while read -r program package; do
	(cd "$package" && "/host/$program" -test.timeout 60m -test.skip '^TestWayOut$') || failed="$failed $package"
done </host/tests

# Again in what a privileged container sees: its own processes are in the root of
# its control groups, of which the kernel's log knows the whole path.
echo "+cpuset +cpu +io +memory +pids" >/sys/fs/cgroup/cgroup.subtree_control
mkdir /sys/fs/cgroup/container
(
	echo 0 >/sys/fs/cgroup/container/cgroup.procs
	exec unshare --cgroup --mount sh -ec '
		mount -t cgroup2 cgroup2 /sys/fs/cgroup
		stratbench doctor
		cd runtimes/machine/isolated
		/host/runtimes-machine-isolated.test -test.run "^(TestContainersRunInAMachine|TestLimitHolds)$" -test.timeout 60m
		[ "$(cat /proc/self/cgroup)" = 0::/ ]'
) || failed="$failed in-a-container"
rmdir /sys/fs/cgroup/container || failed="$failed left-over-in-the-container"
echo "-cpuset -cpu -io" >/sys/fs/cgroup/cgroup.subtree_control

(cd /root && stratbench run "$source/lab/vm/trial.yaml" && stratbench ls latest) || failed="$failed trial"
# A trial that crashed is a result, but not here.
if ! (cd /root && stratbench ls latest --output csv | tail -n +2 | grep -c ',ok,' | grep -qx 2); then
	failed="$failed outcomes"
	cat /root/results/data/*/trials.jsonl
fi
# Whom the kernel kills afterwards is its choice; the squeeze itself kills nobody.
(cd /root && stratbench run "$source/lab/vm/balloon.yaml"; stratbench faults latest)
if ! (cd /root && stratbench ls latest --output csv | grep -cE ',(host-exhausted|build-oom|engine-crash),' | grep -qx 2); then
	failed="$failed balloon"
	cat /root/results/data/*balloon/trials.jsonl
fi
if [ -d /sys/fs/cgroup/stratbench ]; then
	failed="$failed left-over-control-groups"
fi
echo "== failed:${failed:- nothing}"
[ -z "$failed" ]
