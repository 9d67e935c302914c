#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Where the seconds of a grading go: our module graded RUNS times (default 5)
# on the `lab` kernel, one after another; the median of each item.
set -eu
cd "$(dirname "$0")/.."
runs=${RUNS:-5}
tables=$(mktemp)
trap 'rm -f "$tables"' EXIT
trap 'exit 130' INT TERM

i=0
while [ $i -lt "$runs" ]; do
	i=$((i + 1))
	[ ! -t 2 ] || printf '\rgrading %d of %d' $i "$runs" >&2
	build/bin/kshram-grade --no-advice --kernel lab build/lab/kshram.ko >>"$tables"
done
[ ! -t 2 ] || printf '\r\033[K' >&2

awk -v runs="$runs" '
/^ *[1-8]  / {
	item = $1
	match($0, /[0-9.]+ s /)
	seconds[item, ++n[item]] = substr($0, RSTART) + 0
	name[item] = substr($0, 5, 47)
	sub(/ +$/, "", name[item])
}
/^score:/ { match($0, /\([0-9.]+ s/); total[++t] = substr($0, RSTART + 1) + 0 }
function median(a, item, count,   i, j, v, s) {
	for (i = 1; i <= count; i++) s[i] = item ? a[item, i] : a[i]
	for (i = 2; i <= count; i++) {
		v = s[i]
		for (j = i - 1; j > 0 && s[j] > v; j--) s[j + 1] = s[j]
		s[j + 1] = v
	}
	return count % 2 ? s[(count + 1) / 2] : (s[count / 2] + s[count / 2 + 1]) / 2
}
END {
	printf "| item | median of %d, seconds |\n|---|---|\n", runs
	for (i = 1; i <= 8; i++) printf "| %d %s | %.2f |\n", i, name[i], median(seconds, i, n[i])
	printf "| all | %.2f |\n", median(total, 0, t)
}' "$tables"
