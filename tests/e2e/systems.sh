#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# tests/systems/run, in TAP: counts, limit, skip, interrupt and the table in
# docs/systems.md, with a program in place of the other system.
set -eu
cd "$(dirname "$0")/../.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
. tests/lib/tap.sh

# It writes into the tree: a tree of its own.
mkdir -p "$tmp/tree/tests" "$tmp/tree/docs"
cp -r kernel "$tmp/tree"
cp -r tests/systems "$tmp/tree/tests"
cp README.md "$tmp/tree"
cat >"$tmp/tree/docs/systems.md" <<'END'
before
<!-- begin: x -->
| Debian 12 (bookworm) | short | other row |
<!-- end -->
after
END
cat >"$tmp/root" <<'END'
#!/bin/sh
echo "$*" >>"$TMP_ARGUMENTS"
case " $* " in *' prepare '*) exit 0 ;; esac
[ -z "${SLEEP:-}" ] || exec sleep "$SLEEP"
[ "$STATUS" != 77 ] || {
	echo "tests/systems/root: no root here" >&2
	exit 77
}
printf '@system Debian GNU/Linux 13 (trixie)\n@QEMU 10.0.1\n@Linux 6.12.1\n2 skipped\n%s\n' "$COUNTS"
exit "$STATUS"
END
chmod 755 "$tmp/root"

# run STATUS COUNTS ARGUMENT...: with a system that answers so.
run() {
	STATUS=$1 COUNTS=$2
	shift 2
	export STATUS COUNTS
	status=0
	: >"$tmp/arguments"
	XDG_CACHE_HOME=$tmp/cache TMP_ARGUMENTS=$tmp/arguments KSHRAM_SYSTEMS_ROOT=$tmp/root \
		"$tmp/tree/tests/systems/run" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null || status=$?
	cat "$tmp/out" "$tmp/err" "$tmp/tree/docs/systems.md"
}

row='| Debian 13 (trixie) | short |'
recorded() {
	grep -F "$row" "$tmp/tree/docs/systems.md" | grep -F "$1" && [ "$(grep -cF "$row" "$tmp/tree/docs/systems.md")" -eq 1 ] &&
		[ "$(head -n 1 "$tmp/tree/docs/systems.md")" = before ] &&
		[ "$(tail -n 1 "$tmp/tree/docs/systems.md")" = after ] &&
		grep -q 'bookworm. | short | other row' "$tmp/tree/docs/systems.md"
}

passes() {
	run 0 '12 passed, 0 failed' --record short trixie
	[ "$status" -eq 0 ] && [ "$(tail -n 1 "$tmp/out")" = '12 passed, 0 failed' ] &&
		recorded '| 12 passed, 0 failed, 2 skipped, ' && recorded '| 6.12.1 | 10.0.1 | - |'
}
check 'a run is recorded with its counts and versions' passes

fails() {
	run 1 '11 passed, 1 failed' --record short trixie
	[ "$status" -eq 1 ] && recorded '| 11 passed, 1 failed, 2 skipped, '
}
check 'a later run takes the place of its row, and no other' fails

unrecorded() {
	run 0 '99 passed, 0 failed' short trixie
	[ "$status" -eq 0 ] && recorded '| 11 passed, 1 failed'
}
check 'without --record the table stays' unrecorded

lies() {
	run 0 'no counts' short trixie
	[ "$status" -eq 1 ] && [ "$(tail -n 1 "$tmp/out")" = '0 passed, 1 failed' ] || return 1
	run 3 '12 passed, 0 failed' short trixie
	[ "$status" -eq 1 ] && [ "$(tail -n 1 "$tmp/out")" = '0 passed, 1 failed' ]
}
check 'a run without counts, or with another status, failed' lies

skips() {
	run 77 '' short trixie
	[ "$status" -eq 77 ] && [ "$(tail -n 1 "$tmp/out")" = '0 passed, 0 failed' ] || return 1
	run 77 '' --tap short trixie
	[ "$status" -eq 0 ] && grep -qx 'ok 1 - short on trixie # SKIP no root here' "$tmp/out"
}
check 'a machine that cannot do it skips it, with the reason' skips

limited() {
	SLEEP=100 run 0 '12 passed, 0 failed' --limit 1 short trixie
	[ "$status" -eq 1 ] && grep -q '^FAILED  short on trixie: stopped after 1 s' "$tmp/out"
}
check 'a run is ended at its limit, and that is a failure' limited

packages() {
	run 0 '1 passed, 0 failed' readme sid || return 1
	[ "$(cat "$tmp/arguments")" = 'sid sh tests/systems/inside.sh readme' ] || return 1
	run 0 '1 passed, 0 failed' --committed all sid
	cat "$tmp/arguments"
	[ "$(grep -c -e '^--committed --packages demo build kernel test --cache .*/cache-sid sid ' "$tmp/arguments")" -eq 2 ]
}
check 'README is followed on a bare system, suites run on one with packages' packages

wrong() {
	run 0 '' "$@"
	[ "$status" -eq 2 ]
}
check 'wrong part' wrong half trixie
check 'no suite' wrong short

# The commands are those of README, in its order.
readme() {
	[ "$(readme_block 1)" = 'apt-get update && apt-get install -y make && make demo' ] &&
		[ "$(readme_block 2)" = 'make test' ] && [ -z "$(readme_block 3)" ]
}
readme_block() {
	sed -n '/^readme() {/,/^}/p' tests/systems/inside.sh >"$tmp/readme.sh"
	# shellcheck source=/dev/null
	(. "$tmp/readme.sh" && readme "$1")
}
check 'the commands are taken from README' readme

echo "1..$count"
[ "$failed" = 0 ]
