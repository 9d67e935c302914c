#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# In a chroot there are no user namespaces, and bwrap blames the kernel's configuration
#
# Programs: bubblewrap 0.8.0-2+deb12u1, util-linux 2.38.1-5+deb12u3 (bookworm), bubblewrap
#   0.12.0-1~deb13u1, util-linux 2.41.5-0+deb13u1 (trixie).
# Guess: where an ordinary user may make user namespaces, that user may do so in a chroot of the
#   same system, too; and when bwrap says "the kernel does not allow non-privileged user
#   namespaces", a sysctl is to be changed.
# Really: no process that is chrooted can make one, whatever the sysctls say: EPERM. The same
#   tree entered with pivot_root in a mount namespace has them.
# Why: create_user_ns() in kernel/user_namespace.c asks current_chrooted(), because a new
#   namespace would give the capability to leave the chroot (user_namespaces(7), EPERM).
# Matters to: whoever tests a sandbox in the root that debootstrap or mmdebstrap made. Enter it
#   with pivot_root, or with a container manager, which does so.
#
# Seen on 2026-11-29:
#   bookworm: bwrap as user 1000, after pivot_root: works
#   bookworm: bwrap as user 1000, in a chroot: kernel does not allow non-privileged user namespaces
#   bookworm: unshare --user as user 1000, in a chroot: Operation not permitted
#   trixie: bwrap as user 1000, after pivot_root: works
#   trixie: bwrap as user 1000, in a chroot: kernel does not allow non-privileged user namespaces
#   trixie: unshare --user as user 1000, in a chroot: Operation not permitted

# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

need_root
need chroot
install bookworm bookworm bubblewrap=0.8.0-2+deb12u1 util-linux=2.38.1-5+deb12u3 coreutils
install trixie trixie bubblewrap=0.12.0-1~deb13u1 util-linux=2.41.5-0+deb13u1 coreutils

# end COMMAND...: print how it ends, with the sentence that bwrap or unshare gave.
end()
{
	if "$@" >"$work/out" 2>&1; then
		echo works
	else
		sed -n -e 's/.*\(kernel does not allow non-privileged user namespaces\).*/\1/p' \
			-e 's/.*: \(Operation not permitted\)$/\1/p' "$work/out"
	fi
}

# chrooted ROOT COMMAND...: as inside, by chroot and as user 1000.
chrooted()
{
	tree=$work/$1
	shift
	unshare --mount --propagation private sh -c '
		mount --rbind /proc "$1/proc" && mount --rbind /dev "$1/dev" || exit 126
		root=$1
		shift
		exec chroot --userspec=1000:1000 "$root" "$@"' sh "$tree" "$@"
}

user="chroot --userspec=1000:1000 /"
for root in bookworm trixie; do
	# shellcheck disable=SC2086 # a command and its arguments
	pivoted=$(end inside "$root" $user bwrap --bind / / --dev /dev true)
	[ "$pivoted" = works ] || cannot "users can make no user namespaces here: $(cat "$work/out")"
	saw "$root: bwrap as user 1000, after pivot_root" works "$pivoted"
	saw "$root: bwrap as user 1000, in a chroot" \
		"kernel does not allow non-privileged user namespaces" \
		"$(end chrooted "$root" bwrap --bind / / --dev /dev true)"
	saw "$root: unshare --user as user 1000, in a chroot" "Operation not permitted" \
		"$(end chrooted "$root" unshare --user true)"
done
conclude
