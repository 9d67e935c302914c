#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Findings of clang-tidy in one file: tests/lint/tidy.sh KNOWN FILE. It takes
# seconds for each, so what was clean is kept as an empty file in the directory
# KNOWN, named after all that the answer comes from: the analyzer, its
# configuration and flags, and the source with its headers and comments.
set -eu
known=$1
file=$2
config=tests/lint/clang-tidy
set -- -std=gnu11 -D_GNU_SOURCE -Iinclude -Igrade -Ilab/checks -Ipow -I. '-DKSHRAM_VERSION="0"'

key=$({
	clang-tidy --version
	cat "$config"
	echo "$@"
	# Comments too: NOLINT is one.
	cc "$@" -E -C "$file"
} | sha256sum | cut -d' ' -f1)
if [ -e "$known/$key" ]; then
	touch "$known/$key"
	exit 0
fi

said=$(mktemp)
trap 'rm -f "$said"' EXIT
if clang-tidy --quiet --config-file="$config" "$file" -- "$@" >"$said" 2>&1; then
	: >"$known/$key"
else
	grep -E "(error|warning|note: Assuming|note: Calling):" "$said" || cat "$said"
fi
