#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# kshram-grade as a whole, in TAP: its options and exit statuses, what it prints
# where, and what it leaves behind. Scores are the business of good.sh and bad.sh,
# and so is advice but for our own module.
#
# Environment: KERNEL, the kernel's name (stock).
set -eu

cd "$(dirname "$0")/../.."
kernel=${KERNEL:-stock}
grader=build/bin/kshram-grade
module=build/$kernel/kshram.ko
tmp=$(mktemp -d)
pid=
clean() {
	[ -z "$pid" ] || kill "$pid" 2>/dev/null || :
	rm -rf "$tmp"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

. tests/lib/cases.sh
. tests/lib/tap.sh

# grade ARGUMENT... - run the grader; out, err and status are what came of it.
grade() {
	status=0
	"$grader" --no-advice "$@" >"$tmp/out" 2>"$tmp/err" </dev/null || status=$?
}

# gives STATUS FILE WORDS ARGUMENT... - with these arguments it ends with that
# status and the file (out or err) has these words.
gives() {
	want=$1 file=$2 words=$3
	shift 3
	grade "$@"
	cat "$tmp/out" "$tmp/err"
	echo "status $status"
	[ "$status" -eq "$want" ] && grep -q -- "$words" "$tmp/$file"
}

# one_error ARGUMENT... - status 2, one line on standard error, nothing else.
one_error() {
	gives 2 err '^kshram-grade: ' "$@" && [ ! -s "$tmp/out" ] &&
		[ "$(wc -l <"$tmp/err")" -eq 1 ]
}

for file in "$grader" "$module" "build/$kernel/hellomod.ko"; do
	[ -e "$file" ] || {
		echo "Bail out! $file is not there: type make all module KERNEL=$kernel"
		exit 1
	}
done

# --- arguments ---------------------------------------------------------------

check "--help goes to standard output" gives 0 out '^usage: kshram-grade' --help
check "--help names every exit status" grep -q '^Exit status: 0 for full marks, 1 for less, 2' \
	"$tmp/out"
check "--version" gives 0 out '^kshram-grade [0-9]' --version
check "no module: 2" one_error
check "two modules: 2" one_error "$module" "$module"
check "an option that is none: 2" gives 2 err 'kshram-grade --help' --colour "$module"
check "--timeout 0: 2" one_error --timeout 0 "$module"
check "--timeout -5: 2" one_error --timeout=-5 "$module"
check "--timeout 10x: 2" one_error --timeout 10x "$module"
check "--timeout beyond any number: 2" one_error --timeout 99999999999999999999 "$module"
check "a kernel that nobody knows: 2" gives 2 err "no-such" --kernel no-such "$module"
check "a kernel directory that is none: 2" one_error --kernel "$tmp/" --hello "$module" "$module"
check "--no-advice may be given twice, and undone" gives 0 out '^usage' --no-advice --advice --help
check "no such module: 2" gives 2 err "$tmp/none.ko: No such file" "$tmp/none.ko"
check "a directory: 2" gives 2 err 'not a file' "$tmp"
check "--log to where nothing can be written: 2" one_error --log "$tmp/none/log" "$module"
check "--hello that is not there: 2, and what to type" \
	gives 2 err "make module KERNEL=$kernel" --kernel "$kernel" --hello "$tmp/none.ko" "$module"
check "--hello may be any module that loads and unloads" \
	gives 0 out '100/100' --kernel "$kernel" --hello "$module" "$module"
check "--hello that is no module: 2" \
	gives 2 err 'not a kernel module' --kernel "$kernel" --hello "$0" "$module"

# --- the host lacks something --------------------------------------------------

# no_qemu - with all programs in PATH but QEMU.
no_qemu() {
	mkdir -p "$tmp/bin"
	for program in sh dirname basename readlink cat ls sed awk env uname flock cut tr head sort \
		mkdir rm find stat id nproc date grep test expr; do
		path=$(command -v "$program") && ln -sf "$path" "$tmp/bin/$program"
	done
	PATH=$tmp/bin gives 2 err 'qemu' --kernel "$(kernel/get --cached "$kernel")" \
		--hello "build/$kernel/hellomod.ko" "$module"
}
check "no QEMU: 2, and it says so" no_qemu

no_kernels() {
	# shellcheck disable=SC2016 # expanded when it runs
	printf '#!/bin/sh\n[ "$1" = --list ] && echo stock && exit\nexit 3\n' >"$tmp/get"
	chmod +x "$tmp/get"
	KSHRAM_KERNEL_GET=$tmp/get one_error "$module" && grep -q 'kernel/get stock' "$tmp/err"
}
check "no kernel: 2, and how to get one" no_kernels

other_kernel() {
	mkdir -p "$tmp/kernel"
	touch "$tmp/kernel/bzImage"
	echo '9.9.9 SMP' >"$tmp/kernel/vermagic"
	gives 2 err '9.9.9 SMP' --kernel "$tmp/kernel" --hello "build/$kernel/hellomod.ko" "$module"
}
check "a sample module for another kernel: 2, and for which" other_kernel

full_disk() {
	status=0
	"$grader" --kernel "$kernel" "$0" >/dev/full 2>"$tmp/err" || status=$?
	cat "$tmp/err"
	[ "$status" -eq 2 ] && grep -q 'cannot write' "$tmp/err"
}
check "the table cannot be written: 2" full_disk

check "the sample in place of the module: what it is" gives 1 out \
	'it is hellomod.ko, the sample: hand in your kshram.ko' --kernel "$kernel" "build/$kernel/hellomod.ko"
check "the sample: the points of items 1 and 2" grep -q '^score: 20/100' "$tmp/out"

# --- a whole run -----------------------------------------------------------------

check "our module, without --kernel: 0, score is the last line" \
	gives 0 out '^score: 100/100 ' --log "$tmp/log" "$module"
cp "$tmp/out" "$tmp/table"
last_is_score() {
	tail -n 1 "$tmp/table" | grep -q '^score: ' && ! [ -s "$tmp/err" ]
}
check "nothing on standard error, no colour, no progress" last_is_score
check "no escape sequences in a pipe" sh -c "! grep -q '$(printf '\033')' $tmp/table"
check "--log has the console" grep -q 'Linux version' "$tmp/log"
# Where none can be made or restored the grader boots one, and says so in a note only.
check "it took a saved machine: items 1 and 2 were done before" \
	test "$(grep -c ' passed (saved)$' "$tmp/table")" -eq 2
check "eight items in the table" test "$(grep -Ec '^ [1-8]  .* passed( \(saved\))?$' "$tmp/table")" -eq 8

# Of what a saved machine has behind it the time is older than the run.
check "--json --cold: 0" gives 0 out '"score": 100' --json --cold --kernel "$kernel" "$module"
cp "$tmp/out" "$tmp/json"
# json FILTER - what jq says of the answer is true.
json() {
	jq -e "$1" "$tmp/json"
}
check "JSON: one object with all that is documented" json \
	'[has("lab", "module", "name", "vermagic", "license", "kernel", "release", "accelerator", "limit",
	      "seconds", "score", "total", "items", "notes", "advice", "advised")] | all'
