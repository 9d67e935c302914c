#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The Makefile: what `make demo` compiles, and that a compiler's warning ends no
# user's build. Nothing is compiled here: make -n tells. TAP.
set -eu
cd "$(dirname "$0")/../.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
unset WERROR MAKEFLAGS MFLAGS MAKELEVEL

. tests/lib/tap.sh

# plan ARGUMENT...: what make would run, on a tree in which nothing is built.
plan() {
	make -n B="$tmp/nothing" "$@" >"$tmp/plan" && [ -s "$tmp/plan" ]
}

has_no() {
	! grep -E -- "$1" "$tmp/plan"
}

check "make says what the demo would run" plan demo
check "the demo compiles the grader" grep -q 'grade/kshram-grade\.c' "$tmp/plan"
check "the demo compiles nothing of the server, the clients, the library, the tests" \
	has_no '^[^ ]*(gcc|cc) .*(serve|submit|pow|lib|tools|tests|bench)/[a-z_]*\.c'
check "make says what everything would run" plan all test-programs lib module
check "in a user's build no warning is an error" has_no '-Werror'
check "make WERROR=1 says what it would run" plan WERROR=1 all test-programs lib module
# Each command line that compiles asks for warnings, and they are errors.
check "with WERROR=1 every warning is an error" \
	sh -c '! grep -e -Wall "$1" | grep -v -e -Werror' sh "$tmp/plan"
check "and in modules" grep -q 'kbuild.*KCFLAGS=-Werror' "$tmp/plan"

echo "1..$count"
[ "$failed" = 0 ]
