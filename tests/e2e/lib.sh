#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# libkshram: its tests in a machine on both backings, and the examples built as
# a user builds them, from what `make install-lib` installs. TAP.
#
# Environment: KERNEL, the kernel's name (stock); ROUNDS, how often the racing
# tests repeat (400).
set -eu

cd "$(dirname "$0")/../.."
kernel=${KERNEL:-stock}
module=build/$kernel/kshram.ko
[ -e "$module" ] || { echo "Bail out! make module KERNEL=$kernel comes first"; exit 1; }
. tests/lib/make.sh
make_alone build/bin/kshram-vm build/guest/kshram-agent build/guest/libkshram_tests >&2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

. tests/lib/tap.sh

# --- what is installed -----------------------------------------------------

prefix=$tmp/usr
libdir=$prefix/lib/here
installed() {
	make_alone install-lib PREFIX="$prefix" LIBDIR="$libdir"
}
check 'make install-lib installs' installed

packaged() {
	make_alone install-lib DESTDIR="$tmp/package" LIBDIR=/usr/lib/there &&
		[ -f "$tmp/package/usr/include/libkshram.h" ] &&
		[ -f "$tmp/package/usr/lib/there/libkshram.so" ] &&
		[ "$(find "$tmp/package" -name 'libkshram.pc')" = "$tmp/package/usr/lib/there/pkgconfig/libkshram.pc" ] &&
		grep -qx 'libdir=/usr/lib/there' "$tmp/package/usr/lib/there/pkgconfig/libkshram.pc" &&
		! grep -rIq "$tmp" "$tmp/package"
}
check 'DESTDIR and LIBDIR are obeyed, and DESTDIR is written down nowhere' packaged