check "JSON: items in order, points add up to the score" json \
	'([.items[].number] == [range(1; 9)]) and ([.items[].points] | add) == .score and
	 ([.items[].max] == [10, 10, 10, 5, 20, 20, 20, 5]) and .total == 100'
check "JSON: an item takes time, all of them most of it" json \
	'([.items[].seconds] | min) > 0 and ([.items[].seconds] | add) <= .seconds + 0.1'

# Asked for on top of --no-advice, which gives is given.
check "our module: no advice, and nothing that was not looked at" \
	gives 0 out '"score": 100' --advice --json --kernel "$kernel" "$module"
cp "$tmp/out" "$tmp/advice"
check "JSON: there is none" jq -e '.advice == [] and .advised.missing == ""' "$tmp/advice"
titles() {
	jq -r '.items[].title' "$tmp/json" | while read -r title; do
		grep -qF "$title" "$tmp/table" || echo "not in the table: $title"
	done >"$tmp/missing"
	cat "$tmp/missing"
	[ ! -s "$tmp/missing" ]
}
check "JSON and table name the same items" titles
manual() {
	sed -n 's/^[1-8]  *\([0-9]*\)  .*/\1/p' docs/kshram-grade.1 | tr '\n' ' '
}
check "the manual page has the same points" test "$(manual)" = \
	"$(jq -r '[.items[].max] | map(tostring + " ") | add' "$tmp/json")"

