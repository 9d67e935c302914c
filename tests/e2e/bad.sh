#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Wrong modules get exactly the score that stands beside them, and the reason
# names the mistake. TAP.
#
# A case is tests/bad/NAME.patch, an edit of tests/good/plain.c, or NAME.sh,
# which makes OUT.ko of a right module; the head of either says the mistake,
# the score, the reason (see tests/lib/grading.sh) and, where the grader's own
# limit is what ends it, a shorter one. With arguments, only those names.
#
# KERNEL is what they are built for (default: lab, which boots fastest and has the
# lines of the source in its modules).
set -eu
cd "$(dirname "$0")/../.."
. tests/lib/grading.sh

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

grade_cases
grading_end
