# The tests of machines, watch and post-mortem, and a small trial of each
# engine: in a service, which this job is, in a simulated privileged container,
# and in a login session. A failure does not stop the rest.
grep -qx '0::/system.slice/job.service' /proc/self/cgroup || failed="$failed not-in-a-service"
echo "== $(uname -sr), $(stat -f -c %T /sys/fs/cgroup), $(cat /sys/fs/cgroup/cgroup.controllers)"
stratbench doctor || failed="$failed doctor"
# The VM has no network, so TestWayOut could reach nothing.
while read -r program package; do
	(cd "$package" && "/host/$program" -test.timeout 60m -test.skip '^TestWayOut$') || failed="$failed $package"
done </host/tests

# The same in a simulated privileged container: its own processes are in the root
# of its control groups, and the kernel's log has their whole path.
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
# Elsewhere a trial that crashed is a result; here it is a failure.
if ! (cd /root && stratbench ls latest --output csv | tail -n +2 | grep -c ',ok,' | grep -qx 2); then
	failed="$failed outcomes"
	cat /root/results/data/*/trials.jsonl
fi
# Ctrl-C while a cluster starts: no group and no lent controller stays.
lent=$(cat /sys/fs/cgroup/cgroup.subtree_control)
for engine in podman docker; do
	(
		cd /root
		sed "s/^name: .*/name: interrupted-$engine/; s/\[podman, docker\]/[$engine]/; s,^workload: ,&$source/lab/vm/," \
			"$source/lab/vm/trial.yaml" >"interrupted-$engine.yaml"
		# A shell without a terminal starts what runs beside it with SIGINT ignored.
		env --default-signal=INT stratbench run "interrupted-$engine.yaml" &
		run=$!
		until grep -qs 'Starting control-plane' results/data/*-"interrupted-$engine"/trials/*/log.txt; do
			kill -0 $run || exit 1
			sleep 1
		done
		kill -INT $run
		wait $run
		[ $? = 130 ] && stratbench ls latest --output csv | tail -n +2 | grep ,cancelled,
	) && [ ! -e /sys/fs/cgroup/stratbench ] && [ "$(cat /sys/fs/cgroup/cgroup.subtree_control)" = "$lent" ] ||
		failed="$failed interrupted-$engine"
done
# The squeeze itself kills nothing; the kernel chooses what to kill afterwards.
# This one runs in a login session, as root's shell does.
su root --command '
	cat /proc/self/cgroup
	grep -q "/session-[^/]*\.scope$" /proc/self/cgroup || exit 1
	stratbench doctor isolated || exit 1
	cd /root
	stratbench run "$0/lab/vm/balloon.yaml"
	stratbench faults latest' "$source" || failed="$failed in-a-session"
if ! (cd /root && stratbench ls latest --output csv | grep -cE ',(host-exhausted|build-oom|engine-crash),' | grep -qx 2); then
	failed="$failed balloon"
	cat /root/results/data/*balloon/trials.jsonl
fi
if [ -d /sys/fs/cgroup/stratbench ]; then
	failed="$failed left-over-control-groups"
fi
