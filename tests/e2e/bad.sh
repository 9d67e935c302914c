#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Wrong modules get exactly the score that stands beside them, and the reason
# names the mistake; advice names the real fault of each that loads; and a class
# that hands all of them in at once, each student one, hears the same from the
# challenge server. TAP.
#
# A case is tests/bad/NAME.patch, an edit of tests/good/plain.c, or NAME.sh,
# which makes OUT.ko of a right module; the head of either says the mistake,
# the score, the reason (see tests/lib/grading.sh) and, where the grader's own
# limit is what ends it, a shorter one; and for advice, which changes no score, an
# extended regular expression that one of the notes must match (ignoring case) when
# its name, what was seen and where stand on one line; it begins with "^NAME: ". Every rule of
# grade/advice_rules.c has such a case. With arguments, only those names.
#
# SOAK in the environment asks for the advice that takes a minute too ("Slow: "), and for cases
# that are left out without it ("Soak: ", and why).
# KERNEL is what they are built for (default: lab, which boots fastest and has the
# lines of the source in its modules).
set -eu
cd "$(dirname "$0")/../.."
. tests/lib/grading.sh
. tests/lib/class.sh

KERNEL=${KERNEL:-lab}
built=build/tests/bad/$KERNEL
sources=build/tests/bad/src
right=$built/plain.ko

need_built "$KERNEL"
mkdir -p build/tests/bad/made
edited=
for file in tests/bad/*.patch; do
	patched "$file" "$sources" >"$work/patch.log" 2>&1 || {
		sed 's/^/# /' "$work/patch.log"
		bail "$file does not apply"
	}
	edited="$edited $sources/$(basename "$file" .patch).c"
done
# shellcheck disable=SC2086 # file names of ours, without spaces
build_modules "$KERNEL" "$built" tests/good/plain.c $edited

for file in tests/bad/*.patch tests/bad/*.sh; do
	name=${file##*/}
	name=${name%.*}
	wanted "$name" "$@" || continue
	[ $# -gt 0 ] || [ -n "${SOAK:-}" ] || [ -z "$(field "$file" Soak)" ] || continue
	score=$(field "$file" Score)
	reason=$(field "$file" Reason)
	limit=$(field "$file" Timeout)
	[ -n "$score" ] || bail "$file has no line 'Score: '"
	case $file in
	*.patch)
		echo "$name $KERNEL $built/$name.ko $score ${limit:-120} $reason"
		;;
	*.sh)
		# Which kernel it is for is a question that these leave open.
		"$file" "$right" "build/tests/bad/made/$name.ko"
		echo "$name - build/tests/bad/made/$name.ko $score ${limit:-120} $reason"
		;;
	esac >>"$cases"
done

# Called by grading.sh. Where advice takes a minute, there is a line "Slow: ".
# shellcheck disable=SC2317
advised() {
	file=tests/bad/$name.patch
	[ -f "$file" ] && [ -n "$(field "$file" Advice)" ] &&
		{ [ -n "${SOAK:-}" ] || [ -z "$(field "$file" Slow)" ]; }
}
# shellcheck disable=SC2317
advice_option() {
	! advised || echo --advice
}
# shellcheck disable=SC2317
check_advice() {
	advised || return 0
	expected=$(field "tests/bad/$name.patch" Advice)
	jq -r '.advice[] | .name + ": " + .seen + " " + .where' "$json" >"$work/$number.advice"
	grep -Eiq -- "$expected" "$work/$number.advice" || {
		fault "advice: expected /$expected/, got:"
		while read -r line; do fault "$line"; done <"$work/$number.advice"
	}
}
# Read by grading.sh.
# shellcheck disable=SC2034
options_hook=advice_option
# shellcheck disable=SC2034
case_hook=check_advice

# --- the same files at the server, while they are graded here ---------------------

# Where a case is at the server: its limit is that of the server.
server_of() {
	echo "$work/server.$1"
}

machines=$(nproc)
# The grader, the client and the server belong together.
make_alone all >"$work/make.log" 2>&1 || {
	sed 's/^/# /' "$work/make.log"
	bail "the programs do not build"
}
clean_hook=class_kill
# One machine is enough for the few with a limit of their own: they use all of it.
limits=$(cut -d ' ' -f 5 "$cases" | sort -rnu)
for limit in $limits; do
	class_begin "$(server_of "$limit")" --kernel "$KERNEL" --time-limit "$limit" \
		--jobs "$([ "$limit" = 120 ] && echo "$machines" || echo 1)" || bail "kshramd does not start"
	awk -v limit="$limit" '$5 == limit { print $1, $3 }' "$cases" >"$work/students"
	while read -r name module; do
		class_submit "$name" "$module"
	done <"$work/students"
done

grade_cases
class_wait

