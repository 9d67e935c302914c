#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Boot the kit's machine. See usage() below.
set -eu

usage() {
	cat <<'END'
usage: sh ./qemu.sh [QEMU OPTION...]
       sh ./qemu.sh --accel | --help

Boots the kit's kernel to a shell on this terminal. In the shell, "poweroff" ends
the machine; Ctrl-A X ends it from outside. QEMU options are passed on, for
example: sh ./qemu.sh -smp 4

--accel prints the accelerator that works here: kvm (Linux), hvf (macOS) or tcg
(any machine, slower). It is found by booting the kernel with it once, because an
accelerator that can be opened does not always run; the answer is kept in .accel
beside this script until the host's kernel or QEMU changes.

Environment:
  QEMU     the program             (qemu-system-x86_64)
  ACCEL    the accelerator         (what --accel finds)
  MEMORY   of the machine, in MiB  (256)
  CPUS     of the machine          (2)
  INITRD   its root file system    (rootfs.cpio.bz2 beside this script)
  APPEND   more kernel arguments
  CONSOLE  where its serial console goes, as QEMU's -serial takes it (mon:stdio)

Exit status: QEMU's; 2 when something needed is not there.
END
}

die() {
	echo "qemu.sh: $*" >&2
	exit 2
}

dir=$(cd "$(dirname "$0")" && pwd)
qemu=${QEMU:-qemu-system-x86_64}
initrd=${INITRD:-$dir/rootfs.cpio.bz2}
probe_pid=
probe_log=

cleanup() {
	[ -z "$probe_pid" ] || kill "$probe_pid" 2>/dev/null || :
	[ -z "$probe_log" ] || rm -f "$probe_log"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# machine ACCELERATOR - the options that every boot has, in $machine_options.
# Only numbers and words without blanks in them: they are split again later.
machine() {
	options="-nodefaults -no-user-config -display none -no-reboot -machine pc"
	options="$options -m ${MEMORY:-256} -smp ${CPUS:-2} -cpu max -device virtio-rng-pci"
	case $1 in
	# Without a bound the translator takes a gigabyte of the host's memory.
	tcg) options="$options -accel tcg,thread=multi,tb-size=128" ;;
	*) options="$options -accel $1" ;;
	esac
}

# probe ACCELERATOR - does it boot the kernel? At most 20 seconds.
probe() {
	echo "qemu.sh: trying whether $1 works here (once) ..." >&2
	probe_log=$(mktemp)
	machine "$1"
	# shellcheck disable=SC2086 # a list
	"$qemu" $options -kernel "$dir/bzImage" -initrd "$dir/rootfs.cpio.bz2" \
		-append "console=ttyS0 panic=-1 kit.probe" -serial "file:$probe_log" \
		</dev/null >/dev/null 2>&1 &
	probe_pid=$!
	# The machine ends by itself when it boots; there is no timeout(1) on macOS.
	seconds=0
	while [ "$seconds" -lt 20 ] && kill -0 "$probe_pid" 2>/dev/null; do
		sleep 1
		seconds=$((seconds + 1))
	done
	kill -KILL "$probe_pid" 2>/dev/null || :
	wait "$probe_pid" 2>/dev/null || :
	probe_pid=
	works=1
	grep -q '^kshram-kit: this accelerator boots' "$probe_log" || works=
	rm -f "$probe_log"
	probe_log=
	[ -n "$works" ]
}

find_accelerator() {
	candidate=
	case $(uname -s) in
	Linux) [ ! -r /dev/kvm ] || [ ! -w /dev/kvm ] || candidate=kvm ;;
	Darwin) candidate=hvf ;;
	esac
	# A QEMU without it (on an Apple chip: for another kind of processor) says so at once.
	if [ -n "$candidate" ] && ! "$qemu" -accel help 2>/dev/null | grep -qx "$candidate"; then
		candidate=
	fi
	if [ -z "$candidate" ]; then
		accel=tcg
		return
	fi

	key="$(uname -nsrm) $("$qemu" --version | head -n 1)"
	if [ -r "$dir/.accel" ] && [ "$(sed -n 1p "$dir/.accel")" = "$key" ]; then
		accel=$(sed -n 2p "$dir/.accel")
		return
	fi
	accel=tcg
	probe "$candidate" && accel=$candidate
	# Written whole or not at all; a kit that cannot be written to just asks again.
	if printf '%s\n%s\n' "$key" "$accel" 2>/dev/null >"$dir/.accel.$$"; then
		mv "$dir/.accel.$$" "$dir/.accel"
	fi
}

case ${1:-} in
-h | --help)
	usage
	exit 0
	;;
esac

command -v "$qemu" >/dev/null 2>&1 ||
	die "cannot find $qemu. Debian, Ubuntu: apt install qemu-system-x86; macOS: brew install qemu"
[ -r "$dir/bzImage" ] || die "cannot read $dir/bzImage: is the kit unpacked completely?"
[ -r "$initrd" ] || die "cannot read $initrd (INITRD, or rootfs.cpio.bz2 of the kit)"

accel=${ACCEL:-}
[ -n "$accel" ] || find_accelerator
if [ "${1:-}" = --accel ]; then
	echo "$accel"
	exit 0
fi

machine "$accel"
trap - EXIT
# panic=-1 and -no-reboot: a machine that panics ends instead of hanging there.
# shellcheck disable=SC2086 # a list
exec "$qemu" $options -kernel "$dir/bzImage" -initrd "$initrd" \
	-append "console=ttyS0 panic=-1 ${APPEND:-}" -serial "${CONSOLE:-mon:stdio}" "$@"
