#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Right modules, however they are written, get 100 points. TAP.
#
# Each tests/good/NAME.c is built for and graded on every kernel in $KERNELS
# (default: stock and lab); one that says "Kernels: NAME..." in its head, only
# on those. With arguments, only those names.
set -eu
cd "$(dirname "$0")/../.."
. tests/lib/grading.sh

KERNELS=${KERNELS:-stock lab}

# shellcheck disable=SC2086 # a list of names
need_built $KERNELS
for kernel in $KERNELS; do
	sources=
	for file in tests/good/*.c; do
		only=$(field "$file" Kernels)
		case " ${only:-$kernel} " in
		*" $kernel "*) sources="$sources $file" ;;
		esac
	done
	# shellcheck disable=SC2086 # file names of ours, without spaces
	build_modules "$kernel" "build/tests/good/$kernel" $sources
	for file in $sources; do
		name=$(basename "$file" .c)
		case " ${*:-$name} " in
		*" $name "*)
			echo "$name-$kernel $kernel build/tests/good/$kernel/$name.ko 100 120"
			;;
		esac
	done >>"$cases"
done

grade_cases
grading_end