# What must be the same of an answer. Bytes and offsets are drawn anew in each run;
# addresses and the kernel's clock are what they are; the table breaks lines.
same='{score, total, items: [.items[] | {number, title, points, max, result, reason: (.reason |
	gsub("[0-9a-f]{16}"; "ADDRESS") | gsub("\\[ *[0-9]+\\.[0-9]+\\]"; "[TIME]") |
	gsub("(?<word>expected|got) [0-9a-f]{2}\\b"; "\(.word) BYTE") |
	gsub("(?<word>at byte|at offset) [0-9]+"; "\(.word) N") | gsub("\\s"; "") |
	gsub("\\(and[0-9]+sthatthisbusyhostwithheld\\)"; ""))}]}'

# A file that no kernel of the server loads has no place in its queue: it says in the
# grader's words why not. But which kernels there are is another matter there.
same_refusal() {
	words=$(jq -r .error "$there")
	reason=$(jq -r '.items[] | select(.name == "load") | .reason' "$json")
	case $reason in
	'it was built for the kernel '*)
		reason="it was built for \"$(jq -r .vermagic "$json")\", this server runs "
		;;
	esac
	[ "$(jq .score "$json")" = 20 ] || fault "refused by the server, but not worth 20 points here"
	case $words in
	*"$reason"*) ;;
	*) fault "the server refused it with other words: $words" ;;
	esac
}

same_verdict() {
	jq -S "$same" "$json" >"$work/here"
	jq -S "$same" "$there" >"$work/there"
	cmp -s "$work/here" "$work/there" ||
		diff "$work/here" "$work/there" | while IFS= read -r line; do
			fault "here and at the server: $line"
		done
	jq -r '.notes[] | select(startswith("This host was busy") | not)' "$json" | tr -d ' ' \
		>"$work/notes"
	jq -r '.table | join("")' "$there" | tr -d ' ' >"$work/table"
	while IFS= read -r note; do
		grep -qF -- "$note" "$work/table" || fault "the server does not show the note $note"
	done <"$work/notes"
}

number=0
refused=0
while read -r name _ module _ limit _; do
	number=$((number + 1))
	json=$logs/$name.json
	there=$(server_of "$limit")/$name.json
	cp "$there" "$logs/$name.server.json"
	case $(jq -r .outcome "$there") in
	scored) same_verdict ;;
	refused)
		refused=$((refused + 1))
		same_refusal
		;;
	*)
		# The client has nothing to send of an empty file; what the server says to an
		# upload of nothing is a case of serve.sh.
		words=$(cat "${there%.json}.err")
		case "$words|$(jq -r '.items[2].reason' "$json")" in
		*" is empty|the file is empty")
			[ -s "$module" ] || {
				refused=$((refused + 1))
				continue
			}
			;;
		esac
		fault "at the server: $(jq -r .error "$there") $words"
		;;
	esac
	[ ! -f "$work/$number.done" ] ||
		echo "$(cat "$work/$number.done"), and the server says the same" >"$work/$number.done"
done <"$cases"

once() {
	for limit in $limits; do
		dir=$(server_of "$limit")
		accepted=$(jq -s 'map(select(.outcome == "scored")) | length' "$dir"/*.json)
		class_graded_once "$dir" "$accepted" || return 1
		[ "$limit" != 120 ] || class_busy "$dir" "$machines" || return 1
	done
}
ended() {
	set --
	for limit in $limits; do
		set -- "$@" "$(server_of "$limit")"
	done
	class_end "$@"
}
# every_rule: whatever the advice can say is said of one of the wrong modules. A rule that none can
# break would be left out here by name, with the reason; there is none.
every_rule() {
	sed -n 's/^\t{ "\([a-z-]*\)", .*/\1/p' grade/advice_rules.c | sort >"$work/rules"
	sed -n 's/^Advice: ^\([a-z-]*\): .*/\1/p' tests/bad/*.patch | sort -u >"$work/expected"
	grep -ohE 'finding\("[a-z-]+"' grade/probes/*.c | cut -d '"' -f 2 | sort -u >"$work/found"
	comm -23 "$work/rules" "$work/expected" | sed 's/$/: no module has an Advice line for it/' >"$work/rules.bad"
	comm -13 "$work/rules" "$work/found" | sed 's/$/: a probe finds it, and there is no rule/' >>"$work/rules.bad"
	grep '^Advice: ' tests/bad/*.patch | grep -v ':Advice: ^[a-z-]*: ' >>"$work/rules.bad"
	cat "$work/rules.bad"
	[ -s "$work/rules" ] && [ -s "$work/found" ] && [ ! -s "$work/rules.bad" ]
}
total=$(wc -l <"$cases")
grading_check "of $total students who came at once, $((total - refused)) have one verdict each, the others a refusal" once
grading_check "the servers end and had nothing to complain of" ended
[ $# -gt 0 ] ||
	grading_check "every rule of the advice is broken by one of them" every_rule
grading_end
