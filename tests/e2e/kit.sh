#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The development kit, used as a student uses it: unpacked in an empty folder
# elsewhere, with a PATH that has nothing in it but the tools lab.md names.
set -eu

cd "$(dirname "$0")/../.."
. tests/lib/make.sh
top=$PWD
tmp=$(mktemp -d)
qemu_pid=
# shellcheck disable=SC2317 # the trap calls it
cleanup() {
	[ -z "$qemu_pid" ] || kill "$qemu_pid" 2>/dev/null || :
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

. tests/lib/tap.sh

# --- the student's machine --------------------------------------------------

mkdir "$tmp/tools" "$tmp/home" "$tmp/empty" "$tmp/temp"
for tool in sh bash gcc cc as ld ar nm objcopy objdump readelf strip make bzip2 cpio tar \
	qemu-system-x86_64 awk sed grep find xargs cat cp mv rm ln mkdir rmdir mktemp touch \
	chmod cmp diff sort uniq cut head tail tr wc expr uname sleep kill ls printf echo test \
	true false dirname basename pwd env id date od seq tee readlink realpath stat which install \
	x86_64-linux-gnu-gcc x86_64-linux-gnu-ld x86_64-linux-gnu-ar x86_64-linux-gnu-nm \
	x86_64-linux-gnu-objcopy x86_64-linux-gnu-objdump x86_64-linux-gnu-readelf \
	x86_64-linux-gnu-strip; do
	if path=$(command -v "$tool") && [ -e "$path" ]; then
		ln -s "$path" "$tmp/tools/$tool"
	elif [ -e "/usr/bin/$tool" ]; then
		ln -s "/usr/bin/$tool" "$tmp/tools/$tool"
	fi
done

# student COMMAND... - run it in the kit's folder, with that PATH and nothing else.
student() {
	(cd "$kit" && exec env -i PATH="$tmp/tools" HOME="$tmp/home" TMPDIR="$tmp/temp" "$@")
}

# status N COMMAND... - the command ends with that status.
status() {
	want=$1
	shift
	got=0
	"$@" || got=$?
	[ "$got" = "$want" ] || {
		echo "exit status $got, expected $want"
		return 1
	}
}

# has OUTPUT PATTERN... - OUTPUT (of which the echo of what was typed is part) has each.
has() {
	file=$1
	shift
	cat "$file"
	for pattern; do
		grep -Eq -e "$pattern" "$file" || {
			echo "expected: $pattern"
			return 1
		}
	done
}

# console COMMANDS SHELL-COMMAND - boot with the shell command, type COMMANDS at the
# prompt; all output in $tmp/console. Fails unless the machine ends by itself.
console() {
	# What an earlier machine said must not be taken for this one's answer.
	rm -f "$tmp/in" "$tmp/console"
	mkfifo "$tmp/in"
	: >"$tmp/console"
	student sh -c "exec $2" <"$tmp/in" >"$tmp/console" 2>&1 &
	qemu_pid=$!
	exec 3>"$tmp/in"
	waited=0
	# What is typed before the machine reads is lost, all or the start of it: the
	# serial port is reset when its driver starts. An answer shows that it reads.
	until grep -q '^ready42' "$tmp/console"; do
		if [ "$waited" -ge 90 ] || ! kill -0 "$qemu_pid" 2>/dev/null; then
			break
		fi
		if grep -q 'kit:/# ' "$tmp/console"; then
			printf 'echo ready$((6 * 7))\n' >&3
		fi
		sleep 1
		waited=$((waited + 1))
	done
	printf '%s\n' "$1" >&3
	while [ "$waited" -lt 120 ] && kill -0 "$qemu_pid" 2>/dev/null; do
		sleep 1
		waited=$((waited + 1))
	done
	exec 3>&-
	ended=0
	if kill -KILL "$qemu_pid" 2>/dev/null; then
		ended=1
		echo "the machine did not end by itself"
	fi
	wait "$qemu_pid" || :
	qemu_pid=
	LC_ALL=C tr -cd '\n -~' <"$tmp/console" >"$tmp/console.txt"
	return $ended
}

# --- the archive -----------------------------------------------------------

version=$(sed -n 's/^VERSION[ \t]*:= *//p' Makefile)
archive=$top/build/kshram-kit-$version.tar.bz2
make_alone kit >"$tmp/make" 2>&1 || {
	sed 's/^/# /' "$tmp/make"
	echo "Bail out! make kit failed"
	exit 1
}
kernel=$(kernel/get lab)
kit=$tmp/empty/kshram-kit-$version

one_folder() {
	bzip2 -dc "$archive" | tar -t >"$tmp/list"
	! grep -v "^kshram-kit-$version/" "$tmp/list"
}

no_place() {
	# Neither where it was built nor who built it.
	! grep -rlF -e "$top" -e "$HOME/" "$kit/"
}

same_bytes() {
	lab/kit/pack.sh "$kernel" "$version" build/guest build/kit "$tmp/again.tar.bz2" &&
		cmp "$archive" "$tmp/again.tar.bz2" && rm "$tmp/again.tar.bz2"
}

# As students name their folders; tried with the sample and with the skeleton.
blanks() {
	rm -rf "$tmp/My Lab"
	mkdir "$tmp/My Lab"
	cp -Rp "$kit" "$tmp/My Lab/the kit"
	for room in hellomod kshram; do
		(cd "$tmp/My Lab/the kit/$room" && rm -f ./*.ko &&
			env -i PATH="$tmp/tools" HOME="$tmp/home" TMPDIR="$tmp/temp" make &&
			[ -s "$room.ko" ]) || return
	done
	rm -rf "$tmp/My Lab"
}

contents() {
	for file in README.md VERSION lab.md bzImage rootfs.cpio.bz2 qemu.sh try.sh \
		linux/Makefile linux/Module.symvers hellomod/hellomod.c hellomod/Makefile \
		kshram/kshram.c kshram/kshram.h kshram/Makefile checks/Makefile \
		checks/check_msg.c checks/check_resize.c checks/check_fork.c checks/steps.c \
		checks/check_msg checks/check_resize checks/check_fork \
		submit/Makefile submit/pow.h submit/solve.c submit/kshram-submit.c \
		submit/kshram-submit submit/kshram-pow; do
		[ -s "$kit/$file" ] || {
			echo "missing: $file"
			return 1
		}
	done
	cmp include/kshram.h "$kit/kshram/kshram.h"
}

no_solution() {
	# Only the comments may name them.
	gcc -fpreprocessed -dD -E "$kit/kshram/kshram.c" >"$tmp/skeleton.c" 2>/dev/null
	[ -s "$tmp/skeleton.c" ] &&
		! grep -E 'alloc|remap|copy_|device_create|class_|cdev|kfree|proc_create' "$tmp/skeleton.c"
}

check "the archive has one folder" one_folder
check "it unpacks" tar -xjf "$archive" -C "$tmp/empty"
check "it holds what it should" contents
check "packing it again gives the same bytes" same_bytes
check "it names no place of the machine that built it" no_place
check "the skeleton holds no solution" no_solution

# --- building --------------------------------------------------------------

# solves PROGRAM: a puzzle, and the hash is what was asked for.
solves() {
	answer=$(student "$1" kit 4) && echo "$answer" &&
		printf 'kit%s' "$answer" | sha1sum | grep '^0000'
}

clients() {
	solves submit/kshram-pow && cp "$kit/submit/kshram-submit" "$tmp/static" || return 1
	if ldd "$kit/submit/kshram-pow" || ldd "$kit/submit/kshram-submit"; then
		echo "they need libraries"
		return 1
	fi
	student make -C submit clean all >"$tmp/out" 2>&1 || {
		cat "$tmp/out"
		return 1
	}
	! grep -i warning "$tmp/out" && solves submit/kshram-pow || return 1
	for program in "$tmp/static" submit/kshram-submit; do
		status 3 student "$program" 127.0.0.1:1 VERSION >"$tmp/out" 2>&1 &&
			has "$tmp/out" 'cannot connect to 127.0.0.1, port 1' || return 1
	done
}

check "the clients run, also when they are built anew" clients

# What the course wrote for 6.2.6: a class with an owner, a const devnode.
course() {
	mkdir "$kit/course" || return 1
	cat >"$kit/course/course.c" <<'END'
#include <linux/device.h>
#include <linux/module.h>

static struct class *class;

static char *course_devnode(const struct device *dev, umode_t *mode)
{
	if (mode)
		*mode = 0666;
	return NULL;
}

static int __init course_init(void)
{
	class = class_create(THIS_MODULE, "course");
	if (IS_ERR(class))
		return PTR_ERR(class);
	class->devnode = course_devnode;
	return 0;
}

static void __exit course_exit(void)
{
	class_destroy(class);
}

static struct class table __maybe_unused = { .name = "course", .devnode = course_devnode };

module_init(course_init);
module_exit(course_exit);
MODULE_LICENSE("GPL");
END
	printf 'obj-m := course.o\nall:\n\tmake -C ../linux M=%s modules\n' "\$(CURDIR)" \
		>"$kit/course/Makefile"
	student make -C course && [ -s "$kit/course/course.ko" ]
}

line_numbers() {
	readelf -S "$kit/kshram/kshram.ko" | grep -q '\.debug_line'
}

right_module() {
	cp tests/good/plain.c "$kit/kshram/kshram.c" &&
		cp module/compat.h "$kit/kshram/" &&
		student make -C kshram 2>"$tmp/warnings" &&
		! grep warning: "$tmp/warnings"
}

build_checks() {
	student make -C checks clean all && [ -x "$kit/checks/check_msg" ]
}

check "both build in a folder whose name has blanks" blanks
check "hellomod builds" student make -C hellomod
check "the skeleton builds" student make -C kshram
check "modules carry line numbers" line_numbers
check "source written for 6.2.6 builds" course
check "the check programs build" build_checks

# --- running ---------------------------------------------------------------

accelerator() {
	student sh ./qemu.sh --accel >"$tmp/accel" || return 1
	cat "$tmp/accel"
	grep -Eqx 'kvm|hvf|tcg' "$tmp/accel"
}

# A QEMU and a uname(1) of our own stand in for a Mac.
fake_mac() {
	fake=$tmp/fake
	mkdir -p "$fake" || return 1
	cat >"$fake/uname" <<'END'
#!/bin/sh
[ "$1" = -s ] && echo Darwin || echo Darwin fake 1 x86_64
END
	cat >"$fake/qemu-system-x86_64" <<'END'
#!/bin/sh
case $* in
*--version*) cat "$0.version" ;;
"-accel help") printf 'Accelerators supported in QEMU binary:\nhvf\ntcg\n' ;;
*kit.probe*)
	echo probed >>"$0.probes"
	for word; do
		case $word in
		file:*) cat "$0.console" >"${word#file:}" ;;
		esac
	done
	;;
esac
END
	chmod 755 "$fake/uname" "$fake/qemu-system-x86_64"
	: >"$fake/qemu-system-x86_64.probes"
	rm -f "$kit/.accel"
}

# mac VERSION CONSOLE - which accelerator, when QEMU is that version and boots with that
mac() {
	echo "$1" >"$fake/qemu-system-x86_64.version"
	echo "$2" >"$fake/qemu-system-x86_64.console"
	(cd "$kit" && exec env -i PATH="$fake:$tmp/tools" TMPDIR="$tmp/temp" sh ./qemu.sh --accel)
}

accel_probed() {
	fake_mac || return 1
	[ "$(mac 1 'kernel stuck')" = tcg ] || return 1
	# Known now: what it would answer to another question does not matter.
	[ "$(mac 1 'kshram-kit: this accelerator boots')" = tcg ] || return 1
	[ "$(mac 2 'kshram-kit: this accelerator boots')" = hvf ] || return 1
	[ "$(mac 2 'kernel stuck')" = hvf ] || return 1
	probes=$(grep -c probed "$fake/qemu-system-x86_64.probes")
	rm -f "$kit/.accel"
	echo "$probes probes, expected 2"
	[ "$probes" = 2 ] && [ -z "$(ls "$tmp/temp")" ]
}

skeleton_fails() {
	status 1 student sh ./try.sh >"$tmp/out" 2>&1 &&
		has "$tmp/out" '^ok +1 ' '^ok +2 ' '^FAILED +3 ' 'kshram0 is not there' 'try\.log'
}

all_pass() {
	status 0 student sh ./try.sh >"$tmp/out" 2>&1 &&
		has "$tmp/out" '^ok +1 ' '^ok +2 ' '^ok +8 ' '^All of it passed' &&
		[ "$(grep -c '^ok ' "$tmp/out")" = 8 ]
}

named_module() {
	student mv hellomod/hellomod.ko hellomod/elsewhere.ko
	status 0 student sh ./try.sh kshram/kshram.ko >"$tmp/out" 2>&1
	got=$?
	student mv hellomod/elsewhere.ko hellomod/hellomod.ko
	[ "$got" = 0 ] && has "$tmp/out" 'item 2 was left out'
}

oops_shown() {
	cp "$kit/kshram/kshram.ko" "$tmp/right.ko"
	sed 's/^\tmutex_lock(&slot->lock);$/\tslot = NULL;\n&/' tests/good/plain.c >"$kit/kshram/kshram.c"
	student make -C kshram >/dev/null || return 1
	status 1 student sh ./try.sh >"$tmp/out" 2>&1
	got=$?
	cp "$tmp/right.ko" "$kit/kshram/kshram.ko"
	cp tests/good/plain.c "$kit/kshram/kshram.c"
	[ "$got" = 0 ] && has "$tmp/out" '^FAILED +5 ' 'the machine crashed' ' plain_[a-z]+\+0x.*\[kshram\]'
}

time_out() {
	status 1 student env LIMIT=1 sh ./try.sh >"$tmp/out" 2>&1 ||
		status 2 student env LIMIT=1 sh ./try.sh >"$tmp/out" 2>&1
}

no_module() {
	status 2 student sh ./try.sh kshram/nothing.ko >"$tmp/out" 2>&1 &&
		has "$tmp/out" 'cannot read kshram/nothing.ko' 'make -C kshram'
}

no_qemu() {
	status 2 student env QEMU=no-such-qemu sh ./qemu.sh >"$tmp/out" 2>&1 &&
		has "$tmp/out" 'cannot find no-such-qemu' 'qemu-system-x86'
}

interrupted() {
	cat >"$tmp/qemu" <<END
#!/bin/sh
case \$* in *kit.try*) echo \$\$ >"$tmp/qemu.pid" ;; esac
exec qemu-system-x86_64 "\$@"
END
	chmod 755 "$tmp/qemu"
	rm -f "$tmp/qemu.pid"
	(cd "$kit" && exec env -i PATH="$tmp/tools" TMPDIR="$tmp/temp" QEMU="$tmp/qemu" \
		sh ./try.sh) >"$tmp/out" 2>&1 &
	pid=$!
	waited=0
	until [ -s "$tmp/qemu.pid" ] || [ "$waited" -ge 60 ]; do
		sleep 1
		waited=$((waited + 1))
	done
	kill -TERM "$pid"
	got=0
	wait "$pid" || got=$?
	echo "exit status $got"
	waited=0
	while kill -0 "$(cat "$tmp/qemu.pid")" && [ "$waited" -lt 20 ]; do
		sleep 1
		waited=$((waited + 1))
	done
	[ "$got" = 143 ] && [ "$waited" -lt 20 ] && [ -z "$(ls "$tmp/temp")" ]
}

shell() {
	console "uname -r; echo sum \$((40 + 2)); nproc; free -m; poweroff" 'sh ./qemu.sh' &&
		has "$tmp/console.txt" "^$(cat "$kernel/release")" '^sum 42' '^2$'
}

# The fenced commands of a section, in the order in which they stand.
by_hand() {
	sed -n '/^## The root file system by hand/,/^## /p' "$kit/lab.md" |
		awk '/^```$/ { on = 0 } on; /^```sh$/ { on = 1 }' >"$tmp/by-hand"
	grep -v qemu.sh "$tmp/by-hand" >"$tmp/pack"
	grep qemu.sh "$tmp/by-hand" >"$tmp/boot"
	cat "$tmp/by-hand"
	student sh -e "$tmp/pack" || return 1
	# "exec" cannot stand before an assignment.
	console 'insmod /kshram.ko && check_msg && cat /proc/kshram && check_msg; poweroff' \
		"env $(cat "$tmp/boot")" &&
		has "$tmp/console.txt" '^found: no message' '^stored: ' '^07: 4096' &&
		[ "$(grep -c '^stored: ' "$tmp/console.txt")" = 2 ]
}

check "qemu.sh says which accelerator works" accelerator
check "the skeleton fails the checks" skeleton_fails
check "a right module builds without a warning" right_module
check "it passes all of the checks" all_pass
check "a module that is named, without hellomod" named_module
check "a crash is shown with its place" oops_shown
check "try.sh gives up after its limit" time_out
check "try.sh without the module says what to do" no_module
check "qemu.sh without QEMU says what to install" no_qemu
check "a try that is stopped leaves nothing" interrupted
check "qemu.sh boots to a shell with two processors" shell
check "the root file system by hand, as lab.md has it" by_hand
check "an accelerator is probed once, and again when QEMU changes" accel_probed

# --- cross-building ---------------------------------------------------------

cross() {
	student make -C hellomod clean && student make -C kshram clean || return 1
	for module in hellomod kshram; do
		student make -C "$module" ARCH=x86_64 CROSS_COMPILE=x86_64-linux-gnu- || return 1
	done
	[ -s "$kit/kshram/kshram.ko" ]
}

# As on another processor: none of the programs that came with the tree can run.
without_host_tools() {
	find "$kit/linux/scripts" "$kit/linux/tools" -type f -perm -u+x >"$tmp/programs"
	removed=0
	while IFS= read -r program; do
		[ "$(head -c 4 "$program" | tr -cd 'ELF')" = ELF ] || continue
		rm "$program"
		removed=$((removed + 1))
	done <"$tmp/programs"
	echo "removed $removed programs"
	[ "$removed" -gt 2 ] || return 1
	grep -o 'make -C linux -f .*' "$kit/lab.md" >"$tmp/rebuild"
	student sh -e "$tmp/rebuild" && cross
}

check "cross-building with a prefix" cross
check "cross-building after the tree's own programs were compiled again" without_host_tools
check "what was cross-built passes all of the checks" all_pass

echo "1..$count"
[ "$failed" = 0 ]
