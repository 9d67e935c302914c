#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The challenge server in figures: submissions an hour against grading them by hand with
# the kit, memory of an idle connection, what checking costs, and puzzles a second
# (bench/pow.sh), in one table.
#
#	bench/server.sh [--output FILE]
#
# prints the page, or writes it to FILE: docs/bench-server.md is made by this. RUNS
# (default 5) gradings by hand and turns of the puzzle, SUBMISSIONS (default 20) for the
# server, CONNECTIONS (default 1000) that are idle.
#
# Exit status: 0, or 1 when something that is measured is missing or went wrong.
set -eu
cd "$(dirname "$0")/.."
runs=${RUNS:-5}
submissions=${SUBMISSIONS:-20}
connections=${CONNECTIONS:-1000}
output=
case ${1:-} in
'') ;;
--output) output=${2:?bench/server.sh: --output wants a file} ;;
*)
	echo "usage: bench/server.sh [--output FILE]" >&2
	exit 1
	;;
esac

work=$(mktemp -d)
. tests/lib/class.sh
held=
finish() {
	exec 4>&-
	[ -z "$held" ] || kill "$held" 2>/dev/null || :
	class_kill
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
die() {
	echo "bench/server.sh: $*" >&2
	exit 1
}
progress() {
	[ ! -t 2 ] || printf '\r\033[K%s' "$*" >&2
}
for tool in jq cpio bzip2 python3; do
	command -v "$tool" >/dev/null || die "cannot find $tool: apt-get install $tool"
done
kit=build/kshram-kit-$(make -s --no-print-directory help | sed -n '1s/^kshram \([^:]*\):.*/\1/p').tar.bz2
make -s all module KERNEL=lab >&2
make -s "$kit" build/bench/verify >&2
module=build/lab/kshram.ko
hello=build/lab/hellomod.ko
machines=$(nproc)
load=$(cut -d ' ' -f 1 /proc/loadavg)
now() {
	date +%s.%N
}

# --- by hand, one after another -----------------------------------------------------

mkdir "$work/kit"
tar -xjf "$kit" -C "$work/kit" --strip-components=1
# It finds out once what can accelerate here.
accelerator=$(sh "$work/kit/qemu.sh" --accel 2>/dev/null)
turn=0
begin=$(now)
while [ "$turn" -lt "$runs" ]; do
	turn=$((turn + 1))
	progress "by hand, $turn of $runs"
	bench/byhand.sh "$work/kit" "$module" "$hello" >"$work/console" || {
		tail -n 20 "$work/console" >&2
		die "what is done by hand went wrong"
	}
done
hand=$(echo "$(now) $begin $runs" | awk '{ printf "%.3f", ($1 - $2) / $3 }')

# --- idle connections -----------------------------------------------------------------

class_begin "$work/class" --kernel lab --jobs "$machines" >&2 || die "kshramd does not start"
# Before it has had any memory for submissions, which connections would use again.
rss() {
	awk '/^VmRSS:/ { print $2 * 1024 }' "/proc/$class_server/status"
}
progress "$connections idle connections"
before=$(rss)
mkfifo "$work/hold"
python3 -B tests/e2e/serve/idle.py "$class_port" "$connections" "$work/there" <"$work/hold" >&2 &
held=$!
exec 4>"$work/hold"
until [ -s "$work/there" ]; do
	kill -0 "$held" 2>/dev/null || die "the connections were not held"
	sleep 0.1
done
each=$((($(rss) - before) / connections))
exec 4>&-
wait "$held" || die "the connections were not held"
held=

# --- the server, all its machines ---------------------------------------------------

progress "$submissions submissions to the server"
seconds=$(class_full_marks "$work/class" "$submissions" "$module") ||
	die "the server did not give 100 points to each"
served=$(awk "BEGIN { print $seconds / $submissions }")
class_end "$work/class" >&2 || die "the server did not end well"

# --- what checking costs, and the puzzle ----------------------------------------------

progress "what checking costs"
build/bench/verify lab "$module" >"$work/verify" || die "what checking costs cannot be measured"
cost() {
	awk -v what="$1" '$1 == what { print $2 }' "$work/verify"
}
RUNS=$runs bench/pow.sh >"$work/pow"

commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
git diff --quiet HEAD -- . ':!docs' 2>/dev/null || commit="$commit, changed"
progress ''
{
	echo "# What the server and its clients cost"
	echo
	printf 'Written by `RUNS=%s SUBMISSIONS=%s CONNECTIONS=%s bench/server.sh --output docs/bench-server.md`\n' \
		"$runs" "$submissions" "$connections"
	printf 'at commit %s, on Linux %s, %s,\n%s processors; machines with the kernel `lab` under %s.\n' \
		"$commit" "$(uname -r)" \
		"$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)" "$machines" "$accelerator"
	printf 'Load of the machine when it began: %s.\n\n' "$load"
	echo "| | figure | compared with | | ratio |"
	echo "|---|---:|---|---:|---:|"
	echo "$hand $served" | awk -v machines="$machines" '{
		printf "| submissions an hour, `kshramd`, %d machines | %.0f |", machines, 3600 / $2
		printf " one after another by hand, `bench/byhand.sh` | %.0f | %.2f |\n", 3600 / $1, $1 / $2
	}'
	echo "$each" | awk '{ printf "| memory of an idle connection, KiB | %.1f | at most | 16 | |\n", $1 / 1024 }'
	echo "| an answer to the puzzle checked, µs | $(cost puzzle) | | | |"
	echo "| our module, $(($(cost size) / 1024)) KiB, in base64 read, µs | $(cost upload) | | | |"
	echo "| the same inspected for the kernel, µs | $(cost inspect) | | | |"
	echo "| its MD5 and SHA-256, µs | $(cost digests) | | | |"
	echo "| the same put on record, on the disk before the receipt, µs | $(cost store) | | | |"
	cat "$work/pow"
	cat <<'END'

A submission is our own module: eight items by the server, and by hand the same loads and
checks without what the grader draws and compares, and without anybody's time at the keyboard: unpack,
repack, boot, one command. Time at the server is from the first receipt to the last
verdict. Memory is what the resident size of `kshramd` grew by. Checking is processor
time, the record the time that passes; medians of 101. A puzzle has six zeros, 16.8 million hashes on average; hashes
are computed over the 44 bytes of prefix and answer, `openssl speed -evp sha1` at the same
length, in turns, and each figure is a median.
END
} >"$work/page"
if [ -n "$output" ]; then
	cat "$work/page" >"$output"
else
	cat "$work/page"
fi