# --- less than full marks ----------------------------------------------------------

echo 'not a module' >"$tmp/text.ko"
check "not a module: 1, 20 points, why" gives 1 out 'not a kernel module' --kernel "$kernel" \
	"$tmp/text.ko"
check "the score of that" grep -q '^score: 20/100 ' "$tmp/out"
check "the others are not reached" test "$(grep -c 'not reached$' "$tmp/out")" -eq 5
# Another release alone would not do: with the same checksums the kernel loads that.
sed 's/ mod_unload / mod_upload /' "$module" >"$tmp/vermagic.ko"
check "built for no kernel here: 1, and for which, and what is here" \
	gives 1 out '^score: 20/100 ' "$tmp/vermagic.ko"
check "both vermagics are said" sh -c "tr -s '\n ' ' ' <'$tmp/out' |
	grep -q 'built for the kernel \"[^\"]*mod_upload.*$kernel \"[0-9]'"

# --- time, terminals, signals ----------------------------------------------------------

mkdir "$tmp/never"
cat >"$tmp/never/qemu-system-x86_64" <<END
#!/bin/sh
case \$* in *'-machine none'*) exec $(command -v qemu-system-x86_64) "\$@" ;; esac
exec sleep 1000
END
chmod +x "$tmp/never/qemu-system-x86_64"
never_boots() (
	PATH=$tmp/never:$PATH
	gives 2 err 'stopped after 1 s while booting' --timeout 1 --cold --kernel "$kernel" "$module"
)
check "the limit passes while booting: 2, and how long it was" never_boots
check "then the score is 0" grep -q '^score: 0/100 ' "$tmp/out"

# on_terminal VARIABLE=VALUE... - a short run whose output is a terminal.
on_terminal() {
	env "$@" script -qec "$grader --cold --kernel $kernel $tmp/text.ko" /dev/null \
		</dev/null >"$tmp/out" 2>&1 || :
	grep -q 'score: ' "$tmp/out"
}
escape=$(printf '\033')
colours() {
	on_terminal NO_COLOR= && grep -q "$escape\\[1;31m" "$tmp/out" &&
		grep -q 'the virtual machine boots \.\.\.' "$tmp/out"
}
check "a terminal gets colour and progress" colours
no_colours() {
	on_terminal NO_COLOR=1 && ! grep -q "$escape\\[[0-9;]*m" "$tmp/out"
}
check "NO_COLOR is obeyed" no_colours

# machine_of PID - the process number of the QEMU that PID started.
machine_of() {
	tr ' ' '\n' <"/proc/$1/task/$1/children" | while read -r child; do
		case $(cat "/proc/$child/comm" 2>/dev/null) in qemu-system*) echo "$child" ;; esac
	done
}

# interrupt SIGNAL STATUS - during a run: the status, and no QEMU is left.
interrupt() {
	env --default-signal=INT "$grader" --no-advice --kernel "$kernel" "$module" >"$tmp/out" 2>"$tmp/err" &
	pid=$!
	tries=0
	while [ -z "$(machine_of "$pid")" ]; do
		tries=$((tries + 1))
		[ "$tries" -lt 300 ] || return 1
		sleep 0.1
	done
	machine=$(machine_of "$pid")
	kill -s "$1" "$pid"
	status=0
	wait "$pid" || status=$?
	pid=
	tries=0
	while [ -d "/proc/$machine" ]; do
		tries=$((tries + 1))
		[ "$tries" -lt 100 ] || return 1
		sleep 0.1
	done
	echo "status $status"
	[ "$status" -eq "$2" ]
}
check "Ctrl-C: 130, and no QEMU is left" interrupt INT 130
check "SIGTERM: 143, and no QEMU is left" interrupt TERM 143
check "even kill -9 leaves no QEMU" interrupt KILL 137

