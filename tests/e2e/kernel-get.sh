#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# kernel/get: what it says when something is wrong, two runs at once, an
# interrupted run, and that what it provides works. No kernel is compiled: it
# fetches `stock` into an empty cache, some 50 MB from the Debian mirror. With
# SOAK=1 one is, from a source of our own: the build is interrupted and goes on.
#
# shellcheck disable=SC2016 # scripts for sh -c expand their own arguments
set -eu

cd "$(dirname "$0")/../.."
get=$PWD/kernel/get
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
unset KERNEL_SOURCE DEBIAN_MIRROR DEBIAN_SECURITY_MIRROR

count=0
failed=0

# ok NAME COMMAND... - one test: the command succeeds. Failing, it shows the last run.
ok()
{
	what=$1
	shift
	count=$((count + 1))
	if "$@"; then
		echo "ok $count - $what"
	else
		echo "not ok $count - $what"
		sed 's/^/# /' "$tmp/out" "$tmp/err"
		failed=$((failed + 1))
	fi
}

# run STATUS ARGS... - run kernel/get; succeed if it exits with STATUS.
run()
{
	want=$1
	shift
	status=0
	"$get" "$@" >"$tmp/out" 2>"$tmp/err" || status=$?
	[ "$status" -eq "$want" ]
}

# says WORDS... - the last run's error has all these words.
says()
{
	for word; do
		grep -qF -- "$word" "$tmp/err" || return 1
	done
}

# fake NAME TEXT - a program of that name, in front of the real one on $fakes.
fake()
{
	mkdir -p "$tmp/fakes"
	printf '#!/bin/sh\n%s\n' "$2" >"$tmp/fakes/$1"
	chmod +x "$tmp/fakes/$1"
}

no_fakes()
{
	rm -rf "$tmp/fakes"
}

real_path=$PATH
PATH=$tmp/fakes:$PATH
outer=${XDG_CACHE_HOME:-$HOME/.cache}/kshram
export XDG_CACHE_HOME="$tmp/cache"
kernels=$XDG_CACHE_HOME/kshram/kernels

# --- arguments ---------------------------------------------------------------

ok "no argument is status 2" run 2
ok "an unknown option is status 2" run 2 --frobnicate
ok "an unknown name is status 2" run 2 nosuch
ok "and the error says which names there are" says nosuch stock lab debug 5.10 7.x
ok "--list works" run 0 --list
ok "--list prints the table's names, in order" \
	test "$(tr '\n' ' ' <"$tmp/out")" = "stock lab debug 5.10 6.1 6.12 7.x debug-7.x "
ok "--cached of what is not there is status 3" run 3 --cached stock
ok "--cached prints nothing then" test ! -s "$tmp/out"
ok "--cached reads no package lists" test ! -e "$XDG_CACHE_HOME/kshram/apt"

# --- what can be wrong -------------------------------------------------------

fake df 'echo head; echo "/dev/x 1000000 900000 102400 90% /"'
ok "a disk that is too full is status 1" run 1 stock
ok "and the error says how much is needed, where, and what is there" \
	says stock "$XDG_CACHE_HOME" "has 100 MB"
no_fakes

# stock is the kernel of the release that runs here.
system()
{
	printf '%s\n' "$@" >"$tmp/os-release"
}
export OS_RELEASE="$tmp/os-release"
system ID=debian VERSION_CODENAME=bookworm 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"'
fake apt-get 'case "$*" in *indextargets*) echo "bookworm http://127.0.0.1:9/debian/" ;; esac'
fake apt-cache 'exit 0'
ok "a package that no suite has is status 1" run 1 stock
ok "and the error names the package and the suites" \
	says linux-image-cloud-amd64 bookworm bookworm-security DEBIAN_MIRROR
