#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# kshram-vm as its users see it: what comes out, the exit status, and that
# nothing stays behind. TAP. $KERNEL names the kernel (default: stock).
set -eu
cd "$(dirname "$0")/../.."
. tests/lib/make.sh
make_alone build/bin/kshram-vm build/guest/kshram-agent >&2
vm=$PWD/build/bin/kshram-vm
dir=$(kernel/get "${KERNEL:-stock}")
tmp=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || :; rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir "$tmp/tmp" "$tmp/cache"
# Whatever it left in a directory for temporary files would be found there.
TMPDIR=$tmp/tmp
export TMPDIR

. tests/lib/tap.sh
. tests/lib/wait.sh
# Read by tap.sh.
# shellcheck disable=SC2034
also="$tmp/out $tmp/err"

# run [OPTION]...: run kshram-vm; what it said is in $tmp/out and $tmp/err.
run() {
	status=0
	"$vm" --kernel "$dir" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null || status=$?
}

# says FILE TEXT: TEXT stands in $tmp/FILE.
says() {
	grep -qF -e "$2" "$tmp/$1"
}

# ended STATUS [TEXT]: with this status, and TEXT among the errors.
ended() {
	[ "$status" -eq "$1" ] && { [ $# -lt 2 ] || says err "$2"; }
}

all() {
	for condition; do
		eval "$condition" || return 1
	done
}

# ---- without a machine ----

status=0
"$vm" --help >"$tmp/out" 2>"$tmp/err" || status=$?
check 'help' all 'ended 0' 'says out "usage: kshram-vm"' 'says out "exit status"'
status=0
"$vm" --version >"$tmp/out" 2>"$tmp/err" || status=$?
check 'version' all 'ended 0' 'grep -qx "kshram-vm [0-9.]*" "$tmp/out"'

# refused TEXT OPTION...: 125, and TEXT says why.
refused() {
	refused_text=$1
	shift
	run "$@" -- true
	check "refused: $*" ended 125 "$refused_text"
}

refused "--help" --nonsense
refused "give a number from 32" --memory lots
refused "give a number from 1 to 64" --cpus 0
refused "give a number from 0" --timeout -1
refused "give a number" --memory 128M
refused "/none: No such file or directory" --add "$tmp/none"
refused "no '.', '..'" --add "$tmp/out:/a/../b"
refused "mounts over /proc" --add "$tmp/out:/proc/x"
refused "'/x' cannot be both a directory (for $tmp/tmp) and a file or link (of $tmp/out)" \
	--add "$tmp/tmp:/x" --add "$tmp/out:/x"
refused "'/bin' cannot be both a directory (for /bin/busybox) and a file or link (of $tmp/out)" --add "$tmp/out:/bin"
refused "/none: No such file or directory" --disk "$tmp/none"
refused "holds no kernel" --kernel "$tmp/tmp"
refused "No such file or directory" --kernel "$tmp/none"
refused "its own words are above" --kernel no-such-kernel
refused "the kernel's arguments are" --append "$(printf '%03000d' 0)"
run --console "$tmp/con"
check 'refused: a file for the console of a shell' ended 125 "needs a COMMAND"
dd if=/dev/zero of="$tmp/large" bs=1M count=50 2>/dev/null
run --memory 128 --add "$tmp/large" -- true
check 'refused: more files than memory' ended 125 "more memory"
rm "$tmp/large"

mkdir "$tmp/empty"
status=0
PATH=$tmp/empty KSHRAM_ACCEL=tcg "$vm" --kernel "$dir" -- true 2>"$tmp/err" || status=$?
check 'no QEMU: says what to install' ended 125 "apt-get install qemu-system-x86"

# A QEMU that says what it offers, but notes how it was called for a machine, and fails.
mkdir "$tmp/fake"
cat >"$tmp/fake/qemu-system-x86_64" <<END
#!/bin/sh
case \$* in *'-machine none'*) exec $(command -v qemu-system-x86_64) "\$@" ;; esac
echo "\$*" | grep -o 'accel [a-z]*' >>"$tmp/accelerators"
echo "qemu-system-x86_64: warning: made-up warning" >&2
echo "made-up failure" >&2
exit 1
END
chmod +x "$tmp/fake/qemu-system-x86_64"
fake() {
	status=0
	: >"$tmp/accelerators"
	env "$@" PATH="$tmp/fake:$PATH" XDG_CACHE_HOME="$tmp/cache" \
		"$vm" --kernel "$dir" -- true 2>"$tmp/err" || status=$?
	tr '\n' ' ' <"$tmp/accelerators" >"$tmp/out"
}

fake KSHRAM_ACCEL=tcg
check "QEMU's own words are passed on" ended 125 "made-up failure"
check "but no warnings of QEMU's" all '! says err "made-up warning"'
fake KSHRAM_ACCEL=kvm
check 'KSHRAM_ACCEL=kvm is obeyed' grep -qx 'accel kvm ' "$tmp/out"
if sh -c ': <>/dev/kvm' 2>/dev/null; then
	expected='accel kvm accel tcg '
else
	expected='accel tcg '
fi
fake KSHRAM_ACCEL=
check 'KVM is tried before it is relied on' grep -qx "$expected" "$tmp/out"
fake KSHRAM_ACCEL=
check 'and only once' grep -qx 'accel tcg ' "$tmp/out"

# A QEMU that does not even say what it offers, and says why.
cat >"$tmp/fake/qemu-system-x86_64" <<END
#!/bin/sh
echo "\$0: error while loading shared libraries: libmade-up.so" >&2
exit 127
END
fake KSHRAM_ACCEL=tcg
check "a QEMU that does not start: which, and its own words" all 'ended 125 "libmade-up.so"' \
	'says err "$tmp/fake/qemu-system-x86_64 does not start: "'
printf '#!/bin/sh\n:\n' >"$tmp/fake/qemu-system-x86_64"
fake KSHRAM_ACCEL=tcg
check "a program that is no QEMU is not taken for one" ended 125 'exit status 0): is this QEMU'
# What an earlier QEMU of that name offered says nothing about this one.
cat >"$tmp/fake/qemu-system-x86_64" <<END
#!/bin/sh
case \$* in *'-machine none'*)
	echo '{"QMP": {"version": {"qemu": {"major": 99, "minor": 1, "micro": 0}}}}'
	echo '{"id": 0, "return": [{"name": "fsrs"}]}'
	echo '{"id": 1, "return": [{"name": "monitor-qmp"}]}'
	echo '{"id": 2, "return": []}'
	exit ;;
