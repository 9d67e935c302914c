#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# kshram, the command: on the host what needs no device, in machines all else,
# on both backings. TAP. $KERNEL names the kernel (default: stock).
set -eu
cd "$(dirname "$0")/../.."
. tests/lib/make.sh
kernel=${KERNEL:-stock}
make_alone all "modules-$kernel" build/tests/kshram >&2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
. tests/lib/tap.sh
kshram=build/tests/kshram

# run COMMAND...: what it said is in $tmp/out and $tmp/err, how it ended in $status.
run() {
	status=0
	"$@" >"$tmp/out" 2>"$tmp/err" </dev/null || status=$?
}

# ended STATUS [TEXT]...: with it, and each text among the errors; no text, no errors.
ended() {
	cat "$tmp/out" "$tmp/err"
	[ "$status" -eq "$1" ] || return 1
	shift
	[ $# -gt 0 ] || [ ! -s "$tmp/err" ] || return 1
	for text; do
		grep -qF -e "$text" "$tmp/err" || return 1
	done
}

all() {
	for condition; do
		eval "$condition" || { echo "does not hold: $condition"; return 1; }
	done
}

# ---- without a machine ----

run build/bin/kshram --version
check 'version' all 'ended 0' 'grep -qx "kshram [0-9.]*" "$tmp/out"'
run "$kshram" --help
check 'help' all 'ended 0' 'grep -q "^usage: kshram" "$tmp/out"' 'grep -q "^exit status: " "$tmp/out"'
commands=$(sed -n 's/^  \([a-z][a-z]*\) .*/\1/p' "$tmp/out")
check 'help names the commands' [ "$(echo "$commands" | wc -l)" = 8 ]

# documented COMMAND: its help is there, and the man page has each of its options.
documented() {
	run "$kshram" "$1" --help
	ended 0 && grep -q "^usage: kshram $1" "$tmp/out" || return 1
	grep -Eq "^(\\.BI? |\\\\fB)$1\>" docs/kshram.1 || { echo "no $1 in the man page"; return 1; }
	sed -n 's/^  --\([a-z]*\).*/\1/p' "$tmp/out" >"$tmp/options"
	while read -r option; do
		grep -q '\\-\\-'"$option" docs/kshram.1 || { echo "no --$option in the man page"; return 1; }
	done <"$tmp/options"
}

for command in $commands; do
	check "$command: help and man page" documented "$command"
done

# refused TEXT ARGUMENT...: wrong usage, and TEXT says why.
refused() {
	text=$1
	shift
	run "$kshram" "$@"
	check "refused: kshram $*" ended 2 "$text" "Try 'kshram"
}

refused 'no command was given'
refused "no command 'lst'" lst
refused 'info needs SLOT' info
refused 'resize needs SLOT SIZE' resize 1
refused "'2' is one word too many" list 2
refused "'c' is one word too many" write 1 b c
refused "unrecognized option '--json'" read 1 --json
refused "requires an argument" read 1 --length
refused "--length 'x': give a number" read 1 --length x
refused '--offset 9223372036854775808: give a number up to 9223372036854775807' \
	write 1 --offset 9223372036854775808
refused "--count '0': give a whole number from 1 to" watch 1 --count 0
refused "--timeout '3000000000': give a whole number from 0 to 2147483647" watch 1 --timeout 3000000000
refused "--timeout '0.5': give a whole number" watch 1 --timeout 0.5
refused "--timeout '1K': give a whole number" watch 1 --timeout 1K
refused 'slots, sizes and bytes start at 0' info -1

# A datagram for each write.
one_write() {
	python3 - "$kshram" <<'END'
import socket, subprocess, sys
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
subprocess.run([sys.argv[1], "lst"], stderr=theirs)
got = ours.recv(4096)
print(got)
sys.exit(got != b"kshram: there is no command 'lst'\n")
END
}
check 'a message is one write' one_write

# ---- completion ----

# completes EXPECTED WORD...: what Tab at the end of the line offers, sorted.
cat >"$tmp/complete" <<'END'
. tools/kshram.bash-completion
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
"$(complete -p kshram | sed 's/.*-F \([^ ]*\) .*/\1/')" kshram "${COMP_WORDS[COMP_CWORD]}"
printf '%s\n' "${COMPREPLY[@]}" | LC_ALL=C sort | tr '\n' ' '
END
cat >"$tmp/kshram" <<END
#!/bin/sh
[ "\$1" != list ] || { printf 'SLOT SIZE\n   0 4096\n   1 4096\n  12 4096\n'; exit; }
exec "$PWD/$kshram" "\$@"
END
chmod +x "$tmp/kshram"
completes() {
	expected=$1
	shift
	PATH=$tmp:$PATH bash "$tmp/complete" kshram "$@" >"$tmp/out" 2>"$tmp/err"
	cat "$tmp/out" "$tmp/err"
	[ "$(cat "$tmp/out")" = "$expected " ] && [ ! -s "$tmp/err" ]
}
touch "$tmp/a file"
check 'completion: commands' completes 'read resize' re
check 'completion: all commands' completes \
	"--help --version $(echo "$commands" | LC_ALL=C sort | xargs)" ''
check 'completion: slots' completes '0 1 12' info ''
check 'completion: slots that begin so' completes '1 12' read --hex 1
check 'completion: options' completes '--help --hex --length --offset --raw' read 1 --
check 'completion: a value is not guessed' completes '' read 1 --length ''
check 'completion: nodes by path' completes '/dev/null' info /dev/nul
check 'completion: files to write' completes "$tmp/a file" write 1 "$tmp/a"

# ---- in machines ----

# json BACKING WHAT NAME FILTER: all JSON of that name makes the filter true.
json() {
	sed -n "s/^json $2 //p" "$tmp/said" >"$tmp/json"
	check "$1: json: $3" sh -c 'cat "$1"; [ -s "$1" ] && jq -es --arg backing "$2" "$3" "$1"' \
		sh "$tmp/json" "$1" "$4"
}

# machine BACKING [OPTION]...: run the guest's tests, count them on, look into its JSON.
machine() {
	backing=$1
	shift
	status=0
	build/bin/kshram-vm --saved --kernel "$kernel" --timeout 600 --console "$tmp/console" \
		--add "build/$kernel/kshram.ko" --add tests/e2e/tools/guest.sh:/guest.sh \
		--add tests/lib/tap.sh:/tests/lib/tap.sh "$@" -- sh /guest.sh "$backing" \
		>"$tmp/said" 2>"$tmp/err" || status=$?
	awk -v count="$count" -v backing="$backing" -v totals="$tmp/totals" '
	/^json / || /^1\.\./ { next }
	/^(not )?ok [0-9]+ - / {
		failed += $1 == "not"
		sub(/ok [0-9]+ - /, "ok " ++count " - " backing ": ")
	}
	{ print }
	END { print count, failed + 0 >totals }' "$tmp/said"
	read -r total new <"$tmp/totals"
	# shellcheck disable=SC2034 # used below, in quotes
	planned=$((total - count))
	count=$total
	failed=$((failed + new))
	check "$backing: the machine came to its end" all 'tail -n 20 "$tmp/err"' \
		'[ "$status" = "$new" ]' 'grep -qx "1..$planned" "$tmp/said"'
	json "$backing" list 'list' 'length == 1 and (.[0] | length == 6 and
		all(.[]; .size == 4096 and .backing == $backing and .mappings == 0 and
			.mode == "0600" and .owner == "root" and .group == "root") and
		map(.slot) == [0, 1, 2, 3, 4, 5] and map(.opens) == [0, 0, 1, 0, 0, 0] and
		.[5].node == "/dev/kshram5")'
	json "$backing" info 'info' 'length == 1 and (.[0] | .slot == 2 and .size == 4096 and
		.opens == 1 and .node == "/dev/kshram2" and (.device | test("^[0-9]+:2$")) and
		.limits == { slots: 6, size: 4096, max_size: 1048576, max_total: 2097152 })'
	json "$backing" resize 'resize' '. == [{ slot: 1, before: 4097, size: 8192 }]'
	json "$backing" watch 'watch, an object a line' '. == [
		{ slot: 3, event: "rung", size: 12288 }, { slot: 3, event: "resized", size: 12288 }]'
	json "$backing" nonode 'no node is null' '.[0] | .node == null and (has("mode") | not)'
	check "$backing: a terminal gets a dump" grep -aq \
		'^00000020  41 41 41 41 41 41 41 41  *|AAAAAAAA|' "$tmp/console"
	check "$backing: a terminal gets bytes when asked for" grep -aEq '(^|[^A])A{60}([^A]|$)' \
		"$tmp/console"
}

# The static program on one backing; on the other, the sanitized one with its libraries.
machine kmalloc --add build/guest/kshram:/bin/kshram
set --
for library in $(ldd "$kshram" | grep -o '/[^ ]*'); do
	set -- "$@" --add "$(readlink -f "$library"):$library"
done
machine shmem --add "$kshram:/bin/kshram" "$@"

echo "1..$count"
[ "$failed" -eq 0 ]