# --- the host ends the machine ---------------------------------------------------------

# While this one's init loops there is time to do so; it would end with 20 points.
looping=build/tests/grade/loop-$kernel/init_loop.ko
build_looping() {
	patched tests/bad/init_loop.patch build/tests/grade/src || return 1
	echo 'obj-m += init_loop.o' >build/tests/grade/src/Kbuild
	kernel/kbuild "$kernel" "${looping%/*}" build/tests/grade/src/init_loop.c \
		build/tests/grade/src/Kbuild module/compat.h include/kshram.h
}
check "a module that loops when it is loaded builds" build_looping

# host_kills SIGNAL WORDS - QEMU gets the signal while init loops: 2, no verdict, and why.
host_kills() {
	rm -f "$tmp/log"
	"$grader" --kernel "$kernel" --json --log "$tmp/log" "$looping" >"$tmp/out" 2>"$tmp/err" &
	pid=$!
	tries=0
	until grep -aq 'hellomod: unloaded' "$tmp/log" 2>/dev/null; do
		tries=$((tries + 1))
		[ "$tries" -lt 900 ] || return 1
		sleep 0.1
	done
	sleep 1
	kill -s "$1" "$(machine_of "$pid")"
	status=0
	wait "$pid" || status=$?
	pid=
	cat "$tmp/out" "$tmp/err"
	echo "status $status"
	[ "$status" -eq 2 ] && [ ! -s "$tmp/out" ] &&
		grep -q 'the host ended the virtual machine while loading the module' "$tmp/err" &&
		grep -q "$2" "$tmp/err"
}
check "kill -9 of QEMU: 2, no verdict, and it says so" host_kills KILL 'killed by signal 9'
check "SIGTERM, which QEMU obeys with status 0: the same" host_kills TERM 'terminating on signal 15'

# --- what is kept of the console -----------------------------------------------------------

# Says more than that, and only of mappings with an offset: to the advice.
telling=build/tests/grade/tell-$kernel/telling.ko
build_telling() {
	# shellcheck disable=SC2016 # a program
	sed -e 's|^static int plain_mmap|static int said;\n\n&|' \
		-e 's|^	if (vma->vm_pgoff.*|	while (vma->vm_pgoff \&\& said < 45000 \&\& !fatal_signal_pending(current))\n\t\tpr_emerg("kshram: a mapping from page %lu on, said for the %dth time, and not yet enough\\n", vma->vm_pgoff, ++said);\n&|' \
		tests/good/plain.c >"$tmp/telling.c"
	mkdir -p build/tests/grade/tell && grep -q 'said for' "$tmp/telling.c" || return 1
	cmp -s "$tmp/telling.c" build/tests/grade/tell/telling.c || cp "$tmp/telling.c" build/tests/grade/tell
	echo 'obj-m += telling.o' >build/tests/grade/tell/Kbuild
	kernel/kbuild "$kernel" "${telling%/*}" build/tests/grade/tell/telling.c \
		build/tests/grade/tell/Kbuild module/compat.h include/kshram.h
}
check "a module that tells the advice 4 MiB builds" build_telling
bounded() {
	gives 0 out '"score": 100' --json --advice --timeout 600 --kernel "$kernel" --log "$tmp/log" "$telling" ||
		return 1
	size=$(stat -c %s "$tmp/log")
	echo "$size bytes"
	[ "$size" -gt $((4 << 20)) ] && [ "$size" -le $(((4 << 20) + 100)) ] &&
		tail -n 1 "$tmp/log" | grep -q 'the copy of the console ends here'
}
check "--log keeps 4 MiB, of the advice's machines and the other together" bounded

echo "1..$count"
[ "$failed" -eq 0 ]
