#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Owner, group, mode and ACL of the nodes under udev: what somebody sets stays. TAP,
# from a machine for each release in $SUITES (default: bookworm, with udev 252).
#
# $KERNEL names the kernel (default: stock, which has ACLs on device nodes).
set -eu
cd "$(dirname "$0")/../.."
. tests/lib/make.sh
kernel=${KERNEL:-stock}
make_alone build/bin/kshram-vm build/guest/kshram-agent "modules-$kernel" >&2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

count=0
failed=0
for suite in ${SUITES:-bookworm}; do
	root=$(SUITE=$suite tests/lib/guest-root.sh acl coreutils grep kmod mount passwd sed udev util-linux) || {
		echo "Bail out! no root file system of $suite with udev; standard error says why"
		exit 1
	}
	cp --sparse=always --reflink=auto "$root/image" "$tmp/image"
	status=0
	build/bin/kshram-vm --kernel "$kernel" --memory 512 --cpus 1 --timeout 600 \
		--disk "$tmp/image" --add tests/e2e/nodes/guest.sh:/nodes/ --add tests/lib/tap.sh:/nodes/ \
		--add packaging/udev/60-kshram.rules:/nodes/ --add "build/$kernel/kshram.ko:/nodes/" \
		-- sh -c '
			set -e
			mkdir /root.d
			mount -t ext4 /dev/vda /root.d
			for dir in dev proc sys; do
				mount --bind "/$dir" "/root.d/$dir"
			done
			for dir in run tmp; do
				mount -t tmpfs tmpfs "/root.d/$dir"
			done
			cp -r /nodes /root.d/tmp/
			exec chroot /root.d /bin/sh /tmp/nodes/guest.sh
		' >"$tmp/tap" 2>"$tmp/err" </dev/null || status=$?
	cat "$tmp/err" >&2
	planned=0 seen=0
	while IFS= read -r line; do
		case $line in
		'ok '* | 'not ok '*)
			count=$((count + 1)) seen=$((seen + 1))
			case $line in not*) failed=$((failed + 1)) ;; esac
			echo "$line" | sed "s/ok [0-9]* - /ok $count - $suite: /"
			;;
		1..*) planned=${line#1..} ;;
		*) printf '%s\n' "$line" ;;
		esac
	done <"$tmp/tap"
	count=$((count + 1))
	if [ "$status:$seen" = "0:$planned" ] || { [ "$status" = 1 ] && [ "$seen" = "$planned" ]; }; then
		echo "ok $count - $suite: the machine ran all its tests"
	else
		failed=$((failed + 1))
		echo "not ok $count - $suite: the machine ran $seen of $planned tests, and ended with status $status"
	fi
done
echo "1..$count"
[ "$failed" = 0 ]
