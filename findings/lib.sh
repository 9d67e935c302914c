# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# What the findings share: pinned Debian packages in a temporary folder, without
# root where the finding needs none, and comparisons with what was seen before.
# README.md beside this file states the rules.
#
# Read by findings/NAME.sh with `. "$(dirname "$0")/lib.sh"`. Sets $work, a
# temporary folder that is removed at the end.

set -eu
umask 022
LC_ALL=C
export LC_ALL

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
script=$(basename "$0" .sh)
changed=0

# kernel/debian.sh needs these two.
say()
{
	[ -z "${FINDINGS_VERBOSE:-}" ] || printf '%s: %s\n' "$script" "$*" >&2
}

die()
{
	cannot "$@"
}

# cannot REASON...: end with status 77, "cannot be tried here".
cannot()
{
	printf '%s: cannot be tried: %s\n' "$script" "$*" >&2
	exit 77
}

# need COMMAND...: end with status 77 unless the system has each command.
need()
{
	for command; do
		command -v "$command" >/dev/null || cannot "$command is missing"
	done
}

# need_root: end with status 77 unless the script runs as root.
need_root()
{
	[ "$(id -u)" -eq 0 ] || cannot "it has to run as root"
}

clean_up()
{
	status=$?
	trap '' INT TERM
	for pid in $background; do
		kill "$pid" 2>/dev/null || :
	done
	rm -rf "$work"
	exit "$status"
}

background=
need apt-get apt-cache dpkg-deb flock unshare
work=$(mktemp -d)
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
cache=${FINDINGS_CACHE:-$work/cache}
mkdir -p "$cache/downloads" "$cache/lock" "$cache/log" "$work/bin"
# kernel/debian.sh reads this and $cache, $suites and $name, and knows the mirror that this system uses.
# shellcheck disable=SC2034
update=
# shellcheck source=/dev/null
. "$here/../kernel/debian.sh"

# The head comment of the script says what was guessed and what happens.
sed -n -e '1,3d' -e '/^#/!q' -e 's/^# \{0,1\}//p' "$0"

# open_suites SUITES: make packages of these suites known to apt_private.
open_suites()
{
	suites=$1
	name=$(printf '%s' "$suites" | tr ',' '-')
	# The lists of one day are the same for all findings that share a cache.
	stamp=$cache/lock/lists-$name
	if [ -z "${FINDINGS_CACHE:-}" ] || [ -z "$(find "$stamp" -mmin -600 2>/dev/null)" ]; then
		debian_open
		# One suite, one cache of its parsed lists.
		printf 'Dir::Cache::pkgcache "%s";\n' "$cache/lock/parsed-$name.bin" \
			>>"$cache/apt/conf/$name.conf"
		debian_update
		: >"$stamp"
	fi
}

# unpack_file DEB ROOT: unpack a package over a root that may have merged /usr.
unpack_file()
{
	dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --keep-directory-symlink --no-same-owner
}

# skeleton ROOT: the directories and links of a system with merged /usr.
skeleton()
{
	[ ! -d "$1/usr/bin" ] || return 0
	mkdir -p "$1/usr/bin" "$1/usr/sbin" "$1/usr/lib" "$1/usr/lib64" "$1/proc" "$1/dev" \
		"$1/sys" "$1/etc" "$1/var/tmp" "$1/run" "$1/root" "$1$work"
	mkdir -p "$1/tmp"
	chmod 1777 "$1/tmp"
	for link in bin sbin lib lib64; do
		ln -s "usr/$link" "$1/$link"
	done
}

# pinned PACKAGE=VERSION...: end with status 77 unless the suites have each.
pinned()
{
	for pair; do
		case $pair in
		*=*) ;;
		*) continue ;;
		esac
		apt_private apt-cache show "$pair" >"$work/show" 2>/dev/null || :
		[ -s "$work/show" ] || cannot "the archive no longer has $pair in $suites"
	done
}

