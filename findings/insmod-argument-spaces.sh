#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# insmod x.ko 'text=a b' gives the kernel two parameters
#
# Programs: kmod 30+20221128-1 and busybox-static 1:1.35.0-4+deb12u1+b1 (bookworm), kmod
#   34.2-2 and busybox-static 1:1.37.0-6+b9 (trixie), strace 6.1-0.1 (bookworm). kmod of
#   unstable is as trixie's, and so is busybox 1.38.0.
# Guess: the shell's quotes make one argument, so that the parameter text is "a b".
# Really: kmod 30 and every busybox join the arguments with blanks as they are. The kernel
#   splits at blanks, takes text=a and then a parameter called b, which it does not know and
#   ignores with a line in its log. kmod 34 puts quotes around a value with a blank. The form
#   that works everywhere has the quotes inside: 'text="a b"'.
# Why: finit_module(2) takes one string. busybox has a function that can quote,
#   parse_cmdline_module_options() in modutils/modutils.c, and asks for that in modprobe only.
# Matters to: scripts that pass texts to modules: the same line does one thing on Debian 12
#   and another on Debian 13, and the exit status is 0 on both.
#
# The module is no module, and strace answers the system call itself: nothing is loaded.
#
# Seen on 2026-11-29:
#   kmod 30: "text=a b n=1"
#   kmod 34: "text=\"a b\" n=1"
#   busybox of bookworm: "text=a b n=1"
#   busybox of trixie: "text=a b n=1"

# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

install bookworm bookworm kmod=30+20221128-1 busybox-static=1:1.35.0-4+deb12u1+b1 strace=6.1-0.1
install trixie trixie kmod=34.2-2 busybox-static=1:1.37.0-6+b9 strace
echo "no module" >"$work/x.ko"

# parameters ROOT COMMAND...: the string that the kernel would get.
parameters()
{
	root=$1
	shift
	inside "$root" strace -e trace=finit_module -e inject=finit_module:retval=0 \
		"$@" "$work/x.ko" 'text=a b' n=1 2>&1 |
		sed -n 's/^finit_module([0-9]*, \("[^)]*"\), 0).*/\1/p' | sed 's/ "$/"/'
}

saw "kmod 30" '"text=a b n=1"' "$(parameters bookworm /usr/sbin/insmod)"
saw "kmod 34" '"text=\"a b\" n=1"' "$(parameters trixie /usr/sbin/insmod)"
for root in bookworm trixie; do
	saw "busybox of $root" '"text=a b n=1"' "$(parameters "$root" busybox insmod)"
done
conclude
