#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# numpy.memmap(DEVICE, mode="r+") stores a zero byte into the device
#
# Programs: python3-numpy 1:1.24.2-1+deb12u1, strace 6.1-0.1 (bookworm), python3-numpy
#   1:2.2.4+ds-1 (trixie). numpy 2.4.6 does the same.
# Guess: to map a device for reading and writing changes nothing in it until the program
#   stores something.
# Really: of a device whose lseek(SEEK_END) does not give its size numpy thinks that it is too
#   short, and "extends" it: it writes one byte 0 at the last byte of the mapping. On a device
#   that can be written that byte is lost, each time that a program attaches.
# Why: memmap.__new__() in numpy/core/memmap.py (numpy/_core/memmap.py): "if mode in ('w+',
#   'r+') and flen < bytes". mode="r" does not write; numpy.frombuffer() of an mmap.mmap does not
#   either.
# Matters to: users of frame buffers, UIO devices and shared memory behind a device node; to
#   authors of drivers: an lseek that knows SEEK_END makes it harmless.
#
# The device is /dev/zero, which takes the byte and forgets it.
#
# Seen on 2026-11-29:
#   bookworm, mode r+: lseek 8191;write "\0", 1;
#   bookworm, mode r: 
#   trixie, mode r+: lseek 8191;write "\0", 1;
#   trixie, mode r: 

# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

install bookworm bookworm python3-numpy=1:1.24.2-1+deb12u1 strace=6.1-0.1
install trixie trixie python3-numpy=1:2.2.4+ds-1 strace
libraries=/usr/lib/x86_64-linux-gnu
# written ROOT MODE: the calls that write to /dev/zero or move in it.
written()
{
	inside "$1" strace -E LD_LIBRARY_PATH="$libraries/blas:$libraries/lapack" \
		-P /dev/zero -e trace=lseek,write python3 -c "
import numpy
numpy.memmap('/dev/zero', dtype='u1', mode='$2', shape=(8192,))" 2>&1 |
		sed -n -e 's/^\(lseek\)([0-9]*, \(8191\), SEEK_SET).*/\1 \2/p' \
			-e 's/^write([0-9]*, \(.*\)) *= 1$/write \1/p' | tr '\n' ';'
}

for root in bookworm trixie; do
	saw "$root, mode r+" 'lseek 8191;write "\0", 1;' "$(written "$root" r+)"
	saw "$root, mode r" "" "$(written "$root" r)"
done
conclude