esac
echo "\$*" | grep -oe '-cpu [^ ]*' -e '-object [^ ]*' -e '-mon ' >>"$tmp/accelerators"
exit 1
END
fake KSHRAM_ACCEL=tcg
check "a QEMU is given the options that it offers, and no others" \
	grep -qx -e '-cpu max,-fsrs -object monitor-qmp,id=monitor,chardev=qmp ' "$tmp/out"

# ---- a boot that makes no progress ----

# It takes 20 s of processor time to see, so the doctor is looked at meanwhile.
printf '#!/bin/busybox sh\nwhile :; do :; done\n' >"$tmp/spin"
chmod +x "$tmp/spin"
KSHRAM_ACCEL=tcg KSHRAM_AGENT="$tmp/spin" "$vm" --kernel "$dir" --timeout 3600 -- true \
	>"$tmp/stall.out" 2>"$tmp/stall.err" &
pid=$!

# ---- the doctor ----

# doctor [VARIABLE=VALUE]...: run it; what it says is in $tmp/out.
doctor() {
	status=0
	env XDG_CACHE_HOME="$tmp/cache" KSHRAM_ACCEL=tcg "$@" "$vm" --kernel "$dir" --doctor \
		>"$tmp/out" 2>"$tmp/err" || status=$?
}

# finds STATE NAME: so ended the check of that name.
finds() {
	grep -q "^$1  *$2 " "$tmp/out"
}

doctor LC_ALL=C
check 'the doctor finds a host on which machines run' all 'ended 0' 'finds ok qemu' \
	'finds ok cache' 'finds ok memory' 'finds ok accelerator' 'finds ok jail' \
	'finds ok machine' 'grep -qx "0 problems" "$tmp/out"'
check 'it says which QEMU that is' says out \
	"version $(qemu-system-x86_64 --version | sed -n 's/.*version \([0-9.]*\).*/\1/p')"
