# step.sh NAME SECONDS [FAULT]: talk for some seconds, then do what was asked.
i=0
while [ "$i" -lt "$2" ]; do
	echo "$1: second $i"
	sleep 1
	i=$((i + 1))
done
case $3 in
step-fail)
	echo "./main.go:12:5: undefined: answer" >&2
	exit 2
	;;
step-oom)
	# Each round doubles what the shell holds.
	s=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
	while :; do s=$s$s; done
	;;
step-sleep)
	while :; do sleep 3600; done
	;;
esac
