#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The jail of --jail, looked at from outside while a machine runs in it, and how
# it ends; then the jails of a server's machines. TAP.
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
server=
clean() {
	[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null || :
	[ -z "$server" ] || kill -9 "$server" 2>/dev/null || :
	rm -rf "$tmp"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

. tests/lib/cases.sh
. tests/lib/tap.sh
. tests/lib/wait.sh
. tests/lib/jail.sh

for file in "$grader" "$vm" build/bin/kshramd build/guest/kshram-jail-init build/guest/kshram-agent \
	"build/$kernel/kshram.ko" "build/$kernel/hellomod.ko"; do
	[ -e "$file" ] || {
		echo "Bail out! $file is not there: type make all module KERNEL=$kernel"
		exit 1
	}
done
dir=$(kernel/get "$kernel")

# start: a machine in a jail that has nothing to do; pid, guard, bwrap and qemu.
start() {
	rm -f "$tmp/console"
	"$vm" --kernel "$dir" --jail --timeout 600 --console "$tmp/console" -- \
		sh -c 'echo up >/dev/console; sleep 600' >"$tmp/out" 2>"$tmp/err" &
	pid=$!
	within found_or_ended && find_qemu "$pid"
}
# What has ended will have no QEMU, however long one waits.
found_or_ended() {
	find_qemu "$pid" || gone "$pid"
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

# Without a jail there is nothing to look at, and what follows would wait for it.
if ! "$vm" --kernel "$dir" --jail --timeout 600 -- true >"$tmp/out" 2>"$tmp/err" </dev/null; then
	sed 's/^/# /' "$tmp/err"
	echo "Bail out! no machine runs in a jail on this host: $(head -n 1 "$tmp/err")"
	exit 1
fi
check "a machine starts in a jail" start
check "and boots there" within is_up
# 256 MiB and 1 GiB, and 128 MiB for each of two CPUs; four times the 600 s.
jail_facts "a machine that booted" booted $(((256 + 1024 + 2 * 128) * 1024 * 1024)) 2400

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
ln -s "$(readlink -f "$(command -v qemu-system-x86_64)")" "$tmp/path/qemu-system-x86_64"
no_bwrap() {
	status=0
	PATH=$tmp/path "$vm" --kernel "$dir" --jail -- true 2>"$tmp/err" || status=$?
	cat "$tmp/err"
	[ "$status" -eq 125 ] && grep -q 'apt-get install bubblewrap' "$tmp/err"
}
check "no bubblewrap: says what to install" no_bwrap

# A QEMU that makes one more system call when it is process 1, as it is in a jail.
mkdir -p "$tmp/caller/bin"
cat >"$tmp/caller.c" <<'END'
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	(void)argc;
	if (getpid() != 1)
		return execv(PROGRAM, argv);
	if (syscall(CALL, 0, 0, 0, 0))
		perror("one call too many");
	return 1;
}
END
# refuses CALL WORDS...: kshram-vm says so of a QEMU that makes this call.
refuses() {
	call=$1
	shift
	gcc -DCALL="SYS_$call" -DPROGRAM="\"$(readlink -f "$(command -v qemu-system-x86_64)")\"" \
		-o "$tmp/caller/bin/qemu-system-x86_64" "$tmp/caller.c" || return 1
	status=0
	PATH=$tmp/caller/bin:$PATH "$vm" --kernel "$dir" --jail --timeout 600 -- true \
		2>"$tmp/err" || status=$?
	cat "$tmp/err"
	[ "$status" -eq 125 ] || return 1
	for words; do
		grep -q -- "$words" "$tmp/err" || return 1
	done
}
qemu_version="(QEMU $(qemu-system-x86_64 --version | sed -n 's/.* version \([0-9.]*\).*/\1/p')"
check "a system call that is not on the list fails, and is named" refuses inotify_init1 \
	'one call too many: Function not implemented' \
	'refused it the system call inotify_init1' "$qemu_version"
check "one that only an exploit makes ends QEMU, and is named" refuses ptrace \
	'signal 31' 'ended it for the system call ptrace' "$qemu_version"
check "... a new process, too" refuses fork 'ended it for the system call fork' "$qemu_version"

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
	jq 'del(.seconds, .withheld, .looks, .items[].seconds)' "$1" | sed -E 's/0x[0-9a-f]+|[0-9a-f]{16}/ADDRESS/g'
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
		# A cold one would have a note that says why, or what the jail refused another.
		jq -c '[.machine, .notes]' "$tmp/json$jail"
		jq -e '.machine == "restored"' "$tmp/json$jail" >/dev/null || return 1
		verdict "$tmp/json$jail" >"$tmp/verdict$jail"
	done
	[ -s "$tmp/verdict" ] && diff "$tmp/verdict" "$tmp/verdict--jail"
}
check "our module: full marks with and without a jail" same 0 "build/$kernel/kshram.ko"
check "one that crashes in init: the same verdict" same 1 "$built/init_oops.ko"
check "one that forgets a size: the same verdict" same 1 "$built/size_not_kept.ko"

# --- the machines of a server --------------------------------------------------------

build_sleeper() {
	patched tests/bad/init_sleep.patch "$built.sleeper.src" &&
		echo 'obj-m += init_sleep.o' >"$built.sleeper.src/Kbuild" &&
		kernel/kbuild "$kernel" "$built.sleeper" "$built.sleeper.src/init_sleep.c" \
			"$built.sleeper.src/Kbuild" module/compat.h include/kshram.h &&
		strip --strip-debug "$built.sleeper/init_sleep.ko"
}
# serve OPTION...: a server with one machine at a time, and a student whose input is 4.
serve() {
	: >"$tmp/server.log"
	build/bin/kshramd --kernel "$kernel" --state "$tmp/state" --listen 127.0.0.1:0 --metrics none \
		--difficulty 0 --jobs 1 --time-limit 600 "$@" 2>"$tmp/server.log" &
	server=$!
	within grep -q event=ready "$tmp/server.log" || return 1
	port=$(sed -n 's/.*event=listening address=127.0.0.1:\([0-9]*\).*/\1/p' "$tmp/server.log")
	rm -f "$tmp/in"
	mkfifo "$tmp/in"
	nc 127.0.0.1 "$port" <"$tmp/in" >"$tmp/student" &
	student=$!
	exec 4>"$tmp/in"
	echo YQ== >&4
	within grep -q '^and at last a line EOF' "$tmp/student"
}
find_machine() {
	find_qemu "$(children "$server" | tr -d ' ')"
}
waits_in_pool() {
	serve && within grep -q event=machine_waits "$tmp/server.log" && within find_machine
}
# hand_in: a module whose load never ends.
hand_in() {
	{ base64 "$built.sleeper/init_sleep.ko" && echo EOF; } >&4 &&
		within grep -aq 'loading out-of-tree module' "$tmp/student" && within find_machine
}
given_module() {
	waited=$qemu
	hand_in && [ "$qemu" = "$waited" ]
}
# server_ends: at once, and what it ran with it.
server_ends() {
	kill "$server"
	sleep 1
	kill "$server" 2>/dev/null
	exec 4>&-
	wait "$server" && within gone "$qemu" || return 1
	server=
	wait "$student" || :
	cat "$tmp/server.log"
	! grep -E 'level=(warn|error)' "$tmp/server.log"
}
# A restored one has 128 MiB and one CPU; three times the 600 s.
memory_limit=$(((128 + 1024 + 128) * 1024 * 1024))
check "a module whose load never ends builds" build_sleeper
check "a server has a machine that waits" waits_in_pool
jail_facts "one that waits in the pool" restored "$memory_limit" 1800
check "that one is given a module" given_module
check "its kernel ends with a panic" grep -aq 'ommand line: .*panic=-1 ' "$tmp/student"
jail_facts "one from the pool with a module" restored "$memory_limit" 1800
check "the server ends, and the machine with it" server_ends
restored_for_run() {
	rm -r "$tmp/state"
	serve --set standby=0 && hand_in && ! grep event=machine_waits "$tmp/server.log"
}
check "a server without a pool restores one for a run" restored_for_run
jail_facts "one restored for a run" restored "$memory_limit" 1800
check "that server ends as well" server_ends

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
