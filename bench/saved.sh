#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What a saved machine saves, side by side in one run: time to a guest that
# answers, a whole verdict - booted, restored, by a machine that waits, and by hand
# with the kit -, verdicts a minute of a server with its pool against one at a time
# cold, and memory of a machine that waits. Medians of RUNS (default 15); the table
# goes to standard output. `bench/saved.sh >docs/bench-grading.md`
#
# Environment: KERNEL (lab), RUNS (15).
set -eu
cd "$(dirname "$0")/.."
kernel=${KERNEL:-lab}
runs=${RUNS:-15}
module=build/$kernel/kshram.ko
tmp=$(mktemp -d)
. tests/lib/class.sh
trap 'class_kill; rm -rf "$tmp"' EXIT
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

# measure NAME COMMAND... - the median of what so many runs print, in a file of that name.
measure() {
	name=$1
	shift
	i=0
	while [ $i -lt "$runs" ]; do
		i=$((i + 1))
		[ ! -t 2 ] || printf '\r\033[K%s: %d of %d' "$name" $i "$runs" >&2
		"$@"
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

# stand_by OPTION... - a grader that waits on descriptor 5; how long it took until it did.
stand_by() {
	rm -f "$tmp/go" "$tmp/waits"
	mkfifo "$tmp/go" "$tmp/waits"
	begin=$(date +%s%N)
	build/bin/kshram-grade --wait --no-advice --kernel "$kernel" "$@" "$module" \
		<"$tmp/go" >"$tmp/waits" 2>"$tmp/waits.err" &
	pid=$!
	exec 5>"$tmp/go" 6<"$tmp/waits"
	read -r word <&6
	took=$((($(date +%s%N) - begin) / 1000000))
	[ "$word" = waiting ]
}

# stand_down - no module comes for it.
stand_down() {
	exec 5>&- 6<&-
	wait "$pid" 2>/dev/null || :
}

# ready, waited - milliseconds until a machine waits, and from the module to the verdict.
ready() {
	stand_by
	echo "$took"
	stand_down
}

waited() {
	stand_by
	# What else was started shall be at rest.
	sleep 0.5
	begin=$(date +%s%N)
	echo >&5
	cat <&6 >"$tmp/out"
	echo $((($(date +%s%N) - begin) / 1000000))
	exec 5>&- 6<&-
	wait $!
}

# boot_ms - until the agent of a machine that boots answers.
boot_ms() {
	build/bin/kshram-grade --json --no-advice --cold --kernel "$kernel" "$module" |
		jq '.items[0].seconds * 1000 | round'
}

by_hand() {
	bench/byhand.sh "$tmp/kit" "$module" "build/$kernel/hellomod.ko"
}

# below PID... - these processes and all that they started.
below() {
	for process; do
		echo "$process"
		# shellcheck disable=SC2046 # numbers
		below $(pgrep -P "$process")
	done
}

# resident OPTION... - kB of a restored machine that waits for its module, the grader and
# what jails it included: its pages, with shared ones divided among those who share them,
# and what of its copy of the saved memory nobody has mapped.
resident() {
	stand_by "$@"
	copy=0 mapped=0
	for process in $(below "$pid"); do
		awk '/^Pss:/ { print $2 }' "/proc/$process/smaps_rollup" 2>/dev/null || :
		case $(cat "/proc/$process/comm") in
		qemu*)
			copy=$(du -sk "/proc/$process/root/ram" 2>/dev/null | cut -f 1)
			mapped=$(awk '/^[0-9a-f]+-/ { ram = / \/ram\// } /^Rss:/ && ram { kb += $2 }
				END { print kb + 0 }' "/proc/$process/smaps")
			;;
		esac
	done >"$tmp/pss"
	awk -v rest="$((${copy:-0} > mapped ? copy - mapped : 0))" '{ kb += $1 } END { print kb + rest }' "$tmp/pss"
	stand_down
}

kit=build/kshram-kit-$(make -s --no-print-directory help | sed -n '1s/^kshram \([^:]*\):.*/\1/p').tar.bz2
make -s all module "KERNEL=$kernel" >&2
make -s "$kit" >&2
# It is saved before anything is measured.
warm >/dev/null

mkdir "$tmp/kit"
tar -xjf "$kit" -C "$tmp/kit" --strip-components=1
# It finds out once what can accelerate here.
sh "$tmp/kit/qemu.sh" --accel >/dev/null 2>&1
measure boot boot_ms
measure restore ready
measure cold milliseconds cold
measure warm milliseconds warm
measure waited waited
measure hand milliseconds by_hand
count=$((6 * runs))
class_begin "$tmp/class" --kernel "$kernel" >&2
class_full_marks "$tmp/class" "$count" "$module" >"$tmp/many"
class_end "$tmp/class" >&2
free=$(resident)
jailed=$(resident --jail)
[ ! -t 2 ] || printf '\r\033[K' >&2

boot=$(cat "$tmp/boot") restore=$(cat "$tmp/restore") waited=$(cat "$tmp/waited")
cold=$(cat "$tmp/cold") warm=$(cat "$tmp/warm") hand=$(cat "$tmp/hand") many=$(cat "$tmp/many")
a_minute_cold=$(awk "BEGIN { printf \"%.1f\", 60000 / $cold }")
a_minute=$(awk "BEGIN { printf \"%.1f\", $count * 60 / $many }")
commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
cat <<EOF
# What a saved machine saves

Made by \`bench/saved.sh\` at commit $commit: kernel $kernel, $(nproc) processors, load at its end
$(cut -d ' ' -f 1 /proc/loadavg), medians of $runs.

| | booted | restored | ratio |
|---|---|---|---|
| until the agent answers, ms | $boot | $restore | $(ratio "$restore" "$boot") |
| verdict of eight items, ms | $cold | $warm | $(ratio "$warm" "$cold") |
| the same by a machine that waits, ms | $cold | $waited | $(ratio "$waited" "$cold") |
| verdicts a minute: one at a time booted, a server with its pool restored | $a_minute_cold | $a_minute | $(ratio "$a_minute" "$a_minute_cold") |
| by hand with the kit (repack the bzip2 initramfs, boot, run the three checks), and restored, ms | $hand | $warm | $(ratio "$warm" "$hand") |

*Until the agent answers* is the first item of a run with \`--cold\`, and the time from the start of
\`kshram-grade --wait\` to its word, which includes finding, checking and restoring the machine and reseeding it.
By hand the checks draw and compare nothing that the host knows, and nobody's time at the keyboard counts.

Memory of a restored machine that waits, with its grader, shared pages divided among those who
share them: $((free / 1024)) MB; in a jail, where it has a copy of the saved memory, as in the server's pool:
$((jailed / 1024)) MB.
EOF
