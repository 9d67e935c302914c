#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Perl's ioctl with a number that was once printed passed a pointer
#
# Programs: perl-base 5.32.1-4+deb11u3 and strace 5.10-1 (bullseye), perl 5.36.0-7+deb12u3 and
#   strace 6.1-0.1 (bookworm). Perl 5.40.1 and 5.42.3 do as 5.36.
# Guess: ioctl($file, $command, $size) with $size = 4096 passes 4096.
# Really: it does while $size is a number and nothing else. A number that was read as text
#   ("4096" from the command line or a file) passes the address of that text, on every version.
#   In 5.32, after print "size $size" the variable counted as text, too: the same line passed
#   4096 before and a pointer after a debugging message was added. 5.36 has mended the latter.
#   $size + 0 in the call is right always.
# Why: perldoc -f ioctl passes the number only of a scalar that "has no string value"; until Perl
#   commit bb5bc97fde9ef2f1 (before 5.36) to print an integer gave it one (flag POK, set in
#   Perl_sv_2pv_flags() of sv.c).
# Matters to: scripts that size devices whose command takes an integer: the device is asked for
#   a size of some 90 TiB, or, cut to 32 bits, for a random one.
#
# Seen on 2026-11-29:
#   bullseye, a number: 0x1000
#   bullseye, a text: a pointer
#   bullseye, a text plus 0: 0x1000
#   bullseye, a number that was printed: a pointer
#   bookworm, a number: 0x1000
#   bookworm, a text: a pointer
#   bookworm, a text plus 0: 0x1000
#   bookworm, a number that was printed: 0x1000

# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

install bullseye bullseye perl-base=5.32.1-4+deb11u3 strace=5.10-1
install bookworm bookworm perl=5.36.0-7+deb12u3 strace=6.1-0.1
# passed ROOT PROGRAM: what ioctl 0x5fff on /dev/null is given.
passed()
{
	inside "$1" strace -X raw -e trace=ioctl perl -e "$2" 2>&1 </dev/null |
		sed -n 's/^ioctl(0\(x0\)*, 0x5fff, \(0x[0-9a-f]*\)).*/\2/p' |
		sed 's/^0x.\{8,\}$/a pointer/'
}

for root in bullseye bookworm; do
	saw "$root, a number" 0x1000 "$(passed "$root" 'my $n = 4096; ioctl(STDIN, 0x5fff, $n)')"
	saw "$root, a text" "a pointer" "$(passed "$root" 'my $n = "4096"; ioctl(STDIN, 0x5fff, $n)')"
	saw "$root, a text plus 0" 0x1000 \
		"$(passed "$root" 'my $n = "4096"; ioctl(STDIN, 0x5fff, $n + 0)')"
	case $root in
	bullseye) expected="a pointer" ;;
	*) expected=0x1000 ;;
	esac
	saw "$root, a number that was printed" "$expected" \
		"$(passed "$root" 'my $n = 4096; print "size $n\n"; ioctl(STDIN, 0x5fff, $n)')"
done
conclude