system ID=debian VERSION_CODENAME=trixie 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"'
ok "on Debian 13 stock is looked for" run 1 stock
ok "in the suites of Debian 13" says "suites trixie, trixie-security of"
system ID=debian VERSION_CODENAME=forky 'PRETTY_NAME="Debian GNU/Linux forky/sid"'
ok "on testing stock is looked for" run 1 stock
ok "in the suites of testing" says "suites forky, forky-security of"
fake apt-get 'case "$*" in *indextargets*) echo "sid http://127.0.0.1:9/debian/" ;; esac'
ok "on unstable stock is looked for" run 1 stock
ok "in unstable alone" says "suites sid of"
fake apt-get 'case "$*" in *indextargets*) echo "bookworm http://127.0.0.1:9/debian/" ;; esac'
system ID=ubuntu VERSION_CODENAME=noble ID_LIKE=debian 'PRETTY_NAME="Ubuntu 24.04"'
ok "on what is no Debian stock is looked for" run 1 stock
ok "in the suites of Debian 12" says "suites bookworm, bookworm-security of"
fake apt-get 'exit 0'
ok "a system without a Debian mirror is status 1" run 1 stock
ok "and the error says what to set" says DEBIAN_MIRROR
no_fakes
unset OS_RELEASE

ok "a cache path with a space is refused" env XDG_CACHE_HOME="$tmp/a b" sh -c \
	'! "$1" stock 2>"$2"' sh "$get" "$tmp/err"
ok "and the error says why" says "$tmp/a b" spaces

mkdir -p "$tmp/notkernel"
export KERNEL_SOURCE="$tmp/notkernel"
ok "KERNEL_SOURCE that is no kernel tree is status 2" run 2 lab
ok "and the error names it and what it lacks" says "$tmp/notkernel" Makefile
export KERNEL_SOURCE="$tmp/nowhere.tar.xz"
ok "KERNEL_SOURCE that is not there is status 2" run 2 debug
ok "and the error names it" says "$tmp/nowhere.tar.xz"
tar -cf "$tmp/wrong.tar" -C "$tmp" notkernel
export KERNEL_SOURCE="$tmp/wrong.tar"
ok "KERNEL_SOURCE with a tarball of something else is not built" run 1 lab
ok "and the error names it" says "$tmp/wrong.tar"
ok "nothing of it stays" test -z "$(ls -A "$XDG_CACHE_HOME/kshram/work")"

# A tree with as much of a kernel as configuring touches: all options but one come out.
own=$tmp/own
mkdir -p "$own/init" "$own/arch/x86" "$own/kernel"
: >"$own/Kconfig"
: >"$own/init/main.c"
: >"$own/arch/x86/Makefile"
: >"$own/kernel/kallsyms.c"
printf 'mrproper:\nallnoconfig:\n\tgrep -v CONFIG_KALLSYMS= $(KCONFIG_ALLCONFIG) >.config\n' \
	>"$own/Makefile"
before=$(find "$own" -printf '%p %s %T@\n' | sort | sha256sum)
export KERNEL_SOURCE="$own"
ok "an option that does not survive configuring stops the build" run 1 lab
ok "and the error names it" says "CONFIG_KALLSYMS is n, wanted y"
ok "and only it" test "$(grep -c '^CONFIG_' "$tmp/err")" -eq 1
ok "KERNEL_SOURCE is left as it was" \
	test "$(find "$own" -printf '%p %s %T@\n' | sort | sha256sum)" = "$before"
fake apt-get 'exit 0'
ok "a kernel of another name is not made from KERNEL_SOURCE" run 1 6.12
ok "and that is said" says "6.12: KERNEL_SOURCE is not used" "lab and debug"
no_fakes
unset KERNEL_SOURCE

# --- interrupted, broken, two at once ----------------------------------------

rm -rf "$XDG_CACHE_HOME"
mkdir -p "$XDG_CACHE_HOME/kshram/work/stock-0-ofadeadrun" "$kernels"
: >"$tmp/err"
"$get" stock >"$tmp/out" 2>"$tmp/err" &
pid=$!
n=0
until grep -q reading "$tmp/err" || [ $n -gt 600 ]; do
	n=$((n + 1))
	sleep 0.1
done
kill -TERM $pid
status=0
wait $pid || status=$?
ok "an interrupted run is status 130" test $status -eq 130
ok "it says how to go on" says interrupted "kernel/get stock"
ok "it left no kernel" test -z "$(ls -A "$kernels")"

fake make 'exit 1'
ok "a kernel that no module can be built against is status 1" run 1 stock
ok "and does not enter the cache" test -z "$(ls -A "$kernels")"
no_fakes
downloads=$(grep -c downloading "$tmp/err" || :)

