#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Put a module into the kit's machine, boot it and run the checks. See usage().
set -eu

usage() {
	cat <<'END'
usage: sh ./try.sh [KSHRAM.KO [HELLOMOD.KO]]

Adds the two modules (kshram/kshram.ko and hellomod/hellomod.ko beside this script
when not named) to the kit's root file system, boots it, does the eight items of
lab.md in order and prints how each went; it stops at the first that fails. Without
a hellomod.ko item 2 is left out. The machine's console is kept in try.log beside
this script, or in the temporary folder where the kit cannot be written to.

Environment: LIMIT, after how many seconds to give up (120); what qemu.sh takes.

Exit status: 0 when all of it passed, 1 when something failed, 2 when it could not
be tried.
END
}

die() {
	echo "try.sh: $*" >&2
	exit 2
}

case ${1:-} in
-h | --help)
	usage
	exit 0
	;;
-*) die "unknown option $1; try --help" ;;
esac
[ $# -le 2 ] || die "takes at most two modules; try --help"

dir=$(cd "$(dirname "$0")" && pwd)
kshram=${1:-$dir/kshram/kshram.ko}
hellomod=${2:-$dir/hellomod/hellomod.ko}
limit=${LIMIT:-120}

[ -r "$kshram" ] || die "cannot read $kshram; build it first: make -C $(dirname "$kshram")"
if [ $# = 2 ] && [ ! -r "$hellomod" ]; then
	die "cannot read $hellomod; build it first: make -C $(dirname "$hellomod")"
fi
for tool in bzip2 cpio; do
	command -v "$tool" >/dev/null 2>&1 || die "cannot find $tool: please install it"
done

tmp=$(mktemp -d)
qemu_pid=
# shellcheck disable=SC2317 # the trap calls it
cleanup() {
	[ -z "$qemu_pid" ] || kill "$qemu_pid" 2>/dev/null || :
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

log=$dir/try.log
: 2>/dev/null >"$log" || log=$(mktemp)

# Several cpio archives after each other are one initramfs, so the modules are
# appended and nothing is packed again. Unpacked it also boots faster.
mkdir "$tmp/add"
cp "$kshram" "$tmp/add/kshram.ko"
[ ! -r "$hellomod" ] || cp "$hellomod" "$tmp/add/hellomod.ko"
bzip2 -dc "$dir/rootfs.cpio.bz2" >"$tmp/initrd" || die "cannot unpack rootfs.cpio.bz2"
(cd "$tmp/add" && find . -type f | cpio -o -H newc --quiet) >>"$tmp/initrd" ||
	die "cannot pack the modules"

accel=$(sh "$dir/qemu.sh" --accel)
results=$tmp/results
: >"$results"
# The console only shows; how it went comes over a second serial port. What a
# module does wrong must end the machine: a crash, a loop, an endless sleep.
ACCEL=$accel INITRD=$tmp/initrd CONSOLE=file:$log \
	APPEND="kit.try oops=panic softlockup_panic=1 hung_task_panic=1 rcupdate.rcu_cpu_stall_timeout=60 ${APPEND:-}" \
	sh "$dir/qemu.sh" -serial "file:$results" </dev/null >"$tmp/qemu.out" 2>&1 &
qemu_pid=$!
seconds=0
while [ "$seconds" -lt "$limit" ] && kill -0 "$qemu_pid" 2>/dev/null; do
	sleep 1
	seconds=$((seconds + 1))
	[ ! -t 2 ] || printf '\r%3d s, %s' "$seconds" \
		"$(tail -n 1 "$results" | tr -cd ' -~' | cut -c 1-60)" >&2
done
[ ! -t 2 ] || printf '\r%70s\r' '' >&2
timed_out=
if kill -KILL "$qemu_pid" 2>/dev/null; then
	timed_out=1
fi
wait "$qemu_pid" 2>/dev/null || :
qemu_pid=

if [ ! -s "$results" ]; then
	echo "The machine did not get as far as the first item:" >&2
	LC_ALL=C tr -cd '\n -~' <"$tmp/qemu.out" | head -n 10 >&2
	LC_ALL=C tr -cd '\n -~' <"$log" | tail -n 15 >&2
	exit 2
fi

item=
ended=
failed=
while IFS= read -r line; do
	case $line in
	"start "*)
		item=${line#start }
		;;
	ok)
		echo "ok      $item"
		item=
		;;
	failed)
		echo "FAILED  $item"
		failed=1
		;;
	end)
		ended=1
		;;
	esac
done <<END
$(LC_ALL=C tr -cd '\n -~' <"$results")
END
if [ -n "$ended" ]; then
	[ -e "$tmp/add/hellomod.ko" ] || echo "(hellomod.ko was not there: item 2 was left out)"
	echo "All of it passed."
	exit 0
fi
if [ -n "$failed" ]; then
	LC_ALL=C tr -cd '\n -~' <"$results" | sed -n 's/^out /        /p'
elif [ -n "$timed_out" ]; then
	echo "FAILED  $item"
	echo "        stopped after $limit s"
else
	echo "FAILED  $item"
	echo "        the machine crashed; from its console:"
	LC_ALL=C tr -cd '\n -~' <"$log" | awk '
		/BUG:|Oops|Kernel panic|general protection|kernel BUG|blocked for more than/ { on = 1 }
		# Registers and guesses are for try.log.
		/ (R[ABCDS][XPI]|R[01][0-9]|FS|CS|CR2|PKRU|Code):/ { next }
		/RIP: 0033:|PGD |Hardware name|  [?] |DR[0-7]: / { next }
		on && n++ < 25 { print "        " $0 }'
fi
echo "The machine's whole console is in $log"
exit 1