# All programs of this host but some.
without() {
	rm -rf "$tmp/others"
	mkdir "$tmp/others"
	for program in /usr/bin/*; do
		case " $* " in *" ${program##*/} "*) continue ;; esac
		ln -s "$program" "$tmp/others/"
	done
}
without qemu-system-x86_64
doctor PATH="$tmp/others"
check 'no QEMU: 1, and what to install' all 'ended 1' 'finds problem qemu' \
	'says out "apt-get install qemu-system-x86"'
without bwrap
doctor PATH="$tmp/others"
check 'no bubblewrap: 1, and what to install, but a machine runs' all 'ended 1' \
	'finds problem jail' 'says out "apt-get install bubblewrap"' 'finds ok machine'
doctor PATH="$tmp/fake:$PATH"
check 'a QEMU that runs no machine: 1' all 'ended 1' 'finds ok qemu' 'finds problem machine'
run --doctor -- true
check 'the doctor takes no command' ended 125 "without a COMMAND"
run --json -- true
check '--json is of the doctor' ended 125 "needs --doctor"
status=0
env XDG_CACHE_HOME="$tmp/cache" KSHRAM_ACCEL=tcg "$vm" --kernel debug --doctor --json \
	>"$tmp/out" 2>"$tmp/err" || status=$?
check 'as JSON, and a kernel that is not there is a note' all 'ended 0' \
	'[ "$(jq -r ".checks[] | select(.name == \"kernel\").state" "$tmp/out")" = note ]' \
	'[ "$(jq .problems "$tmp/out")" -eq 0 ]' '! says out "\"machine\""'

status=0
wait "$pid" || status=$?
pid=
cp "$tmp/stall.out" "$tmp/out"
cp "$tmp/stall.err" "$tmp/err"
check 'a boot that makes no progress is seen: 125, and which machine that is' all \
	'ended 125 "the boot makes no progress"' 'says err "accelerator tcg, -cpu max,-erms"' \
	'says err "kshram-vm --doctor"' \
	'says err "QEMU $(qemu-system-x86_64 --version | sed -n "s/.*version \([0-9.]*\).*/\1/p")"' \
	'says err "Linux $(cat "$dir/release")"'

# ---- one machine, many questions ----

mkdir -p "$tmp/tree/sub dir"
head -c 5000000 /dev/urandom >"$tmp/binary"
cp "$tmp/binary" "$tmp/tree/sub dir/data"
cat >"$tmp/script.sh" <<'END'
#!/bin/sh
echo "to stderr" >&2
cat /binary
{
	echo "cwd=$(pwd) term=$TERM home=$HOME"
	printf 'arg=<%s>\n' "$@"
	cmp /binary "/opt/tree/sub dir/data" && echo same
	stat -c 'mode=%a %n' /sub/script.sh /opt/tree/secret
	readlink /opt/tree/link
	wc -c </dev/stdin
	[ "$(id -u)" = 0 ] && echo root
} >&2
exit 3
END
chmod 755 "$tmp/script.sh"
echo secret >"$tmp/tree/secret"
chmod 600 "$tmp/tree/secret"
ln -s ../elsewhere "$tmp/tree/link"
TERM=vt220 run --add "$tmp/binary" --add "$tmp/tree/:/opt/" --add "$tmp/script.sh:/sub/" \
	--console "$tmp/con" -- /sub/script.sh 'two words' '' "quo'te\"\$x"
check "the command's exit status" ended 3
check 'standard output, binary, 5 MB' cmp "$tmp/binary" "$tmp/out"
check 'standard error, apart' says err 'to stderr'
check 'arguments are passed untouched' all 'says err "arg=<two words>"' 'says err "arg=<>"' \
	'grep -qF "arg=<quo'\''te\"\$x>" "$tmp/err"'
check 'directories are added whole' all 'says err same' 'says err ../elsewhere'
check 'modes are kept' all 'says err "mode=755 /sub/script.sh"' \
	'says err "mode=600 /opt/tree/secret"'
check 'working directory, TERM, HOME, root' all 'says err "cwd=/ term=vt220 home=/root"' \
	'says err root'
