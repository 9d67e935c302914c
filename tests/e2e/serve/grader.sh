#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Stands in for kshram-grade where the machine is not the point: takes the same
# arguments, and does what the file $STUB/mode says. Each start is a line in
# $STUB/started, each end one in $STUB/ended.
set -eu

log=
while [ $# -gt 1 ]; do
	case $1 in
	--wait | --json | --jail | --no-advice) shift ;;
	--log)
		log=$2
		shift 2
		;;
	*) shift 2 ;;
	esac
done
# As with the real one, the module comes when the machine waits.
echo waiting
read -r _ || exit 2
# The last bytes of the module, which the tests append, say whose it is.
who=$(tail -c 16 "$1" | tr -cd 'a-z0-9')
echo "$who" >>"$STUB/started"
mode=$(cat "$STUB/mode")
[ ! -f "$STUB/mode.$who" ] || mode=$(cat "$STUB/mode.$who")

verdict() {
	echo "$who" >>"$STUB/ended"
	printf '{"name": "kshram", "release": "6.1", "accelerator": "none", "score": %s,
"total": 100, "items": [
{"title": "the first half", "points": %s, "max": 60, "result": "passed", "seconds": 0.5, "reason": ""},
{"title": "the second half", "points": %s, "max": 40, "result": "%s", "seconds": 1, "reason": "%s"}],
"notes": []}\n' "$1" 60 "$(($1 - 60))" "$([ "$1" = 100 ] && echo passed || echo failed)" "$2"
	[ "$1" = 100 ] || exit 1
	exit 0
}

case $mode in
full)
	echo "console of $who" >"$log"
	verdict 100 ""
	;;
inherited)
	# What else than the four is open, and where they lead.
	ls -l /proc/$$/fd >"$STUB/inherited"
	verdict 100 ""
	;;
less)
	verdict 60 "it is wrong [31m in line 3"
	;;
wait)
	# Until the test makes the file for all or for this one.
	echo "waiting" >"$log"
	while [ ! -e "$STUB/go" ] && [ ! -e "$STUB/go.$who" ]; do sleep 0.05; done
	verdict 100 ""
	;;
flood)
	# 20 MB, faster than anybody reads.
	yes "0123456789012345678901234567890123456789012345678901234567890123456789" |
		head -c 20000000 >"$log"
	verdict 100 ""
	;;
escape)
	printf 'A\033[2JB\033[31mC\033]0;title\007D\007E\r\nscore: 100/100\n\033[1mF' >"$log"
	verdict 60 "wrong"
	;;
lost)
	echo "last words of $who" >"$log"
	echo "the host has no memory" >&2
	exit 2
	;;
once)
	# Lost the first time only.
	if [ ! -e "$STUB/lost.$who" ]; then
		: >"$STUB/lost.$who"
		echo "last words of $who" >"$log"
		kill -9 $$
	fi
	verdict 100 ""
	;;
dies)
	# Lost as soon as the test makes the file.
	echo "waiting" >"$log"
	while [ ! -e "$STUB/go" ]; do sleep 0.05; done
	kill -9 $$
	;;
garbage)
	echo '{"score": 100, "total": 100, "items": []}'
	;;
huge)
	yes '{"score": 100}' | head -c 1000000
	;;
hang)
	exec sleep 1000
	;;
esac
