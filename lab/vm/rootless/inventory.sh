# Lists what is on a user's rootless engines, and the user's files but for what
# is inside the engines and in the folder of the experiment.
set -eu
for engine in podman docker; do
	echo "-- $engine"
	containers="ps --all"
	case $engine in podman) containers="ps --all --external" ;; esac
	{
		"$engine" images --all --no-trunc --format 'image {{.ID}} {{.Repository}}:{{.Tag}}'
		"$engine" $containers --no-trunc --format 'container {{.ID}} {{.Names}} {{.State}}'
		"$engine" network ls --no-trunc --format 'network {{.ID}} {{.Name}}'
		"$engine" volume ls --format 'volume {{.Name}}'
		case $engine in docker) docker system df --format 'in all {{.TotalCount}} of {{.Type}}' ;; esac
	} | sort
done
echo "-- files"
cd
find . -type f ! -path './.local/share/*' ! -path './.cache/*' ! -path './vm/*' ! -name '*.before' -exec sha256sum {} + | sort --key=2
find .cache/stratbench/borrowed -type f 2>/dev/null || :
find /tmp -maxdepth 1 -name 'stratbench*' -user "$(id -un)"