check 'standard input is empty' grep -qx 0 "$tmp/err"
check 'the console goes to its file' grep -aq 'Linux version' "$tmp/con"

run -- no-such-command
check 'not found: 127' ended 127 'no-such-command: No such file'
run -- /etc/passwd
check 'cannot be run: 126' ended 126 '/etc/passwd: Permission denied'
run -- sh -c 'kill -SEGV $$'
check 'killed by a signal: 128 and its number' ended 139
run -- sh -c 'sleep 100000 & echo done; exit 4'
check 'what it leaves running is not waited for' all 'ended 4' 'says out done'
run -- poweroff
check 'poweroff: 0' ended 0

run --icount --cpus 1 --memory 192 --append 'word=1 kshram_word' -- \
	sh -c 'nproc; grep -c kshram_word /proc/cmdline; awk "/MemTotal/ { print (\$2 < 196608) }" /proc/meminfo'
check '--icount, --cpus, --memory, --append' all 'ended 0' \
	'[ "$(tr -d "\n" <"$tmp/out")" = 111 ]'

# ---- disks ----

printf 'first' >"$tmp/disk,1"
printf 'other' >"$tmp/disk2"
truncate -s 1M "$tmp/disk,1" "$tmp/disk2"
run --disk "$tmp/disk,1" --disk "$tmp/disk2" -- \
	sh -c 'head -c 5 /dev/vda; head -c 5 /dev/vdb; printf written | dd of=/dev/vdb bs=1 seek=1000 conv=notrunc'
check 'disks are read, in order' all 'ended 0' 'says out firstother'
check 'what is written to them stays' \
	[ "$(dd if="$tmp/disk2" bs=1 skip=1000 count=7 2>/dev/null)" = written ]

# ---- ends ----

run -- sh -c 'echo before; echo c >/proc/sysrq-trigger; sleep 1000'
check 'a panic: 123, with the console' all 'ended 123' 'says out before' \
	'says err "sysrq triggered crash"' 'says err "while running sh"'

run --timeout 25 -- sleep 100000
check 'time-out: 124' ended 124 'stopped after 25 s while'

# A processor that works and does not get on is a lockup to the guest's kernel; here the host
# stops it. The time until a report is shortened from 22 s to 4.
"$vm" --kernel "$dir" --timeout 60 --append watchdog_thresh=2 -- \
	sh -c 'echo at work; while :; do :; done' >"$tmp/out" 2>"$tmp/err" </dev/null &
stopped=$!
check 'a machine is at work' within grep -q 'at work' "$tmp/out"
qemu=$(pgrep -P "$stopped" qemu)
kill -STOP "$qemu"
sleep 12
kill -CONT "$qemu"
status=0
wait "$stopped" || status=$?
# After the pause the kernel may run its watchdog's thread before it looks: no report then.
if [ "$status" = 124 ]; then
	count=$((count + 1))
	echo "ok $count - a lockup that the host caused is said to be that: 125 # SKIP the guest reported no lockup"
else
	check 'a lockup that the host caused is said to be that: 125' \
		all 'ended 125 "this host is too busy"' 'says err "soft lockup"'
fi

# More than the kernel holds of it for a reader that is late, byte by byte.
late_reader() {
	: >"$tmp/con"
	"$vm" --kernel "$dir" --console "$tmp/con" -- \
		sh -c 'stty -opost </dev/ttyS0; echo go >/dev/ttyS0; seq 30000 >/dev/ttyS0; echo end' >"$tmp/out" 2>"$tmp/err" &
	pid=$!
	within grep -aq '^go' "$tmp/con" && kill -STOP "$pid" && sleep 2 && kill -CONT "$pid" &&
		wait "$pid" || return 1
	pid=
	sed -n '/^go/,$p' "$tmp/con" | tr -d '\r' | grep -ax '[0-9]*' >"$tmp/numbers" || return 1
	seq 30000 | cmp - "$tmp/numbers" && says out end
}
check 'a reader of the console that is late misses nothing' late_reader