"$get" stock >"$tmp/out1" 2>"$tmp/err1" &
one=$!
"$get" stock >"$tmp/out2" 2>"$tmp/err2" &
two=$!
s1=0
s2=0
wait $one || s1=$?
wait $two || s2=$?
cat "$tmp/out1" "$tmp/out2" >"$tmp/out"
cat "$tmp/err1" "$tmp/err2" >"$tmp/err"
ok "two runs at once both succeed" test "$s1$s2" = 00
ok "they print the same directory" cmp -s "$tmp/out1" "$tmp/out2"
ok "only one did the work" test "$(grep -c unpacking "$tmp/err")" -eq 1
ok "nothing was downloaded twice" \
	test $((downloads + $(grep -c downloading "$tmp/err" || :))) -eq 1
ok "what the dead run left is gone" test -z "$(ls -A "$XDG_CACHE_HOME/kshram/work")"

# --- what it provides --------------------------------------------------------

dir=$(cat "$tmp/out1")
ok "one line is printed, a directory" test -d "$dir"
for f in bzImage config release vermagic modules.list cmdline memory build/Makefile; do
	ok "it holds $f" test -f "$dir/$f"
done
ok "every module listed is there" sh -c \
	'while read -r m; do [ -f "$1/$m" ] || exit 1; done <"$1/modules.list"' sh "$dir"
ok "vermagic begins with the release" grep -q "^$(cat "$dir/release") " "$dir/vermagic"

fake apt-get 'exit 1'
fake apt-cache 'exit 1'
fake dpkg-deb 'exit 1'
ok "the second time nothing but the cache is needed" run 0 stock
ok "and the answer is the same" cmp -s "$tmp/out" "$tmp/out1"
ok "--cached finds it" run 0 --cached stock
ok "and says nothing else" test ! -s "$tmp/err"
no_fakes

mv "$dir" "$XDG_CACHE_HOME/else where"
mkdir "$tmp/moved"
mv "$XDG_CACHE_HOME/else where" "$tmp/moved/stock"
mkdir "$tmp/m"
echo 'obj-m := m.o' >"$tmp/m/Makefile"
printf '#include <linux/module.h>\nMODULE_LICENSE("GPL");\nMODULE_DESCRIPTION("m");\n' >"$tmp/m/m.c"
ok "its build tree works wherever it is moved to" sh -c \
	'make -C "$1/build" M="$2" modules >"$3" 2>&1' sh "$tmp/moved/stock" "$tmp/m" "$tmp/err"
PATH=$real_path

# --- a source of our own, built ------------------------------------------------

# built_enough: so many files are compiled, or the build has ended.
built_enough()
{
	n=0
	until [ "$(grep -c '^ *CC ' "$XDG_CACHE_HOME/kshram/log/lab.log" 2>/dev/null || :)" -gt 200 ] 2>/dev/null; do
		kill -0 "$1" 2>/dev/null && [ $n -lt 6000 ] || return 1
		n=$((n + 1))
		sleep 0.2
	done
}

# loads DIRECTORY: our module, built against that kernel, loads in it.
loads()
{
	# In one directory, as kernel/kbuild has them.
	cp module/* include/kshram.h "$tmp/ours"
	make -C "$1/build" M="$tmp/ours" modules >"$tmp/err" 2>&1 &&
		build/bin/kshram-vm --kernel "$1" --add "$tmp/ours/kshram.ko:/kshram.ko" -- \
			sh -c 'insmod /kshram.ko && cat /proc/kshram && rmmod kshram' >"$tmp/out" 2>&1 &&
		grep -q '^07: 4096' "$tmp/out"
}

if [ "${SOAK:-0}" = 1 ]; then
	mkdir "$tmp/ours"
	deb=$(find "$outer/downloads" -name 'linux-source-6.1_*.deb' | head -n 1)
	dpkg-deb --fsys-tarfile "$deb" | tar -xO ./usr/src/linux-source-6.1.tar.xz >"$tmp/own.tar.xz"
	export KERNEL_SOURCE="$tmp/own.tar.xz"
	"$get" lab >"$tmp/out" 2>"$tmp/err" &
	pid=$!
	ok "a tarball of our own is built" built_enough $pid
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	ok "an interrupted build is status 130" test $status -eq 130
	ok "and left no kernel" sh -c '! ls -d "$1"/lab-own* 2>/dev/null' sh "$kernels"
	ok "the next run ends it" run 0 lab
	ok "and began where the first one stopped" says "going on with an interrupted build"
	ok "our module loads in it" loads "$(cat "$tmp/out")"
	unset KERNEL_SOURCE
fi

echo "1..$count"
[ $failed -eq 0 ]