# PREFIX alone says where all of it goes.
prefixed() {
	make_alone install-lib DESTDIR="$tmp/staged" PREFIX=/opt &&
		[ -f "$tmp/staged/opt/lib/libkshram.so" ] &&
		[ -z "$(find "$tmp/staged" -type f ! -path "$tmp/staged/opt/*")" ] &&
		grep -qx 'libdir=/opt/lib' "$tmp/staged/opt/lib/pkgconfig/libkshram.pc"
}
check 'without LIBDIR the library is in lib below PREFIX' prefixed

# Compile as a user does, who has strict warnings and knows only pkg-config.
build() {
	language=$1
	shift
	# shellcheck disable=SC2046 # words
	"$language" -Wall -Wextra -Wpedantic -Werror "$@" \
		$(PKG_CONFIG_PATH=$libdir/pkgconfig pkg-config --cflags --libs libkshram)
}
example=lib/examples/producer_consumer.c
check 'the example builds against it' build "${CC:-gcc}" -D_GNU_SOURCE -o "$tmp/producer_consumer" "$example"
check 'and statically' build "${CC:-gcc}" -D_GNU_SOURCE -o "$tmp/static" "$example" -static

needed() {
	readelf -d "$tmp/producer_consumer" | grep -F 'Shared library: [libkshram.so.0]'
}
check 'it needs libkshram.so.0' needed

exports_calls_only() {
	sed -n 's/^int \(kshram_[a-z_]*\)(.*/\1/p; s/^void \(kshram_[a-z_]*\)(.*/\1/p' include/libkshram.h |
		sort >"$tmp/declared"
	nm -D --defined-only "$libdir/libkshram.so" | sed -n 's/.* T \([a-z_]*\)@.*/\1/p' | sort >"$tmp/exported"
	[ -s "$tmp/declared" ] && diff "$tmp/declared" "$tmp/exported"
}
check 'the library exports what the header declares' exports_calls_only

has_man_pages() {
	while read -r call; do
		grep -q "BI \".*$call(" "$prefix/share/man/man3/$call.3" || { echo "$call"; return 1; }
	done <"$tmp/declared"
}
check 'every call has a man page' has_man_pages

# --- in a machine ----------------------------------------------------------

# The example is linked with shared libraries, which the machine has not.
cat >"$tmp/run" <<'END'
#!/bin/sh
# Prints "=== NAME", what it said, and "=== status S".
export LD_LIBRARY_PATH=/lib/dynamic
run() {
	echo "=== $1"
	shift
	"$@" 2>&1
	echo "=== status $?"
}
pipe() {
	/producer_consumer produce /dev/kshram0 300 &
	/producer_consumer produce /dev/kshram0 300 &
	/producer_consumer consume /dev/kshram0 200 >/received.1 &
	first=$!
	/producer_consumer consume /dev/kshram0 400 >/received.2
	wait "$first"
	sort -u /received.1 /received.2 | wc -l
}
run absent /producer_consumer produce /dev/kshram0 1
run number /producer_consumer produce /dev/kshram0 many
for backing in kmalloc shmem; do
	insmod /kshram.ko backing=$backing
	run "$backing tests" /libkshram_tests "$1"
	# The tests leave there what they please.
	dd if=/dev/zero of=/dev/kshram0 bs=4096 count=1 2>/dev/null
	run "$backing pipe" pipe
	run "$backing namespaces" /two_namespaces.sh /producer_consumer 50
	rmmod kshram
	run "$backing gone" test ! -e /dev/kshram0
done
END
chmod +x "$tmp/run"
set -- --add "$tmp/run:/steps" --add "$module" --add build/guest/libkshram_tests \
	--add "$tmp/producer_consumer" --add lib/examples/two_namespaces.sh
LD_LIBRARY_PATH=$libdir ldd "$tmp/producer_consumer" >"$tmp/ldd"
while read -r name arrow path _; do
	case $name in
	# The loader has to be where the program says.
	/*) set -- "$@" --add "$(readlink -f "$name"):$name" ;;
	*) [ "$arrow" != '=>' ] || case $path in
		/*) set -- "$@" --add "$(readlink -f "$path"):/lib/dynamic/$name" ;;
		esac ;;
	esac
done <"$tmp/ldd"

booted() {
	build/bin/kshram-vm --saved --kernel "$kernel" --cpus 2 --timeout "${ROUNDS:+3}600" "$@" \
		-- /steps "${ROUNDS:-400}" >"$tmp/said"
}
check 'the machine runs to its end' booted "$@"

# part NAME: what it said, without its status.
part() {
	sed -n "/^=== $1\$/,/^=== status/p" "$tmp/said" | sed '1d;$d'
}
# gave STATUS NAME [TEXT]: it ended with this status and said TEXT, a whole line.
gave() {
	part "$2"
	sed -n "/^=== $2\$/,/^=== status/p" "$tmp/said" | grep -qx "=== status $1" || return 1
	[ $# -lt 3 ] || part "$2" | grep -qxF -e "$3"
}

check 'without the module the example says what is missing' gave 1 absent \
	'producer_consumer: /dev/kshram0: No such file or directory'
check 'a wrong number is refused' gave 2 number \
	"producer_consumer: 'many' is no number of messages"

# The guest's tests, counted on; one that did not report has failed.
guest_tests() {
	part "$1 tests" >"$tmp/part"
	planned=$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' "$tmp/part")
	seen=0
	while IFS= read -r line; do
		case $line in
		'ok '* | 'not ok '*)
			seen=$((seen + 1))
			count=$((count + 1))
			verdict=${line%%[0-9]*}
			[ "$verdict" = 'ok ' ] || failed=$((failed + 1))
			echo "$verdict$count - $1: ${line#* - }"
			;;
		1..*) ;;
		*) echo "# ${line#\# }" ;;
		esac
	done <"$tmp/part"
	check "$1: all tests have reported" [ "${planned:-none}" = "$seen" ]
}

for backing in kmalloc shmem; do
	guest_tests "$backing"
	check "$backing: they end as they say" gave 0 "$backing tests"
	check "$backing: two producers, two consumers: each message once" gave 0 "$backing pipe" 600
	check "$backing: two containers share a slot by its node" gave 0 "$backing namespaces"
	messages=$(part "$backing namespaces" | grep -c '^message [0-9]* of process' || :)
	check "$backing: every message has come through" [ "$messages" -eq 50 ]
	check "$backing: the module can be unloaded afterwards" gave 0 "$backing gone"
done

echo "1..$count"
[ "$failed" -eq 0 ]
