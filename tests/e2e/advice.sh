#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Advice names the real fault of each wrong module that loads, changes no score,
# and has nothing to say of ours. TAP.
#
# A case is a file of tests/bad whose head has a line "Advice: ", an extended regular
# expression that one of the notes must match (ignoring case) when its name, what was
# seen and where stand on one line. With arguments, only those names.
#
# KERNEL is what they are built for (default: lab).
set -eu
cd "$(dirname "$0")/../.."
. tests/lib/grading.sh

KERNEL=${KERNEL:-lab}
built=build/tests/bad/$KERNEL
sources=build/tests/bad/src
# Only read by grading.sh and by what it calls.
# shellcheck disable=SC2034
grader_options=--advice
# shellcheck disable=SC2034
case_hook=check_advice

need_built "$KERNEL"
flock build/tests/grade.lock make -s "build/$KERNEL/kshram.ko" >"$work/make.log" 2>&1 ||
	bail "make module KERNEL=$KERNEL comes first"
edited=
for file in tests/bad/*.patch; do
	patched "$file" "$sources" >"$work/patch.log" 2>&1 || bail "$file does not apply"
	edited="$edited $sources/$(basename "$file" .patch).c"
done
# As bad.sh builds them, so that nothing is built twice.
# shellcheck disable=SC2086 # file names of ours, without spaces
build_modules "$KERNEL" "$built" tests/good/plain.c $edited

if wanted kshram "$@"; then
	echo "kshram $KERNEL build/$KERNEL/kshram.ko 100 120" >>"$cases"
fi
for file in tests/bad/*.patch; do
	name=$(basename "$file" .patch)
	[ -n "$(field "$file" Advice)" ] && wanted "$name" "$@" || continue
	limit=$(field "$file" Timeout)
	echo "$name $KERNEL $built/$name.ko $(field "$file" Score) ${limit:-120}" \
		"$(field "$file" Reason)" >>"$cases"
done

check_advice() {
	jq -r '.advice[] | .name + ": " + .seen + " " + .where' "$json" >"$work/$number.advice"
	if [ "$name" = kshram ]; then
		expect_json advice '.advice | length' 0
		expect_json "what was not looked at" .advised.missing ''
		return
	fi
	grep -Eiq -- "$(field "tests/bad/$name.patch" Advice)" "$work/$number.advice" || {
		fault "advice: expected /$(field "tests/bad/$name.patch" Advice)/, got:"
		while read -r line; do fault "$line"; done <"$work/$number.advice"
	}
}

grade_cases
grading_end
