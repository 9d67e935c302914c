# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# jail.sh - what can be seen of a jail from outside while a machine runs in it; sourced,
# not run, after tap.sh
#
# find_qemu GRADER	the machine that this process, kshram-vm or kshram-grade, has in
#			a jail: sets guard, bwrap and qemu
# jail_facts WHICH KIND MEMORY CPU
#	A test for each fact of $qemu; WHICH says in their names which machine that is.
#	KIND is booted, or restored: such a one has a memory that it can write in place
#	of kernel and initramfs. MEMORY is the limit of its address space in bytes, CPU
#	that of its processor time in seconds.

# children PID: the processes that it started.
children() {
	cat "/proc/$1/task/"*/children 2>/dev/null || :
}

runs_qemu() {
	[ -n "$1" ] && grep -q '^qemu-system' "/proc/$1/comm" 2>/dev/null
}

find_qemu() {
	guard=$(children "$1" | tr -d ' ')
	[ -n "$guard" ] || return 1
	bwrap=$(children "$guard" | tr -d ' ')
	[ -n "$bwrap" ] || return 1
	qemu=$(children "$bwrap" | tr -d ' ')
	runs_qemu "$qemu"
}

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

alone() {
	pids=$(readlink "/proc/$qemu/ns/pid")
	[ "$(status_of NSpid)" = "$qemu$(printf '\t')1" ] || return 1
	for other in /proc/[0-9]*; do
		[ "$other" = "/proc/$qemu" ] || [ "$(readlink "$other/ns/pid")" != "$pids" ] ||
			return 1
	done 2>/dev/null
	runs_qemu "$qemu"
}

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

groups_of() {
	status_of Groups
	runs_qemu "$qemu" || return 1
	[ "$(id -u)" -ne 0 ] || [ -z "$(status_of Groups | tr -d ' ')" ]
}

capabilities() {
	grep '^Cap' "/proc/$qemu/status"
	[ "$(grep -c '^Cap.*[[:space:]]0000000000000000$' "/proc/$qemu/status")" -eq 5 ]
}

filtered() {
	grep -e '^Seccomp' -e '^NoNewPrivs' "/proc/$qemu/status"
	[ "$(status_of Seccomp)" = 2 ]
}

filtered_twice() {
	[ "$(status_of Seccomp_filters)" -ge 2 ]
}

no_new_rights() {
	[ "$(status_of NoNewPrivs)" = 1 ]
}

