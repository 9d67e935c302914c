#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The packages on a Debian, by tests/e2e/deb.sh in a machine. TAP. Below /debs:
# 1/ the packages, 2/ and 3/ the same of later versions, broken/ the module's with
# a source that does not compile, later than 2 and before 3. $VERSIONS are the four,
# in that order; with FULL=1 there is also an upgrade while nothing is loaded.
# shellcheck disable=SC2034 # conditions in quotes use them
set -u

if [ ! -e /var/lib/dpkg ]; then
	# In the machine's own file system: go into the Debian on the disk.
	mount -t ext4 /dev/vda /mnt
	for dir in proc sys dev; do
		mount --bind "/$dir" "/mnt/$dir"
	done
	for dir in run tmp; do
		mount -t tmpfs tmpfs "/mnt/$dir"
	done
	mkdir -p /mnt/debs
	cp -r /debs/. /mnt/debs
	# By its path: busybox would run its own.
	exec chroot /mnt /bin/sh /debs/guest.sh
fi

# shellcheck source=tests/lib/tap.sh
. /debs/tap.sh
tmp=$(mktemp -d)
# udev takes a machine whose first process has another root for a chroot.
SYSTEMD_IGNORE_CHROOT=1
DEBIAN_FRONTEND=noninteractive
LC_ALL=C
export SYSTEMD_IGNORE_CHROOT DEBIAN_FRONTEND LC_ALL
# shellcheck disable=SC2086 # a list
set -- $VERSIONS
first=$1 second=$2 broken=$3 third=$4
ko=/lib/modules/$(uname -r)/updates/dkms/kshram.ko

# all CONDITION...: each holds; says which does not.
all() {
	for condition; do
		eval "$condition" || { echo "does not hold: $condition"; return 1; }
	done
}

# install FILE...: as root would; what it said is in $tmp/said, how it ended in $status.
install() {
	status=0
	dpkg -i "$@" >"$tmp/said" 2>&1 || status=$?
	cat "$tmp/said" >&2
}

# said TEXT
said() {
	grep -qF -e "$1" "$tmp/said" || { cat "$tmp/said"; return 1; }
}

# state PACKAGE STATUS VERSION: what dpkg thinks of it.
state() {
	[ "$(dpkg-query -W -f '${db:Status-Abbrev}${Version}' "$1")" = "$2 $3" ] || {
		dpkg -l 'kshram*'
		return 1
	}
}

# dkms_has VERSION...: these and no others are installed for this kernel.
dkms_has() {
	dkms status kshram
	for expected; do
		dkms status "kshram/$expected" | grep -q ': installed' || return 1
	done
	[ "$(dkms status kshram | wc -l)" -eq $# ]
}

nodes() {
	udevadm settle || return 1
	stat -c '%G %a %n' /dev/kshram*
	[ "$(stat -c '%G %a' /dev/kshram* | sort | uniq -c | tr -s ' ')" = " $1" ]
}

# files: all there are, but those of the system's own book-keeping: dpkg's and
# depmod's databases, logs, the copies that useradd makes, the key of DKMS.
files() {
	find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /debs -o -path /tmp \
		-o -path /run -o -path /var/lib/dpkg -o -path /var/log -o -path /var/cache \
		-o -path '/etc/*-' -o -path '/lib/modules/*/modules.*' -o -path '/usr/lib/modules/*/modules.*' \
		-o -path '/var/lib/dkms/mok.*' \) -prune -o -print | sort
}

hash_of() {
	sha256sum <"$1"
}

files >"$tmp/before"
/lib/systemd/systemd-udevd --daemon

# ---- the first version ----

install /debs/1/*.deb
check 'installation' [ "$status" = 0 ]
check 'all four packages are installed' all 'state kshram-dkms ii $first' \
	'state kshram-tools ii $first' 'state libkshram0 ii $first' \
	'state libkshram-dev ii $first'
check 'DKMS has built the module and says how to load it' all 'dkms_has $first' \
	'said "modprobe kshram"' '[ "$(modinfo -n kshram)" = "$ko" ]'
check 'it is signed with the key of DKMS' \
	[ "$(modinfo -F signer kshram)" = 'DKMS module signing key' ]
check 'modprobe loads it' modprobe kshram
check 'its nodes are of the group kshram' nodes '8 kshram 660'
check 'kshram lists them' all 'kshram list >$tmp/list' 'cat $tmp/list' \
	'[ "$(grep -c "root:kshram */dev/kshram[0-7]\$" $tmp/list)" = 8 ]'
