#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# dkms adds KERNELRELEASE= to a make command unless make is in quotes
#
# Programs: dkms 3.0.10-8+deb12u1 (bookworm), 3.2.2-1~deb13u1 (trixie).
# Guess: MAKE[0] in dkms.conf is the command that dkms runs.
# Really: when it begins with the word make, dkms runs make -jN KERNELRELEASE=VERSION and the
#   rest in its place. The usual Makefile of a module asks whether KERNELRELEASE is set to know
#   whether kbuild reads it, and so takes the half for kbuild, in which the target does not
#   exist, although the same command works by hand. With MAKE[0]="'make' ..." the command is
#   left alone.
# Why: dkms replaces a leading "make" in the text of the command; "'make'" does not match
#   (dkms(8), MAKE, tells of the quotes).
# Matters to: authors of DKMS packages whose module builds by hand and not through dkms.
#
# Seen on 2026-11-29:
#   bookworm: MAKE[0]="make all" is read: for kbuild
#   bookworm: MAKE[0]="'make' all" is read: by hand
#   trixie: MAKE[0]="make all" is read: for kbuild
#   trixie: MAKE[0]="'make' all" is read: by hand

# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

tools="bash coreutils findutils grep sed gawk tar gzip diffutils util-linux dash make kmod"
# shellcheck disable=SC2086 # names of packages
install bookworm bookworm dkms=3.0.10-8+deb12u1 $tools
# shellcheck disable=SC2086
install trixie trixie dkms=3.2.2-1~deb13u1 $tools
mkdir -p "$work/kernel/include/linux"
: >"$work/kernel/Makefile"
: >"$work/kernel/.config"

# read_as ROOT COMMAND: which half of the Makefile make reads for MAKE[0]="COMMAND". The
# target fails, so that dkms keeps its log and does not look for a module.
read_as()
{
	source=$work/$1/usr/src/demo-1.0
	mkdir -p "$source" "$work/$1/lib/modules/1.2.3"
	ln -sf dash "$work/$1/usr/bin/sh"
	echo 'ID=debian' >"$work/$1/etc/os-release"
	cat >"$source/Makefile" <<-'END'
	ifneq ($(KERNELRELEASE),)
	$(info half for kbuild)
	obj-m := demo.o
	else
	$(info half by hand)
	all: ; @false
	endif
	END
	cat >"$source/dkms.conf" <<-END
	PACKAGE_NAME=demo
	PACKAGE_VERSION=1.0
	BUILT_MODULE_NAME[0]=demo
	DEST_MODULE_LOCATION[0]=/updates
	MAKE[0]="$2"
	CLEAN="true"
	END
	rm -rf "$work/$1/var/lib/dkms"
	mkdir -p "$work/$1/var/lib/dkms"
	inside "$1" dkms build demo/1.0 -k 1.2.3 --kernelsourcedir "$work/kernel" --force \
		>"$work/dkms" 2>&1 || :
	log=$work/$1/var/lib/dkms/demo/1.0/build/make.log
	[ -f "$log" ] || cannot "dkms left no log: $(tail -n 1 "$work/dkms")"
	sed -n 's/^half //p' "$log"
}

for root in bookworm trixie; do
	saw "$root: MAKE[0]=\"make all\" is read" "for kbuild" "$(read_as "$root" "make all")"
	saw "$root: MAKE[0]=\"'make' all\" is read" "by hand" "$(read_as "$root" "'make' all")"
done
conclude