# An agent that is none: it fills the console, then speaks nonsense.
cat >"$tmp/agent" <<'END'
#!/bin/busybox sh
PATH=/bin
busybox mkdir -p /proc /sys /dev
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs devtmpfs /dev
while read -r ko; do busybox insmod "$ko"; done </lib/kshram/order
busybox dd if=/dev/zero bs=1k count=700 2>/dev/null | busybox tr '\000' 'x'
until busybox grep -q kshram.agent /sys/class/virtio-ports/*/name; do busybox usleep 10000; done
port=$(busybox grep -l kshram.agent /sys/class/virtio-ports/*/name)
port=${port%/name}
echo 'PASSED PASSED PASSED' >"/dev/${port##*/}"
busybox sleep 1000
END
chmod +x "$tmp/agent"
status=0
KSHRAM_AGENT=$tmp/agent "$vm" --kernel "$dir" --console "$tmp/con" -- true >"$tmp/out" \
	2>"$tmp/err" || status=$?
check 'an agent that speaks nonsense: 123' ended 123 'sent nonsense'
check 'and its flood of the console went through' \
	[ "$(tr -cd x <"$tmp/con" | wc -c)" -ge 716800 ]

# ends_by SIGNAL STATUS: no QEMU outlives it, whatever ends it.
ends_by() {
	# Before it starts: it may have made its own by the time we come to it.
	rm -f "$tmp/con"
	env --default-signal=INT,QUIT "$vm" --kernel "$dir" --console "$tmp/con" -- sleep 100000 \
		>"$tmp/out" 2>"$tmp/err" &
	pid=$!
	within grep -aqs 'Linux version' "$tmp/con" || return 1
	qemu=$(cat "/proc/$pid/task/$pid/children")
	qemu=${qemu% }
	grep -aq qemu "/proc/$qemu/cmdline" || return 1
	kill -s "$1" "$pid"
	status=0
	wait "$pid" 2>/dev/null || status=$?
	pid=
	[ "$status" -eq "$2" ] || return 1
	# It reaps QEMU itself, unless it had no chance to.
	if [ "$1" = KILL ]; then
		within gone "$qemu"
	else
		gone "$qemu"
	fi
}

check 'SIGTERM: no QEMU left' ends_by TERM 143
check 'Ctrl-C: no QEMU left' ends_by INT 130
check 'kill -9: no QEMU left' ends_by KILL 137

# ---- the shell ----

status=0
printf 'seq 2000; echo x$((6 * 7))x; exit 5\n' | "$vm" --kernel "$dir" >"$tmp/out" 2>"$tmp/err" || status=$?
check 'a shell that reads a pipe, to its last word' all 'ended 5' 'says out x42x'

# terminal COMMAND: run it on a terminal; what is typed there comes from 3.
mkfifo "$tmp/typed"
terminal() {
	: >"$tmp/out"
	script -qefc "$1" /dev/null <"$tmp/typed" >"$tmp/out" 2>"$tmp/err" &
	pid=$!
	exec 3>"$tmp/typed"
}

# type_after TEXT TYPED: once TEXT was printed, type TYPED.
type_after() {
	within says out "$1" || return 1
	printf '%b' "$2" >&3
}

close_terminal() {
	status=0
	exec 3>&-
	wait "$pid" || status=$?
	pid=
}

terminal "stty rows 33 cols 111; '$vm' --kernel '$dir'"
type_after '/ # ' 'stty size; tty; echo sl$((7 * 3)); sleep 100000\n' &&
	type_after 'sl21' '\003' &&
	type_after '^C' 'echo int$((6 * 7)); exit 7\n' || :
within says out int42 || :
close_terminal
check 'a shell on a terminal: its exit status' ended 7
check 'with job control, and the size of the terminal' all 'says out "33 111"' \
	'says out /dev/ttyS0' '! says out "job control turned off"' 'says out int42'

terminal "'$vm' --kernel '$dir'; s=\$?; stty -a; exit \$s"
type_after '/ # ' 'sleep 100000\n' && type_after 'sleep' '\035' || :
within says out icanon || :
close_terminal
check 'Ctrl-] ends it, and the terminal is as before' all 'ended 123' 'says out " icanon"' \
	'says out " echo "'

check 'nothing is left in the directory for temporary files' \
	[ -z "$(ls -A "$tmp/tmp")" ]
echo "1..$count"
[ "$failed" = 0 ]
