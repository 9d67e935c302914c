#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The jail of --jail, looked at from outside while a machine runs in it, and how
# it ends. TAP.
#
# KERNEL is what boots (default: lab). What needs another user is done as root
# only; the suite runs as any.
set -eu
cd "$(dirname "$0")/../.."

kernel=${KERNEL:-lab}
grader=$PWD/build/bin/kshram-grade
vm=$PWD/build/bin/kshram-vm
built=build/tests/jail/$kernel
tmp=$(mktemp -d)
chmod 755 "$tmp"
pid=
clean() {
	[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null || :
	rm -rf "$tmp"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

. tests/lib/cases.sh
. tests/lib/tap.sh
. tests/lib/wait.sh

for file in "$grader" "$vm" build/guest/kshram-jail-init "build/$kernel/kshram.ko" \
	"build/$kernel/hellomod.ko"; do
	[ -e "$file" ] || {
		echo "Bail out! $file is not there: type make all module KERNEL=$kernel"
		exit 1
	}
done
dir=$(kernel/get "$kernel")

# children PID: the processes that it started.
children() {
	cat "/proc/$1/task/"*/children 2>/dev/null || :
}

runs_qemu() {
	[ -n "$1" ] && grep -q '^qemu-system' "/proc/$1/comm" 2>/dev/null
}

find_qemu() {
	guard=$(children "$pid" | tr -d ' ')
	[ -n "$guard" ] || return 1
	bwrap=$(children "$guard" | tr -d ' ')
	[ -n "$bwrap" ] || return 1
	qemu=$(children "$bwrap" | tr -d ' ')
	runs_qemu "$qemu"
}

# start: a machine in a jail that has nothing to do; pid, guard, bwrap and qemu.
start() {
	rm -f "$tmp/console"
	"$vm" --kernel "$dir" --jail --timeout 600 --console "$tmp/console" -- \
		sh -c 'echo up >/dev/console; sleep 600' >"$tmp/out" 2>"$tmp/err" &
	pid=$!
	within find_qemu
}

is_up() {
	grep -aq '^up' "$tmp/console" 2>/dev/null
}

# ended STATUS WORDS: it ended so, and said so; nothing is left of it.
ended() {
	status=0
	wait "$pid" || status=$?
	pid=
	cat "$tmp/err"
	echo "status $status"
	[ "$status" -eq "$1" ] && { [ -z "$2" ] || grep -q -- "$2" "$tmp/err"; } &&
		within gone "$guard" && within gone "$bwrap" && within gone "$qemu"
}

# --- the jail, from outside ------------------------------------------------------

check "a machine starts in a jail" start
check "and boots there" within is_up
status_of() {
	sed -n "s/^$1:[[:space:]]*//p" "/proc/$qemu/status"
}

namespaces() {
	for ns in user mnt pid net ipc uts cgroup; do
		ours=$(readlink "/proc/self/ns/$ns")
		its=$(readlink "/proc/$qemu/ns/$ns") || return 1
		echo "$ns: $ours, in the jail $its"
		[ "$ours" != "$its" ] || return 1
	done
}
check "its user, mount, pid, net, ipc, uts and cgroup namespaces are its own" namespaces

alone() {
	pids=$(readlink "/proc/$qemu/ns/pid")
	[ "$(status_of NSpid)" = "$qemu$(printf '\t')1" ] || return 1
	for other in /proc/[0-9]*; do
		[ "$other" = "/proc/$qemu" ] || [ "$(readlink "$other/ns/pid")" != "$pids" ] ||
			return 1
	done 2>/dev/null
	runs_qemu "$qemu"
}
check "it is process 1 of its namespace, and the only one" alone

users() {
	status_of Uid
	status_of Gid
	cat "/proc/$qemu/uid_map" "/proc/$qemu/gid_map"
	! status_of Uid | tr '\t' '\n' | grep -qx 0 && ! status_of Gid | tr '\t' '\n' | grep -qx 0 &&
		[ "$(wc -l <"/proc/$qemu/uid_map")" -eq 1 ] &&
		[ "$(wc -l <"/proc/$qemu/gid_map")" -eq 1 ] &&
		awk '$1 == 0 || $2 == 0 || $3 != 1 { exit 1 }' "/proc/$qemu/uid_map" &&
		awk '$1 == 0 || $2 == 0 || $3 != 1 { exit 1 }' "/proc/$qemu/gid_map"
}
# As root of a container one may be somebody, but then that is who it is.
check "it is root neither outside nor inside, and inside there is one user" users

groups_of() {
	status_of Groups
	runs_qemu "$qemu" || return 1
	[ "$(id -u)" -ne 0 ] || [ -z "$(status_of Groups | tr -d ' ')" ]
}
check "it is in no further group of root's" groups_of

capabilities() {
	grep '^Cap' "/proc/$qemu/status"
	[ "$(grep -c '^Cap.*[[:space:]]0000000000000000$' "/proc/$qemu/status")" -eq 5 ]
}
check "it has no capability, in none of the five sets" capabilities
check "system calls are filtered" test "$(status_of Seccomp)" = 2
check "by our list and by QEMU's" test "$(status_of Seccomp_filters)" -ge 2
check "no program can give it more rights" test "$(status_of NoNewPrivs)" = 1

# What may be there, one pattern a line; the libraries are what ldd says.
program=$(readlink -f "$(command -v qemu-system-x86_64)")
{
	printf '%s\n' /init /initramfs /kernel "$program"
	ldd "$program" | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) (.*/\1/p' |
		while read -r library; do
			echo "$library"
			echo "$(readlink -f "${library%/*}")/${library##*/}"
			echo "$(readlink -f "${library%/*}")/qemu/accel-tcg-x86_64.so"
		done
} | sort -u >"$tmp/allowed"
files() {
	find "/proc/$qemu/root/" ! -type d | sed "s|^/proc/$qemu/root||" |
		grep -v -e "^${program%/bin/*}/share/qemu/" -e "^${program%/bin/*}/share/seabios/" |
		sort >"$tmp/found"
	comm -23 "$tmp/found" "$tmp/allowed" >"$tmp/strange"
	cat "$tmp/strange"
	grep -qx "$program" "$tmp/found" && [ ! -s "$tmp/strange" ]
}
check "its root has QEMU, its libraries and firmware, kernel and initramfs, and nothing else" files
kinds() {
	find "/proc/$qemu/root/" ! -type d ! -type f ! -type l >"$tmp/strange"
	cat "$tmp/strange"
	runs_qemu "$qemu" && [ ! -s "$tmp/strange" ]
}
check "no device, socket or pipe among them" kinds
read_only() {
	awk '$6 !~ /^ro,/ || $6 !~ /nosuid/ || $6 !~ /nodev/' "/proc/$qemu/mountinfo" >"$tmp/strange"
	cat "$tmp/strange"
	runs_qemu "$qemu" && [ ! -s "$tmp/strange" ]
}
check "all of it is mounted read-only, nosuid and nodev" read_only
no_proc() {
	runs_qemu "$qemu" &&
		! grep -E ' - (proc|sysfs|devtmpfs|devpts|cgroup2?|mqueue) ' "/proc/$qemu/mountinfo"
}
check "neither /proc nor /sys nor /dev" no_proc
check "it is in the root of that" test "$(readlink "/proc/$qemu/cwd")" = /

network() {
	sed 1,2d "/proc/$qemu/net/dev" | sed 's/:.*//; s/ //g' >"$tmp/interfaces"
	cat "$tmp/interfaces" "/proc/$qemu/net/route"
	[ "$(cat "$tmp/interfaces")" = lo ] && [ "$(wc -l <"/proc/$qemu/net/route")" -eq 1 ]
}
check "its network is lo, and no route leads anywhere" network
descriptors() {
	for fd in "/proc/$qemu/fd/"*; do
		readlink "$fd"
	done | grep -v -e '^/dev/null$' -e '^pipe:' -e '^socket:' -e '^anon_inode:' >"$tmp/strange"
	cat "$tmp/strange"
	runs_qemu "$qemu" && [ ! -s "$tmp/strange" ]
}
check "it holds no file of the host's" descriptors
environment() {
	tr '\0' '\n' <"/proc/$qemu/environ" | grep -v -e '^LD_LIBRARY_PATH=/' -e '^PWD=/$' \
		>"$tmp/strange"
	cat "$tmp/strange"
	runs_qemu "$qemu" && [ ! -s "$tmp/strange" ]
}
check "nothing of our environment came along" environment

# limited NAME MOST: the soft and the hard limit are at most that.
limited() {
	sed -n "s/^$1  *\([^ ]*\)  *\([^ ]*\) .*/\1 \2/p" "/proc/$qemu/limits" >"$tmp/limits"
	cat "$tmp/limits"
	awk -v most="$2" '$1 == "unlimited" || $2 == "unlimited" || $1 > most || $2 > most { bad = 1 }
		END { exit bad || NR != 1 }' "$tmp/limits"
}
check "limit: files of no size" limited 'Max file size' 0
check "limit: no core files" limited 'Max core file size' 0
check "limit: 64 threads" limited 'Max processes' 64
check "limit: 256 descriptors" limited 'Max open files' 256
check "limit: no locked memory" limited 'Max locked memory' 0
check "limit: address space, the machine's 256 MiB and 1.25 GiB" \
	limited 'Max address space' $(((256 + 1024 + 2 * 128) * 1024 * 1024))
check "limit: processor time, four times the 600 s for two CPUs" limited 'Max cpu time' 2400

# --- how it ends -------------------------------------------------------------------

kill -9 "$qemu"
check "kill -9 of QEMU: 125, and by what" ended 125 'killed by signal 9'
start
kill -9 "$bwrap"
check "kill -9 of bubblewrap: the same, and QEMU dies too" ended 125 'killed by signal 9'
start
kill -9 "$guard"
check "kill -9 of the guard between: the same" ended 125 'killed by signal 9'
rm "$tmp/console"
start
# Before QEMU handles it, nothing would come of it: it is process 1.
within is_up
kill "$qemu"
check "SIGTERM, which QEMU obeys: 125" ended 125 'terminating on signal'
start
kill -9 "$pid"
check "kill -9 of kshram-vm ends all" ended 137 ''

# A machine of a size that no other has, so that what is left of it can be found.
memory=$((200 + $$ % 50))
none_left() {
	for cmdline in /proc/[0-9]*/cmdline; do
		tr '\0' ' ' <"$cmdline" 2>/dev/null | grep -q -- "--args .* -m ${memory}M " || continue
		left=${cmdline%/cmdline}
		gone "${left#/proc/}" || return 1
	done
}
# killed_after SECONDS: kshram-vm is killed then, and takes everything with it.
killed_after() {
	"$vm" --kernel "$dir" --jail --memory "$memory" --console "$tmp/early" -- sleep 600 \
		>"$tmp/out" 2>"$tmp/err" &
	pid=$!
	sleep "$1"
	kill -9 "$pid"
	wait "$pid" || :
	pid=
}
early() {
	delay=0
	while [ "$delay" -lt 60 ]; do
		delay=$((delay + 1))
		killed_after "0.$(printf %03d "$((delay * 8))")"
	done
	within none_left
}
check "kill -9 while the jail is being made leaves nothing" early

# The moment in which bubblewrap is two processes of which one waits, made long.
cat >"$tmp/slow.c" <<'END'
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

ssize_t write(int fd, const void *data, size_t len)
{
	if (len == 8 && !strcmp(program_invocation_short_name, "bwrap"))
		sleep(3);
	return syscall(SYS_write, fd, data, len);
}
END
two_bubblewraps() {
	for process in $(children "$(children "$pid" | tr -d ' ')"); do
		[ -z "$(children "$process")" ] || return 0
	done
	return 1
}
halfway() {
	gcc -shared -fPIC -o "$tmp/slow.so" "$tmp/slow.c" || return 1
	LD_PRELOAD=$tmp/slow.so "$vm" --kernel "$dir" --jail --memory "$memory" \
		--console "$tmp/early" -- sleep 600 >"$tmp/out" 2>"$tmp/err" &
	pid=$!
	within two_bubblewraps || return 1
	kill -9 "$pid"
	wait "$pid" || :
	pid=
	within none_left
}
check "nor does it when bubblewrap is halfway" halfway

# run OPTION...: kshram-vm, its status and words.
run() {
	status=0
	"$vm" --kernel "$dir" --timeout 600 "$@" >"$tmp/out" 2>"$tmp/err" </dev/null || status=$?
	cat "$tmp/out" "$tmp/err"
	echo "status $status"
}
# gives STATUS WORDS OPTION...
gives() {
	want=$1 words=$2
	shift 2
	run "$@"
	[ "$status" -eq "$want" ] &&
		{ [ -z "$words" ] || grep -q -- "$words" "$tmp/out" "$tmp/err"; }
}
check "a command's status comes out of the jail" gives 7 said --jail -- sh -c 'echo said; exit 7'
check "a guest that restarts itself ends as without a jail" gives 123 'machine ended while' \
	--jail -- reboot -f
check "one that panics too" gives 123 'Kernel panic' --jail -- \
	sh -c 'echo c >/proc/sysrq-trigger'
check "no disks: no file of the host's can be written" gives 125 'in a jail has no disks' \
	--jail --disk "$0" -- true
check "--jail-user without --jail" gives 125 'needs --jail' --jail-user nobody -- true

# only_qemu DIRECTORY: a PATH with QEMU, and no bubblewrap.
mkdir "$tmp/path"
ln -s "$program" "$tmp/path/qemu-system-x86_64"
no_bwrap() {
	status=0
	PATH=$tmp/path "$vm" --kernel "$dir" --jail -- true 2>"$tmp/err" || status=$?
	cat "$tmp/err"
	[ "$status" -eq 125 ] && grep -q 'apt-get install bubblewrap' "$tmp/err"
}
check "no bubblewrap: says what to install" no_bwrap

# As another user than root, who gets at a copy of the programs and the kernel.
mkdir "$tmp/tree" "$tmp/kernel"
cp -r build/bin build/guest "$tmp/tree"
for file in bzImage cmdline config memory modules modules.list release vermagic; do
	[ ! -e "$dir/$file" ] || cp -rL "$dir/$file" "$tmp/kernel"
done
chmod -R go+rX "$tmp/tree" "$tmp/kernel"
as_user() {
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid nobody --regid nogroup --clear-groups env HOME=/nonexistent "$@"
	else
		"$@"
	fi
}
unprivileged() {
	as_user "$tmp/tree/bin/kshram-vm" --kernel "$tmp/kernel" --timeout 600 --jail -- echo "all is well" \
		>"$tmp/out" 2>"$tmp/err"
	cat "$tmp/err"
	grep -qx 'all is well' "$tmp/out"
}
check "without being root it works the same" unprivileged
forbidden() {
	status=0
	# A namespace of users in which no further one may be made.
	# shellcheck disable=SC2016 # expanded when it runs
	as_user unshare --user --map-current-user --keep-caps sh -c \
		'echo 0 >/proc/sys/user/max_user_namespaces &&
		exec setpriv --inh-caps=-all --ambient-caps=-all "$@"' sh \
		"$tmp/tree/bin/kshram-vm" --kernel "$tmp/kernel" --jail -- true 2>"$tmp/err" ||
		status=$?
	cat "$tmp/err"
	[ "$status" -eq 125 ] && grep -q 'cannot make a jail' "$tmp/err" &&
		grep -q 'user.max_user_namespaces' "$tmp/err"
}
check "user namespaces are forbidden: says so, and where" forbidden
if [ "$(id -u)" -eq 0 ]; then
	check "--jail-user: another user" gives 0 '' --jail --jail-user daemon -- true
	check "--jail-user root is refused" gives 125 'who is root' --jail --jail-user root -- true
	check "--jail-user nobody knows" gives 125 "no user 'no-such'" --jail --jail-user no-such \
		-- true
else
	check "--jail-user is for root" gives 125 'only root' --jail --jail-user nobody -- true
fi

# --- the same verdicts -------------------------------------------------------------

build_bad() {
	for name in init_oops size_not_kept; do
		patched "tests/bad/$name.patch" build/tests/jail/src || return 1
	done
	printf 'obj-m += init_oops.o size_not_kept.o\n' >build/tests/jail/src/Kbuild
	kernel/kbuild "$kernel" "$built" build/tests/jail/src/*.c build/tests/jail/src/Kbuild \
		module/compat.h include/kshram.h
}
check "two wrong modules build" build_bad
# verdict FILE: without what differs from run to run: times, addresses, how often a process had to be looked for.
verdict() {
	jq 'del(.seconds, .looks, .items[].seconds)' "$1" | sed -E 's/0x[0-9a-f]+|[0-9a-f]{16}/ADDRESS/g'
}
# same STATUS MODULE
same() {
	for jail in '' --jail; do
		status=0
		# shellcheck disable=SC2086 # an option or none
		"$grader" $jail --no-advice --json --kernel "$kernel" "$2" >"$tmp/json$jail" 2>"$tmp/err" ||
			status=$?
		cat "$tmp/err"
		[ "$status" -eq "$1" ] || return 1
		verdict "$tmp/json$jail" >"$tmp/verdict$jail"
	done
	[ -s "$tmp/verdict" ] && diff "$tmp/verdict" "$tmp/verdict--jail"
}
check "our module: full marks with and without a jail" same 0 "build/$kernel/kshram.ko"
check "one that crashes in init: the same verdict" same 1 "$built/init_oops.ko"
check "one that forgets a size: the same verdict" same 1 "$built/size_not_kept.ko"

# --- the service -------------------------------------------------------------------

# What systemd says of the unit is what the documentation says it says.
exposure() {
	command -v systemd-analyze >/dev/null || {
		echo "systemd-analyze is missing: apt-get install systemd"
		return 1
	}
	systemd-analyze security --offline=true --no-pager packaging/systemd/kshramd.service \
		>"$tmp/security" 2>&1
	tail -n 1 "$tmp/security"
	grep -q 'is part of\|Unknown\|ignoring' "$tmp/security" && return 1
	said=$(sed -n 's/.*exposure level for kshramd.service: \([0-9.]*\) .*/\1/p' "$tmp/security")
	# Versions of systemd weigh a little differently.
	[ -n "$said" ] && awk -v said="$said" -v told="$(sed -n \
		's/.* says of it: \*\*\([0-9.]*\) OK\*\*.*/\1/p' docs/containment.md)" \
		'BEGIN { exit !(said <= told + 0.3) }'
}
check "systemd's judgement of the unit is as documented" exposure

echo "1..$count"
[ "$failed" -eq 0 ]