# What may be there, one name a line; the libraries are what ldd says.
allowed_files() {
	case $kind in
	booted) printf '%s\n' /kernel /initramfs ;;
	restored) echo /ram/ram ;;
	esac
	printf '%s\n' /init "$program"
	ldd "$program" | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) (.*/\1/p' |
		while read -r library; do
			echo "$library"
			echo "$(readlink -f "${library%/*}")/${library##*/}"
			echo "$(readlink -f "${library%/*}")/qemu/accel-tcg-x86_64.so"
		done
}

files() {
	# shellcheck disable=SC2154 # tmp is the suite's
	allowed_files | sort -u >"$tmp/allowed"
	find "/proc/$qemu/root/" ! -type d | sed "s|^/proc/$qemu/root||" |
		grep -v -e "^${program%/bin/*}/share/qemu/" -e "^${program%/bin/*}/share/seabios/" |
		sort >"$tmp/found"
	comm -23 "$tmp/found" "$tmp/allowed" >"$tmp/strange"
	cat "$tmp/strange"
	grep -qx "$program" "$tmp/found" && [ ! -s "$tmp/strange" ]
}

kinds() {
	find "/proc/$qemu/root/" ! -type d ! -type f ! -type l >"$tmp/strange"
	cat "$tmp/strange"
	runs_qemu "$qemu" && [ ! -s "$tmp/strange" ]
}

# All but the one directory of a restored machine's memory.
read_only() {
	awk -v kind="$kind" '$6 !~ /nosuid/ || $6 !~ /nodev/ ||
		($6 !~ /^ro,/ && !(kind == "restored" && $5 == "/ram"))' \
		"/proc/$qemu/mountinfo" >"$tmp/strange"
	cat "$tmp/strange"
	runs_qemu "$qemu" && [ ! -s "$tmp/strange" ]
}

# Its memory is its own, in a file system that is full with it.
own_memory() {
	ls -l "/proc/$qemu/root/ram/"
	[ "$(find "/proc/$qemu/root/ram" -mindepth 1 -perm 600 -type f -links 1 | wc -l)" -eq 1 ] &&
		[ "$(find "/proc/$qemu/root/ram" -mindepth 1 | wc -l)" -eq 1 ] || return 1
	size=$(stat -c %s "/proc/$qemu/root/ram/ram")
	room=$(sed -n 's/.* \/ram .* - tmpfs .*[ ,]size=\([0-9]*\)k.*/\1/p' "/proc/$qemu/mountinfo")
	echo "$size bytes in $room KiB"
	[ -n "$room" ] && [ $((room * 1024 - size)) -le 65536 ]
}

no_proc() {
	runs_qemu "$qemu" &&
		! grep -E ' - (proc|sysfs|devtmpfs|devpts|cgroup2?|mqueue) ' "/proc/$qemu/mountinfo"
}

in_its_root() {
	[ "$(readlink "/proc/$qemu/cwd")" = / ]
}

network() {
	sed 1,2d "/proc/$qemu/net/dev" | sed 's/:.*//; s/ //g' >"$tmp/interfaces"
	cat "$tmp/interfaces" "/proc/$qemu/net/route"
	[ "$(cat "$tmp/interfaces")" = lo ] && [ "$(wc -l <"/proc/$qemu/net/route")" -eq 1 ]
}

# A name is one of the jail's or of the host's: /ram/ram is in the first alone.
descriptors() {
	for fd in "/proc/$qemu/fd/"*; do
		readlink "$fd"
	done | grep -v -e '^/dev/null$' -e '^pipe:' -e '^socket:' -e '^anon_inode:' |
		if [ "$kind" = restored ]; then grep -vx /ram/ram; else cat; fi >"$tmp/strange"
	cat "$tmp/strange"
	runs_qemu "$qemu" && [ ! -s "$tmp/strange" ]
}

environment() {
	tr '\0' '\n' <"/proc/$qemu/environ" | grep -v -e '^LD_LIBRARY_PATH=/' -e '^PWD=/$' \
		>"$tmp/strange"
	cat "$tmp/strange"
	runs_qemu "$qemu" && [ ! -s "$tmp/strange" ]
}

# given OPTION [VALUE]: QEMU was given that, and given no other value for it.
given() {
	tr '\0' '\n' <"/proc/$qemu/cmdline" >"$tmp/arguments"
	cat "$tmp/arguments"
	grep -qxe "$1" "$tmp/arguments" || return 1
	[ $# -eq 1 ] || ! grep -xe "$1" -A 1 "$tmp/arguments" | grep -vxe "$1" -e -- | grep -vqxe "$2"
}

# An accelerator of the host's needs none; one that translates must not grow for ever.
bounded() {
	given -accel 'kvm' || given -accel 'tcg,.*tb-size=[1-9][0-9]*'
}

# limited NAME MOST: the soft and the hard limit are at most that.
limited() {
	sed -n "s/^$1  *\([^ ]*\)  *\([^ ]*\) .*/\1 \2/p" "/proc/$qemu/limits" >"$tmp/limits"
	cat "$tmp/limits"
	awk -v most="$2" '$1 == "unlimited" || $2 == "unlimited" || $1 > most || $2 > most { bad = 1 }
		END { exit bad || NR != 1 }' "$tmp/limits"
}

jail_facts() {
	which=$1 kind=$2 memory_limit=$3 cpu_limit=$4
	program=$(readlink -f "$(command -v qemu-system-x86_64)")
	check "$which: its user, mount, pid, net, ipc, uts and cgroup namespaces are its own" namespaces
	check "$which: it is process 1 of its namespace, and the only one" alone
	# As root of a container one may be somebody, but then that is who it is.
	check "$which: it is root neither outside nor inside, and inside there is one user" users
	check "$which: it is in no further group of root's" groups_of
	check "$which: it has no capability, in none of the five sets" capabilities
	check "$which: system calls are filtered" filtered
	check "$which: by our list and by QEMU's" filtered_twice
	check "$which: no program can give it more rights" no_new_rights
	check "$which: its root has QEMU, its libraries and firmware, what it runs, and nothing else" files
	check "$which: no device, socket or pipe among them" kinds
	check "$which: all of it is mounted read-only, nosuid and nodev" read_only
	[ "$kind" != restored ] ||
		check "$which: but its memory, which is its own and has no room to grow" own_memory
	check "$which: neither /proc nor /sys nor /dev" no_proc
	check "$which: it is in the root of that" in_its_root
	check "$which: its network is lo, and no route leads anywhere" network
	check "$which: it holds no file of the host's" descriptors
	check "$which: nothing of our environment came along" environment
	check "$which: QEMU has none of the devices that it adds unasked" given -nodefaults
	check "$which: nor a configuration of the host's" given -no-user-config
	check "$which: nor a monitor for people" given -monitor none
	check "$which: it ends where the guest would start anew" given -no-reboot
	check "$which: it starts no programs and gains no rights" given -sandbox \
		'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'
	check "$which: what the emulator translates has a limit" bounded
	# A restored one has its kernel in its memory; what that was told stands on the console.
	[ "$kind" = restored ] ||
		check "$which: its kernel ends with a panic" given -append '.*panic=-1 .*'
	check "$which: limit: files of no size" limited 'Max file size' 0
	check "$which: limit: no core files" limited 'Max core file size' 0
	check "$which: limit: 64 threads" limited 'Max processes' 64
	check "$which: limit: 256 descriptors" limited 'Max open files' 256
	check "$which: limit: no locked memory" limited 'Max locked memory' 0
	check "$which: limit: address space" limited 'Max address space' "$memory_limit"
	check "$which: limit: processor time" limited 'Max cpu time' "$cpu_limit"
}