useradd -M -G kshram member
useradd -M stranger
check 'a member of the group uses them, others do not' all \
	'echo hello | setpriv --reuid member --init-groups kshram write 3' \
	'! echo hello | setpriv --reuid stranger --init-groups kshram write 3'
userdel member
userdel stranger
cp /debs/kshram.conf /etc/modprobe.d/kshram.conf
modprobe -r kshram && modprobe kshram
check 'options of /etc/modprobe.d are obeyed' nodes '3 kshram 660'
echo precious | kshram write 1

# ---- a later one, while it is loaded ----

install /debs/2/*.deb </dev/null
check 'upgrade while it is loaded' all '[ $status = 0 ]' 'state kshram-dkms ii $second' \
	'dkms_has $second' '[ ! -e /usr/src/kshram-$first ]'
check 'what is loaded goes on, with its contents, and one is told how to change' all \
	'said "modprobe -r kshram && modprobe kshram"' '[ "$(kshram read 1 --length 8)" = precious ]'
check 'a configuration that was changed is kept' cmp /debs/kshram.conf /etc/modprobe.d/kshram.conf

# ---- one that does not compile ----

before=$(hash_of "$ko")
install "/debs/broken/"*.deb
check 'a version that does not build: dpkg fails, and it is told why' all '[ $status != 0 ]' \
	'said "ERROR: version $broken does not build for Linux $(uname -r)"' \
	'said "#error broken"' 'said "The module of version $second stays installed"' 'state kshram-dkms iF $broken'
check "the compiler's words are where the message says" all \
	'said /var/log/kshram-dkms-build.log' 'grep -q "error: #error broken" /var/log/kshram-dkms-build.log'
check 'the module before it is still there, loaded and installed' all 'dkms_has $second' \
	'[ "$(hash_of $ko)" = "$before" ]' '[ "$(kshram read 1 --length 8)" = precious ]' \
	'modprobe -r kshram' 'modprobe kshram'
if [ "${FULL:-0}" = 1 ]; then
	modprobe -r kshram
	install /debs/3/*.deb
	check 'the next that builds, while nothing is loaded' all '[ $status = 0 ]' 'dkms_has $third' \
		'state kshram-dkms ii $third' 'modprobe kshram'
fi

# ---- away with it ----

dpkg -r libkshram-dev libkshram0 kshram-tools kshram-dkms >"$tmp/said" 2>&1
status=$?
cat "$tmp/said" >&2
check 'removal' all '[ $status = 0 ]' 'said "the module stays loaded"' '[ ! -e $ko ]' \
	'[ ! -e /var/lib/dkms/kshram ]' '! modinfo kshram' '[ -z "$(ls -d /usr/src/kshram*)" ]' \
	'[ ! -e /usr/lib/udev/rules.d/60-kshram.rules ]'
check 'configuration stays until it is purged' [ -e /etc/modprobe.d/kshram.conf ]
rmmod kshram
dpkg -P libkshram-dev libkshram0 kshram-tools kshram-dkms >"$tmp/said" 2>&1
status=$?
check 'purge, group and all' all '[ $status = 0 ]' '! getent group kshram'
files >"$tmp/after"
check 'nothing is left' diff "$tmp/before" "$tmp/after"

install /debs/broken/*.deb
check 'a first version that does not build leaves no module' all '[ $status != 0 ]' \
	'said "No module was installed"' '[ -z "$(dkms status kshram)" ]' '[ ! -e $ko ]'
check 'and is taken away again' all 'dpkg -P kshram-dkms' '[ ! -e /var/lib/dkms/kshram ]'

# ---- Secure Boot, as far as a machine without firmware goes ----

echo 1 >/sys/module/module/parameters/sig_enforce
check 'a kernel that wants signatures says what secure-boot.md says' all \
	'! insmod /debs/kshram.ko 2>$tmp/said' 'said "Key was rejected by service"'
udevadm control --exit
echo "1..$count"
exit "$failed"
