#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The puzzle: how many hashes a second kshram-pow computes, against a plain loop
# over Python's hashlib and against `openssl speed` at the same length, in turns in
# one run; and what the server pays for checking.
#
#	bench/pow.sh [--output FILE]
#
# prints a section in Markdown, or puts it into FILE in place of the section of the
# same heading. RUNS (default 5) turns; figures are medians, ratios are of each turn.
#
# Exit status: 0, or 1 when something that is measured is missing.
set -eu
cd "$(dirname "$0")/.."
runs=${RUNS:-5}
output=
case ${1:-} in
'') ;;
--output) output=${2:?bench/pow.sh: --output wants a file} ;;
*)
	echo "usage: bench/pow.sh [--output FILE]" >&2
	exit 1
	;;
esac
for tool in python3 openssl; do
	command -v "$tool" >/dev/null || {
		echo "bench/pow.sh: cannot find $tool, which is measured: apt-get install $tool" >&2
		exit 1
	}
done
make -s build/bin/kshram-pow build/bench/verify >&2
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
build/bench/verify >"$work/verify"

awk -v processors="$processors" -v length_="$length" -v runs="$runs" '
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
function row(name, c) {
	printf "| %s | %.2f | %.1f | %.2f | %.2f |\n", name, column(c) / 1e6, 16777216 / column(c),
		ratio(c, 3), ratio(c, 4)
}
FILENAME ~ /verify$/ { cost[$1] = $2; next }
{ n++; for (i = 1; i <= 5; i++) t[n, i] = $i }
END {
	print "## The puzzle\n"
	printf "Six zeros take 16.8 million hashes on average. %d processors, messages of %d bytes,\n", processors, length_
	printf "medians of %d turns; written by `bench/pow.sh`.\n\n", runs
	print "| | million hashes/s | seconds a puzzle | of Python | of openssl speed, all processors |"
	print "|---|---:|---:|---:|---:|"
	row("kshram-pow, all processors", 1)
	row("kshram-pow, one thread", 2)
	row("a loop over Python\047s hashlib", 3)
	row("`openssl speed -evp sha1`, all processors", 4)
	row("`openssl speed -evp sha1`, one", 5)
	printf "\nThe server checks an answer in %.2f µs and reads the base64 of 256 KiB in %.0f µs.\n",
		cost["puzzle"], cost["upload"]
}' "$work/verify" "$work/turns" >"$work/section"

[ -n "$output" ] || {
	cat "$work/section"
	exit 0
}
[ -s "$output" ] || echo "# What the server and its clients cost" >"$output"
# The section as it was goes; all others stay as they are.
awk -v section="$work/section" '
/^## / { ours = $0 == "## The puzzle" }
/^## The puzzle$/ { while ((getline line < section) > 0) print line; done = 1; print ""; next }
!ours { print }
END { if (!done) { print ""; while ((getline line < section) > 0) print line } }' \
	"$output" | awk 'NF { for (; blank; blank--) print ""; print } !NF { blank = 1 }' >"$work/new"
cat "$work/new" >"$output"
