#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# kshramd as a whole, in TAP. First a real grading, by nc and by a student's
# client, while 1,000 connections are idle; then serve/cases.py, case by case,
# with a server that has the sanitizers.
#
# Arguments: names of cases, for these alone. Environment: KERNEL (stock).
set -eu

cd "$(dirname "$0")/../.."
. tests/lib/make.sh
KERNEL=${KERNEL:-stock}
export KERNEL
module=build/$KERNEL/kshram.ko
tmp=$(mktemp -d)
server=
idle=
clean() {
	exec 4>&-
	[ -z "$idle" ] || kill "$idle" 2>/dev/null || :
	[ -z "$server" ] || kill -9 "$server" 2>/dev/null || :
	rm -rf "$tmp"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

. tests/lib/cases.sh
. tests/lib/tap.sh

# Debian's, for which the package python3-pwntools is.
python=/usr/bin/python3
make_alone build/bin/kshramd build/bin/kshramctl build/bin/kshram-grade \
	build/bin/kshram-pow build/tests/kshramd build/tests/faults.so "build/$KERNEL/hellomod.ko" "$module" \
	>"$tmp/make.log" 2>&1 || {
	sed 's/^/# /' "$tmp/make.log"
	echo "Bail out! the programs do not build"
	exit 1
}
# Small, and no sample any more, which would be refused.
strip --strip-debug -o "$tmp/hello.ko" "build/$KERNEL/hellomod.ko"
LC_ALL=C sed 's/hellomod/hallomod/g' "$tmp/hello.ko" >"$tmp/small.ko"
SMALL_MODULE=$tmp/small.ko
REFUSALS_SEEN=$tmp/refusals
# A right one that prints more than there is room for between it and its client.
built=build/tests/serve/$KERNEL
{
	patched tests/e2e/serve/prints.patch "$built.src" &&
		echo 'obj-m += prints.o' >"$built.src/Kbuild" &&
		kernel/kbuild "$KERNEL" "$built" "$built.src/prints.c" "$built.src/Kbuild" \
			module/compat.h include/kshram.h &&
		strip --strip-debug -o "$tmp/prints.ko" "$built/prints.ko"
} >"$tmp/make.log" 2>&1 || {
	sed 's/^/# /' "$tmp/make.log"
	echo "Bail out! the module that prints does not build"
	exit 1
}
PRINTS_MODULE=$tmp/prints.ko
export SMALL_MODULE REFUSALS_SEEN PRINTS_MODULE

# --- a real grading among idle connections ------------------------------------

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
	wait_end=$(($(date +%s) + $1))
	shift
	until "$@" 2>/dev/null; do
		[ "$(date +%s)" -lt "$wait_end" ] || {
			echo "waited in vain for: $*"
			return 1
		}
		sleep 0.2
	done
}

start_server() {
	build/bin/kshramd --kernel "$KERNEL" --state "$tmp/state" --listen 127.0.0.1:0 \
		--metrics 127.0.0.1:0 --difficulty 4 --set connections_per_address=2000 \
		--set time_limit=600 --set puzzle_timeout=1h 2>"$tmp/log" &
	server=$!
	wait_for 60 grep -q event=ready "$tmp/log" || {
		cat "$tmp/log"
		return 1
	}
	port=$(sed -n 's/.*event=listening address=127.0.0.1:\([0-9]*\).*/\1/p' "$tmp/log")
	metrics=$(sed -n 's/.*event=metrics port=\([0-9]*\).*/\1/p' "$tmp/log")
}

# metric NAME: its value.
metric() {
	"$python" -c 'import sys, urllib.request
print(urllib.request.urlopen("http://127.0.0.1:%s/metrics" % sys.argv[1]).read().decode())' \
		"$metrics" | awk -v name="kshramd_$1" '$1 == name { printf "%d\n", $2 }'
}

