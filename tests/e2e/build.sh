#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The Makefiles: what `make demo` compiles, that a compiler's warning ends no user's
# build (make -n tells), the module built as people build it who read no README, and
# what is said in directories where nothing can be built. TAP.
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
check "make says which kernels it would build first" plan kernels
check "the kernel of the soak is none of them" has_no debug-7
check "make says what the soak would run" plan soak
check "the soak has it" grep -q 'suite.sh debug-7.x' "$tmp/plan"

# --- directories in which nothing can be built ------------------------------

mkdir "$tmp/a b" "$tmp/a:b"
cp Makefile "$tmp/a b/"
cp Makefile "$tmp/a:b/"
# refused DIRECTORY: make ends there at once, and names the directory and the remedy.
refused() {
	! make -C "$1" demo >"$tmp/plan" 2>&1 && grep -qF "\"$1\"" "$tmp/plan" &&
		grep -q 'move the clone' "$tmp/plan"
}
check "a clone in a directory with a blank is refused before anything is built" refused "$tmp/a b"
check "and one with a colon" refused "$tmp/a:b"

kernel=$(kernel/get stock)
check "kernel/kbuild names a directory in which it cannot build" \
	sh -c '! kernel/kbuild "$1" "$2" module/Kbuild 2>"$3" && grep -qF "$2" "$3"' \
	sh "$kernel" "$tmp/a b/out" "$tmp/plan"

# --- the module, as people build modules ------------------------------------

mkdir "$tmp/clone"
cp -R module include "$tmp/clone/"
direct() {
	make -C "$kernel/build" M="$tmp/clone/module" modules && [ -s "$tmp/clone/module/kshram.ko" ]
}
check "make -C KDIR M=CLONE/module modules builds the module" direct

# --- no /proc, as in the chroots of image builders ---------------------------

# A kernel tree whose objtool reads /proc.
mkdir -p "$tmp/tree/build/tools/objtool"
: >"$tmp/tree/build/tools/objtool/objtool"
echo 'fopen("/proc/self/limits")' >"$tmp/tree/build/tools/objtool/objtool.real-x86"
printf 'include %s/module/Kbuild\nmodules:\n' "$PWD" >"$tmp/tree/build/Makefile"
# without_proc COMMAND...: it fails, and says that /proc is not mounted.
without_proc() {
	! unshare -rm sh -c 'mount -t tmpfs none /proc && exec "$@"' sh "$@" >"$tmp/plan" 2>&1 &&
		grep -q 'mount -t proc proc /proc' "$tmp/plan"
}
if unshare -rm mount -t tmpfs none /proc 2>/dev/null; then
	check "kernel/kbuild says that /proc is not mounted" \
		without_proc kernel/kbuild "$tmp/tree" "$tmp/out" module/Kbuild
	check "the module's own Kbuild says so, which DKMS reads" \
		without_proc make -C "$tmp/tree/build" objtree=. src=. modules
	check "and so do the makefiles of the kit" without_proc make -f lab/kit/skeleton/Makefile \
		-f lab/hellomod/Makefile KDIR="$tmp/tree/build"
fi

echo "1..$count"
[ "$failed" = 0 ]
