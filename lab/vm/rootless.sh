# A Podman and a Docker that an ordinary user runs without root's rights, as
# their own set-ups install them, and stratbench as that user: in login sessions
# and in services. A failure does not stop the rest.
say() { echo "== $(cut -d. -f1 /proc/uptime) s: $*" >&2; }

# as_user SECONDS COMMAND: a shell command in a login session of the user's.
as_user() { timeout --kill-after=20 "$1" su --login user --command "$2"; }

# must NAME COMMAND...: a command without which the part has failed.
must() {
	name=$1
	shift
	say "$name"
	if "$@"; then
		return 0
	fi
	say "FAILED: $name"
	failed="$failed rootless-$name"
	journalctl --no-pager --lines=40 >&2
	return 1
}

# The computer: an uplink to nowhere, because the engines' networks copy one, and
# no name server. The set-up tool of Docker looks for a module that is built in.
must user useradd --create-home --shell /bin/sh user
uid=$(id -u user)
for ids in /etc/subuid /etc/subgid; do
	grep -q '^user:' $ids || echo user:100000:65536 >>$ids
done
must uplink sh -ec '
	ip link add uplink type dummy
	ip address add 192.0.2.2/24 dev uplink
	ip link set uplink up
	ip route add default via 192.0.2.1
	rm -f /etc/resolv.conf
	touch /etc/resolv.conf'
mkdir -p "/lib/modules/$(uname -r)"
echo kernel/net/ipv4/netfilter/ip_tables.ko >"/lib/modules/$(uname -r)/modules.builtin"
ln -s /usr/share/docker.io/contrib/dockerd-rootless*.sh /usr/bin/
mkdir /mnt/node
must files sh -ec '
	mount -t hostfs -o ro,hostfs="$1" none /mnt/node
	cp "$2/bin/stratbench" /usr/local/bin/
	cp -r "$2/lab/vm" /home/user/vm
	cp /usr/bin/busybox /home/user/vm/rootless/context/
	chown -R user:user /home/user/vm' sh "$node" "$source"
ls -l /dev/net/tun /dev/fuse
cat /etc/subuid /etc/subgid /proc/sys/user/max_user_namespaces

# systemd before version 252 does not delegate the controller cpu to users.
mkdir -p /etc/systemd/system/user@.service.d
printf '[Service]\nDelegate=\nDelegate=memory pids\n' >/etc/systemd/system/user@.service.d/as-before-252.conf
systemctl daemon-reload
must lingering loginctl enable-linger user
must manager systemctl start "user@$uid.service"
must session as_user 60 '
	cat /proc/self/cgroup
	echo "$XDG_RUNTIME_DIR"
	grep -q "/session-[^/]*\.scope$" /proc/self/cgroup && [ -S "$XDG_RUNTIME_DIR/bus" ] && test -r /mnt/node/image.tar'
must podman as_user 120 'systemctl --user enable --now podman.socket && podman --remote version'
must docker as_user 300 'dockerd-rootless-setuptool.sh install && docker version'

controllers() {
	for group in user.slice user.slice/user-$uid.slice "user.slice/user-$uid.slice/user@$uid.service"; do
		echo "$group: $(cat "/sys/fs/cgroup/$group/cgroup.controllers")"
	done
}
controllers
must doctor-names-what-is-missing as_user 180 '
	stratbench doctor podman docker --output json >doctor.before
	code=$?
	cat doctor.before
	[ $code = 12 ] && [ "$(grep -c "limit containers by cpu, without which Kind makes no cluster" doctor.before)" = 2 ]'
must validate-names-it-too as_user 180 '
	stratbench validate vm/rootless/trial.yaml >validate.before 2>&1
	code=$?
	cat validate.before
	[ $code = 2 ] && [ "$(grep -c "limit containers by cpu, without which Kind makes no cluster" validate.before)" = 2 ]'

# The commands that stratbench prints are followed as they stand. The user
# lingers, so the manager is started again instead of the computer.
commands=$(sed -n 's/.*\(sudo mkdir -p .*systemctl daemon-reload\).*/\1/p' /home/user/validate.before | head -n 1)
sudo() { "$@"; }
must commands-are-printed [ -n "$commands" ]
must commands eval "$commands"
must manager-again systemctl restart "user@$uid.service"
must engines-again as_user 240 '
	waited=0
	until docker version >/dev/null 2>&1 || [ $waited -gt 120 ]; do sleep 1; waited=$((waited + 1)); done
	docker version && podman --remote version'