idle_connections() {
	before=$(metric resident_memory_bytes)
	mkfifo "$tmp/hold"
	"$python" -B tests/e2e/serve/idle.py "$port" 1000 "$tmp/idle" <"$tmp/hold" 2>"$tmp/idle.err" &
	idle=$!
	exec 4>"$tmp/hold"
	wait_for 120 test -s "$tmp/idle" || {
		cat "$tmp/idle.err"
		return 1
	}
	each=$((($(metric resident_memory_bytes) - before) / 1000))
	echo "# $each bytes of the server's memory per idle connection" >"$tmp/figure"
	cat "$tmp/figure"
	[ "$(metric 'connections{state="puzzle"}')" -eq 1000 ] && [ "$each" -le 16384 ]
}

# What anybody can do by hand.
by_nc() {
	mkfifo "$tmp/in"
	nc 127.0.0.1 "$port" <"$tmp/in" >"$tmp/nc.out" &
	nc=$!
	exec 3>"$tmp/in"
	wait_for 60 grep -q 'string S: $' "$tmp/nc.out" || return 1
	prefix=$(sed -n "1s/^[^']*'\([^']*\)'.*/\1/p" "$tmp/nc.out")
	build/bin/kshram-pow --base64 "$prefix" 4 >&3
	wait_for 60 grep -q 'finish the transmission\.$' "$tmp/nc.out" || return 1
	base64 "$module" >&3
	echo EOF >&3
	# nc ends when both sides have.
	exec 3>&-
	wait "$nc" || return 1
	cat "$tmp/nc.out"
	md5=$(md5sum "$module" | cut -d ' ' -f 1)
	grep -q "md5 $md5" "$tmp/nc.out" && grep -q 'Linux version' "$tmp/nc.out" &&
		[ "$(tail -n 1 "$tmp/nc.out" | tr -d '\r')" = "score: 100/100" ]
}

by_student() {
	"$python" -B tests/e2e/serve/student.py "$port" "$module" >"$tmp/student.out" 2>&1 || {
		cat "$tmp/student.out"
		return 1
	}
	cat "$tmp/student.out"
	grep -qx 'score: 100/100' "$tmp/student.out"
}

still_there() {
	exec 4>&-
	wait "$idle" || {
		cat "$tmp/idle.err"
		return 1
	}
	idle=
}

ends() {
	kill "$server"
	wait "$server" || return 1
	server=
	cat "$tmp/log"
	! grep -E 'level=(warn|error)' "$tmp/log"
}

if [ $# -eq 0 ]; then
	check "it starts" start_server
	check "1,000 idle connections, at most 16 KiB of memory each" idle_connections
	[ ! -f "$tmp/figure" ] || cat "$tmp/figure"
	check "a transcript with nc gets 100/100 while they are there" by_nc
	check "so does a client of the kind that students write" by_student
	check "the idle connections are still there" still_there
	check "it ends, and had nothing to complain of" ends
fi

# --- case by case ---------------------------------------------------------------

"$python" -B tests/e2e/serve/cases.py >"$tmp/cases"
while read -r case words; do
	[ $# -eq 0 ] || case " $* " in *" $case "*) ;; *) continue ;; esac
	check "$case: $words" timeout -k 5 240 "$python" -B tests/e2e/serve/cases.py "$case" </dev/null
done <"$tmp/cases"

# Each reason that there is was given to some client above, who looked at the words.
every_refusal() {
	sed -n 's/^\t\treturn "\([a-z_]*\)";/\1/p' serve/refusal.c | sort >"$tmp/reasons"
	sort -u "$REFUSALS_SEEN" | comm -23 "$tmp/reasons" - >"$tmp/unseen"
	wc -l <"$tmp/reasons"
	sed 's/^/no case sees: /' "$tmp/unseen"
	[ -s "$tmp/reasons" ] && [ ! -s "$tmp/unseen" ]
}
[ $# -gt 0 ] || check "every reason for a refusal was seen" every_refusal

echo "1..$count"
[ "$failed" -eq 0 ]
