#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# openssl base64 -d makes nothing of one long line, and says nothing
#
# Programs: openssl 3.0.20-1~deb12u2 (bookworm), 3.5.9-1~deb13u1 (trixie), coreutils 9.1-1.
#   3.6.5 does the same.
# Guess: "openssl base64 -d" reads what "base64 -w0" writes, or fails.
# Really: of a line of some length it writes 0 bytes, with exit status 0 and nothing on
#   standard error. With -A (everything in one line) it works.
# Why: without -A openssl expects lines as it writes them (openssl-enc(1), "-A").
# Matters to: students who send files through a line of text and decode them at the other end.
#
# Seen on 2026-11-29:
#   bookworm, one line: 0 bytes, status 0, 0 bytes of errors
#   bookworm, one line, -A: 3000 bytes, status 0, 0 bytes of errors
#   bookworm, lines of 76: 3000 bytes, status 0, 0 bytes of errors
#   trixie, one line: 0 bytes, status 0, 0 bytes of errors
#   trixie, one line, -A: 3000 bytes, status 0, 0 bytes of errors
#   trixie, lines of 76: 3000 bytes, status 0, 0 bytes of errors

# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

install bookworm bookworm openssl=3.0.20-1~deb12u2 coreutils=9.1-1
install trixie trixie openssl=3.5.9-1~deb13u1
head -c 3000 /dev/zero >"$work/data"
inside bookworm base64 -w0 "$work/data" >"$work/one-line"
inside bookworm base64 "$work/data" >"$work/lines"

# decode ROOT FILE [OPTION]: how that ends.
decode()
{
	root=$1
	file=$2
	shift 2
	status=0
	inside "$root" openssl base64 -d "$@" -in "$file" >"$work/out" 2>"$work/err" || status=$?
	echo "$(wc -c <"$work/out") bytes, status $status, $(wc -c <"$work/err") bytes of errors"
}

for root in bookworm trixie; do
	saw "$root, one line" "0 bytes, status 0, 0 bytes of errors" "$(decode "$root" "$work/one-line")"
	saw "$root, one line, -A" "3000 bytes, status 0, 0 bytes of errors" \
		"$(decode "$root" "$work/one-line" -A)"
	saw "$root, lines of 76" "3000 bytes, status 0, 0 bytes of errors" "$(decode "$root" "$work/lines")"
done
conclude
