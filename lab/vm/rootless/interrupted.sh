# Ends runs on one of a user's engines while the node of their cluster runs: by
# Ctrl-C, by a session that drops, and by a kill, after which `clean` removes what
# is left. Each time the engine is to be as it was before.
set -eu
engine=$1
cd "$(dirname "$0")"
sed "s/^name: .*/name: interrupted-$engine/; s/\[podman, docker\]/[$engine]/" trial.yaml >interrupted.yaml
sh inventory.sh >interrupted.before

for signal in INT HUP KILL; do
	echo "-- $engine: a run that is ended by SIG$signal"
	# A shell without a terminal starts what runs beside it with SIGINT ignored.
	env --default-signal=INT,HUP stratbench run interrupted.yaml --as-found &
	run=$!
	until "$engine" ps --format '{{.Names}}' | grep control-plane; do
		kill -0 $run || exit 1
		sleep 1
	done
	sleep 5
	kill -s $signal $run
	code=0
	wait $run || code=$?
	case $signal in
	KILL)
		[ $code = 137 ]
		stratbench clean | tee left
		grep -q ' cluster ' left
		stratbench clean --yes
		;;
	*)
		[ $code = 130 ]
		stratbench ls latest --output csv | tail -n +2 | grep -q ,cancelled,
		;;
	esac
	sh inventory.sh >interrupted.after
	diff interrupted.before interrupted.after
done