controllers
must doctor-says-good as_user 180 '
	stratbench doctor podman docker --output json >doctor.before
	code=$?
	cat doctor.before
	[ $code = 0 ] && [ "$(grep -c "rootless, with the controllers that Kind needs" doctor.before)" = 2 ]'

say "the node image"
as_user 900 'podman load --quiet --input /mnt/node/image.tar' >/tmp/podman.load 2>&1 &
loading=$!
must node-image-docker as_user 900 'docker load --quiet --input /mnt/node/image.tar'
must node-image-podman wait $loading
cat /tmp/podman.load
must belongings as_user 600 'sh vm/rootless/belongings.sh'
must inventory as_user 240 'sh vm/rootless/inventory.sh' >/tmp/inventory.before
cat /tmp/inventory.before

# A registry of stratbench's is on the loopback address, which a rootless Docker
# does not share.
must registry as_user 240 '
	cd vm/rootless
	for engine in podman docker; do
		sed "s/strategy: serial/strategy: registry/; s/\[podman, docker\]/[$engine]/" trial.yaml >registry-$engine.yaml
	done
	stratbench validate registry-podman.yaml || exit 1
	stratbench validate registry-docker.yaml >registry.txt 2>&1
	code=$?
	cat registry.txt
	[ $code = 2 ] && grep -q "does not share this host" registry.txt'

must validate as_user 240 'cd vm/rootless && stratbench validate trial.yaml broken.yaml'
must trial as_user 2400 'cd vm/rootless && stratbench run trial.yaml --as-found && stratbench ls latest'
must outcomes as_user 60 'cd vm/rootless && stratbench ls latest --output csv | tail -n +2 | grep -c ",ok," | grep -qx 2' ||
	as_user 60 'cat vm/rootless/results/data/*/trials.jsonl'
must rootless-records as_user 60 'cat vm/rootless/results/data/*/trials.jsonl | grep -c "\"rootless\":true" | grep -qx 2'
must samples as_user 60 'cat vm/rootless/results/data/*/trials.jsonl | grep -c "\"memory_bytes\":[1-9].*\"pressure\":{\"known\":true" | grep -qx 2'

for engine in podman docker; do
	must "interrupted-$engine" as_user 1200 "sh vm/rootless/interrupted.sh $engine"
done

# Builds that fail, in services: one of the user's own, as a timer starts it, and one
# of the system's that runs as the user, as those of CI do.
must broken as_user 600 '
	systemd-run --user --wait --pipe --quiet --collect --working-directory="$HOME/vm/rootless" \
		sh -c "cat /proc/self/cgroup; exec stratbench run broken.yaml --as-found"
	cd vm/rootless
	stratbench ls latest
	stratbench ls latest --output csv | tail -n +2 | grep -c ",build-failed," | grep -qx 2' ||
	as_user 60 'cat vm/rootless/results/data/*broken/trials.jsonl'
must doctor-in-a-service timeout 240 systemd-run --uid=user --wait --pipe --quiet --collect \
	sh -c 'cat /proc/self/cgroup; exec stratbench doctor podman docker'

must inventory-again as_user 240 'sh vm/rootless/inventory.sh' >/tmp/inventory.after
must everything-is-as-before diff /tmp/inventory.before /tmp/inventory.after

must a-stopped-docker-is-started-by-its-user as_user 180 '
	systemctl --user stop docker
	stratbench doctor docker --output json >stopped.before
	code=$?
	cat stopped.before
	[ $code = 12 ] && grep -q "start it: systemctl --user start docker" stopped.before'

case "$failed" in
*rootless-*)
	say "what may explain it"
	as_user 120 '
		find vm/rootless/results -name log.txt -exec tail -n 150 {} +
		systemctl --user start docker
		for engine in podman docker; do $engine info; $engine ps --all; $engine network ls; done
		podman unshare --rootless-netns ip address
		systemctl --user --no-pager --full status docker podman
		systemctl --user --no-pager --failed'
	systemd-cgls --no-pager /user.slice
	systemctl --no-pager --failed
	journalctl --no-pager --lines=400
	;;
esac
