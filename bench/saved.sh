#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What a saved machine saves, side by side in one run: time to a guest that
# answers, a whole verdict, verdicts a minute on all processors against one at a
# time cold, and memory of a machine that waits. Medians of RUNS (default 5); the
# table goes to standard output. `bench/saved.sh >docs/bench-grading.md`
#
# Environment: KERNEL (lab), RUNS (5).
set -eu
cd "$(dirname "$0")/.."
kernel=${KERNEL:-lab}
runs=${RUNS:-5}
module=build/$kernel/kshram.ko
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM

# milliseconds COMMAND... - how long it took.
milliseconds() {
	begin=$(date +%s%N)
	"$@" >"$tmp/out" 2>&1 || {
		cat "$tmp/out" >&2
		exit 1
	}
	echo $((($(date +%s%N) - begin) / 1000000))
}

median() {
	sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# repeat NAME COMMAND... - the median of so many runs, in FILE NAME.
repeat() {
	name=$1
	shift
	i=0
	while [ $i -lt "$runs" ]; do
		i=$((i + 1))
		[ ! -t 2 ] || printf '\r\033[K%s: %d of %d' "$name" $i "$runs" >&2
		milliseconds "$@"
	done | median >"$tmp/$name"
}

warm() {
	build/bin/kshram-grade --no-advice --kernel "$kernel" "$module"
}

cold() {
	build/bin/kshram-grade --no-advice --cold --kernel "$kernel" "$module"
}

ratio() {
	awk "BEGIN { printf \"%.2f\", $1 / $2 }"
}

# together COUNT - so many verdicts, as many at a time as there are processors.
together() {
	seq "$1" | xargs -P "$(nproc)" -I '{}' \
		build/bin/kshram-grade --no-advice --kernel "$kernel" "$module"
}

# resident - kB of a restored machine that waits: all its pages, then its share.
resident() {
	build/bin/kshram-vm --saved --kernel "$kernel" -- sleep 1000 &
	pid=$!
	sleep 5
	for qemu in $(pgrep -P "$pid"); do
		awk '/^(Rss|Pss):/ { print $2 }' "/proc/$qemu/smaps_rollup"
	done >"$tmp/resident"
	kill "$pid"
	wait "$pid" 2>/dev/null || :
}

# Both are saved before anything is measured.
warm >/dev/null
build/bin/kshram-vm --saved --kernel "$kernel" -- true

repeat boot build/bin/kshram-vm --kernel "$kernel" -- true
repeat restore build/bin/kshram-vm --saved --kernel "$kernel" -- true
repeat cold cold
repeat warm warm
count=$((4 * runs))
milliseconds together "$count" >"$tmp/many"
resident
[ ! -t 2 ] || printf '\r\033[K' >&2

boot=$(cat "$tmp/boot") restore=$(cat "$tmp/restore")
cold=$(cat "$tmp/cold") warm=$(cat "$tmp/warm") many=$(cat "$tmp/many")
a_minute_cold=$(awk "BEGIN { printf \"%.1f\", 60000 / $cold }")
a_minute=$(awk "BEGIN { printf \"%.1f\", $count * 60000 / $many }")
cat <<EOF
# What a saved machine saves

Made by \`bench/saved.sh\`: kernel $kernel, $(nproc) processors, load at its end
$(cut -d ' ' -f 1 /proc/loadavg), medians of $runs.

| | booted | restored | ratio |
|---|---|---|---|
| a command in a machine (start, run \`true\`, end), ms | $boot | $restore | $(ratio "$restore" "$boot") |
| verdict of eight items, ms | $cold | $warm | $(ratio "$warm" "$cold") |
| verdicts a minute: one at a time booted, $(nproc) at a time restored | $a_minute_cold | $a_minute | $(ratio "$a_minute" "$a_minute_cold") |

Memory of a restored machine that waits: $(sed -n 1p "$tmp/resident") kB resident,
$(sed -n 2p "$tmp/resident") kB with shared pages divided among those who share them.
EOF