# get ROOT SUITES PACKAGE=VERSION...: unpack exactly these packages below $work/ROOT.
get()
{
	tree=$work/$1
	open_suites "$2"
	shift 2
	pinned "$@"
	skeleton "$tree"
	for pair; do
		package=${pair%%=*}
		version=${pair#*=}
		debian_download "$package" "$version"
		unpack_file "$(debian_file "$package" "$version")" "$tree"
	done
}

# apt_install ARCHIVES ARGUMENT...: with an empty list of installed packages apt names all that
# is needed.
apt_install()
{
	to=$1
	shift
	mkdir -p "$to/partial"
	apt_private apt-get -qq -o Dir::Cache::archives="$to" -o Debug::NoLocking=1 \
		--no-install-recommends -y "$@"
}

# install ROOT SUITES PACKAGE=VERSION...: unpack these and all that they depend on, in the
# suites' present versions, below $work/ROOT. No maintainer script runs.
install()
{
	tree=$work/$1
	open_suites "$2"
	shift 2
	skeleton "$tree"
	archives=$cache/archives
	# Printed for each file that is not in the archives: 'URI' FILE SIZE HASH.
	if ! apt_install "$work/no-archives" --print-uris install "$@" >"$work/files" \
		2>"$work/apt.log"; then
		pinned "$@"
		cannot "apt: $(grep '^E:' "$work/apt.log" | head -n 3)"
	fi
	if cut -d' ' -f2 "$work/files" | (cd "$archives" 2>/dev/null && xargs ls) >"$work/ls" 2>&1; then
		say "all packages are there"
	else
		apt_install "$archives" --download-only install "$@" >"$work/apt.log" 2>&1 ||
			cannot "apt: $(grep '^E:' "$work/apt.log" | head -n 3)"
	fi
	cut -d' ' -f2 "$work/files" | while read -r file; do
		unpack_file "$cache/archives/$file" "$tree"
	done
}

# inside ROOT COMMAND...: run a command with $work/ROOT as its root directory; $work is at
# the same path in there. By pivot_root and not chroot: a process that is chrooted can make
# no user namespace. A command that does not end is ended after five minutes.
inside()
{
	tree=$work/$1
	shift
	map=
	[ "$(id -u)" -eq 0 ] || map=--map-root-user
	# shellcheck disable=SC2086 # one option or none
	timeout --foreground 300 unshare $map --mount --propagation private sh -c '
		root=$1
		work=$2
		shift 2
		mount --bind "$root" "$root" && cd "$root" && mount --rbind /proc proc &&
			mount --rbind /dev dev && mount --bind "$work" ".$work" &&
			mkdir -p .old && pivot_root . .old && cd / || exit 126
		exec "$@"' sh "$tree" "$work" "$@"
}

# qmp_start ROOT ARGUMENT...: start the QEMU of $work/ROOT, stopped before its first
# instruction and without devices, with QMP on descriptors 8 and 9. Sets $qemu, its pid.
qmp_start()
{
	machine=$1
	shift
	rm -f "$work/qmp.in" "$work/qmp.out"
	mkfifo "$work/qmp.in" "$work/qmp.out"
	inside "$machine" qemu-system-x86_64 -nodefaults -display none \
		-accel tcg -m 16 -qmp stdio -pidfile "$work/qemu.pid" "$@" \
		<"$work/qmp.in" >"$work/qmp.out" 2>"$work/qemu.err" &
	qemu=$!
	background="$background $qemu"
	exec 8>"$work/qmp.in" 9<"$work/qmp.out"
	read -r reply <&9 || cannot "QEMU did not start: $(cat "$work/qemu.err")"
	qmp '{"execute": "qmp_capabilities"}'
}

# qmp COMMAND: have QEMU do a command, set $reply to what it answers.
qmp()
{
	printf '%s\n' "$1" >&8
	while read -r reply <&9; do
		case $reply in
		*'"event"'*) ;;
		*) return 0 ;;
		esac
	done
	reply=gone
}

# qmp_word: print the first of $reply's "status", "desc" or else all of it.
qmp_word()
{
	printf '%s\n' "$reply" | sed -e 's/.*"\(desc\|status\)": "\([^"]*\)".*/\2/' | tr -d '\r'
}

# qmp_save URI: save the machine and wait; print the status that the migration ends with,
# or the error.
qmp_save()
{
	qmp "{\"execute\": \"migrate\", \"arguments\": {\"uri\": \"$1\"}}"
	while :; do
		case $reply in
		*'"error"'* | *'"completed"'* | *'"failed"'* | gone) break ;;
		esac
		sleep 0.1
		qmp '{"execute": "query-migrate"}'
	done
	qmp_word
}

# qmp_end: end QEMU and wait for it.
qmp_end()
{
	qmp '{"execute": "quit"}'
	exec 8>&- 9<&-
	wait "$qemu" || :
}

# saw WHAT EXPECTED ACTUAL: compare what happened with what was seen when the finding was
# written.
saw()
{
	if [ "$2" = "$3" ]; then
		printf 'as before: %s: %s\n' "$1" "$3"
	else
		printf 'CHANGED: %s\n  before: %s\n  now:    %s\n' "$1" "$2" "$3"
		changed=1
	fi
}

# conclude: the last line of every finding.
conclude()
{
	exit "$changed"
}
