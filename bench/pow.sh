#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The puzzle: how many hashes a second kshram-pow computes, against a plain loop
# over Python's hashlib and against `openssl speed` at the same length, in turns in
# one run. Prints rows for the table of bench/server.sh. RUNS (default 5) turns; figures
# are medians, ratios are of each turn.
#
# Exit status: 0, or 1 when something that is measured is missing.
set -eu
cd "$(dirname "$0")/.."
runs=${RUNS:-5}
for tool in python3 openssl; do
	command -v "$tool" >/dev/null || {
		echo "bench/pow.sh: cannot find $tool, which is measured: apt-get install $tool" >&2
		exit 1
	}
done
make -s build/bin/kshram-pow >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
processors=$(nproc)
# Prefix and answer as they are in a puzzle of ours.
length=44

# solver ARGUMENT...: hashes a second over a few puzzles of six zeros.
solver() {
	for _ in 1 2 3 4; do
		build/bin/kshram-pow --json "$@" "$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')" 6
	done | awk '/"hashes"/ { h += $2 } /"seconds"/ { s += $2 } END { printf "%.0f\n", h / s }'
}

python() {
	python3 -c '
import hashlib, os, time
prefix = os.urandom(16).hex()
n = 0
begin = time.monotonic()
while time.monotonic() - begin < 2:
    for i in range(1000):
        s = "%012d" % n
        n += 1
        if hashlib.sha1((prefix + s).encode()).hexdigest().startswith("0" * 12):
            print("solved")
print(round(n / (time.monotonic() - begin)))'
}

# speed ARGUMENT...: hashes a second that the library does of that length.
speed() {
	openssl speed -elapsed -seconds 2 -bytes "$length" "$@" -evp sha1 2>/dev/null |
		awk -v length_="$length" '{ last = $NF } END { sub(/k$/, "", last); printf "%.0f\n", last * 1000 / length_ }'
}

turn=0
while [ "$turn" -lt "$runs" ]; do
	turn=$((turn + 1))
	[ ! -t 2 ] || printf '\rturn %d of %d' "$turn" "$runs" >&2
	echo "$(solver) $(solver --threads 1) $(python) $(speed -multi "$processors") $(speed)"
done >"$work/turns"
[ ! -t 2 ] || printf '\r\033[K' >&2

awk '
function median(a, n,   i, j, v) {
	for (i = 2; i <= n; i++) {
		v = a[i]
		for (j = i - 1; j > 0 && a[j] > v; j--) a[j + 1] = a[j]
		a[j + 1] = v
	}
	return n % 2 ? a[(n + 1) / 2] : (a[n / 2] + a[n / 2 + 1]) / 2
}
function column(c,   i, a) { for (i = 1; i <= n; i++) a[i] = t[i, c]; return median(a, n) }
function ratio(x, y,   i, a) { for (i = 1; i <= n; i++) a[i] = t[i, x] / t[i, y]; return median(a, n) }
function row(name, ours, other_name, other) {
	printf "| puzzles a second, %s | %.3f | %s | %.3f | %.2f |\n", name, column(ours) / 16777216,
		other_name, column(other) / 16777216, ratio(ours, other)
}
{ n++; for (i = 1; i <= 5; i++) t[n, i] = $i }
END {
	row("`kshram-pow`, all processors", 1, "a loop over Python\047s hashlib", 3)
	row("`kshram-pow`, all processors", 1, "`openssl speed`, all processors", 4)
	row("`kshram-pow --threads 1`", 2, "a loop over Python\047s hashlib", 3)
	row("`kshram-pow --threads 1`", 2, "`openssl speed`, one process", 5)
}' "$work/turns"
