#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Rights on the nodes under a running udev, by tests/e2e/nodes.sh in a machine. TAP.
# shellcheck disable=SC2034 # conditions in quotes use them
set -u

# shellcheck source=tests/lib/tap.sh
. /tmp/nodes/tap.sh
tmp=/tmp
# udev takes a machine whose first process has another root for a chroot.
SYSTEMD_IGNORE_CHROOT=1
LC_ALL=C
export SYSTEMD_IGNORE_CHROOT LC_ALL
# The packages are unpacked and not configured.
cat >/etc/passwd <<'END'
root:x:0:0:root:/root:/bin/sh
ann:x:1001:1001::/:/bin/sh
bob:x:1002:1002::/:/bin/sh
END
cat >/etc/group <<'END'
root:x:0:
kshram:x:990:ann,bob
ann:x:1001:
bob:x:1002:
END

# all CONDITION...: each holds; says which does not.
all() {
	for condition; do
		eval "$condition" || { echo "does not hold: $condition"; return 1; }
	done
}

rights() {
	stat -c '%U:%G %a' "/dev/kshram$1"
}

# as USER COMMAND...: in that user's groups.
as() {
	user=$1
	shift
	setpriv --reuid "$user" --regid "$user" --init-groups "$@"
}

can_read() {
	as "$1" dd if="/dev/kshram$2" of=/dev/null bs=1 count=1 2>/dev/null
}

resize() {
	echo "$2" >"/sys/class/kshram/kshram$1/size"
}

# Everything that may come after a right was set.
events() {
	resize 3 8192 && resize 3 4096 && resize 4 4096 &&
		udevadm trigger && udevadm settle &&
		udevadm trigger --action=add --subsystem-match=kshram && udevadm settle &&
		udevadm control --reload && udevadm trigger --subsystem-match=kshram && udevadm settle &&
		echo change >/sys/class/kshram/kshram3/uevent && udevadm settle
}

# What an owner and an administrator set, and what is left of it after all these events.
stays() {
	chown ann:ann /dev/kshram3 && chmod 600 /dev/kshram3
	setfacl -m u:bob:r,m::rw /dev/kshram4
	chmod 666 /dev/kshram5
	events || return 1
	all '[ "$(rights 3)" = "ann:ann 600" ]' 'can_read ann 3' '! can_read bob 3' \
		'getfacl -c /dev/kshram4 2>/dev/null | grep -qx user:bob:r--' \
		'getfacl -c /dev/kshram4 2>/dev/null | grep -qx mask::rw-' \
		'[ "$(stat -c %a /dev/kshram5)" = 666 ]'
}

/lib/systemd/systemd-udevd --daemon

insmod /tmp/nodes/kshram.ko
udevadm settle
check 'without our rule: the mode of the parameter' [ "$(rights 0)" = 'root:root 600' ]
check 'without our rule: owner, mode and ACL stay' stays
rmmod kshram

cp /tmp/nodes/60-kshram.rules /lib/udev/rules.d/
udevadm control --reload
insmod /tmp/nodes/kshram.ko
udevadm settle
check 'with our rule: the nodes are of the group' all '[ "$(rights 0)" = "root:kshram 660" ]' \
	'[ "$(rights 7)" = "root:kshram 660" ]' 'can_read bob 7'
check 'systemd is told of them' all 'udevadm info /dev/kshram3 | grep -q "TAGS=.*:systemd:"' \
	'udevadm info /dev/kshram3 | grep -q "CURRENT_TAGS=.*:systemd:"'
check 'with our rule: owner, mode and ACL stay' stays
check 'and the tag for systemd stays' all 'udevadm info /dev/kshram3 | grep -q "CURRENT_TAGS=.*:systemd:"'
rmmod kshram
udevadm settle
insmod /tmp/nodes/kshram.ko
udevadm settle
check 'loaded anew, the nodes are as the rule says' all '[ "$(rights 3)" = "root:kshram 660" ]' \
	'[ "$(rights 5)" = "root:kshram 660" ]' '! getfacl -c /dev/kshram4 | grep -q bob'

cat >/etc/udev/rules.d/61-kshram.rules <<'END'
ACTION=="add", SUBSYSTEM=="kshram", KERNEL=="kshram2", OWNER="bob", MODE="0640"
END
rmmod kshram
udevadm control --reload
insmod /tmp/nodes/kshram.ko
udevadm settle
check "an administrator's rule has the last word" [ "$(rights 2)" = 'bob:kshram 640' ]
chmod 600 /dev/kshram2
check 'and undoes no chmod at a resize or a trigger' all 'resize 2 8192' 'udevadm trigger' \
	'udevadm settle' '[ "$(stat -c %a /dev/kshram2)" = 600 ]'

# A member of the group that resizes all slots in a loop.
(
	while :; do
		for n in 0 1 2 3 4 5 6 7; do
			resize "$n" 4096
		done
	done
) &
loop=$!
sleep 1
check 'resizing in a loop does not keep udev busy' udevadm settle --timeout=60
kill "$loop"
wait "$loop" 2>/dev/null

udevadm control --exit
rmmod kshram
echo "1..$count"
[ "$failed" = 0 ]
