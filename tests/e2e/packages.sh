#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# packaging/install-packages on a made-up list, with made-up apt-get, apt-cache and
# dpkg-query: which packages it asks for, when it refreshes the lists, what it says. TAP.
set -eu
cd "$(dirname "$0")/../.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

. tests/lib/tap.sh
# Read by tap.sh.
# shellcheck disable=SC2034
also=$tmp/out

mkdir "$tmp/bin" "$tmp/packaging"
cp packaging/install-packages "$tmp/packaging/"
cat >"$tmp/packaging/packages" <<'END'
# GROUP PACKAGE
a plain
a new | old-14
b other
b plain
END

# fake NAME: a program of that name, from standard input.
fake() {
	{
		printf '#!/bin/sh\nstate=%s\n' "$tmp"
		cat
	} >"$tmp/bin/$1"
	chmod +x "$tmp/bin/$1"
}

# $tmp/installed, $tmp/lists (what the package lists have) and $tmp/archive (what they
# have after an update) hold one name a line.
fake dpkg-query <<'END'
for name; do :; done
grep -qx -- "$name" "$state/installed" && printf 'ii '
END
fake apt-cache <<'END'
candidate='(none)'
! grep -qx -- "$2" "$state/lists" || candidate=1.0
printf '%s:\n  Installed: (none)\n  Candidate: %s\n' "$2" "$candidate"
END
fake apt-get <<'END'
echo "$*" >>"$state/calls"
case $* in
*update*) cp "$state/archive" "$state/lists" && exit ;;
esac
words=$*
for name in ${words##*--no-install-recommends}; do
	grep -qx -- "$name" "$state/lists" || {
		echo "E: Unable to locate package $name"
		exit 100
	}
	echo "$name" >>"$state/installed"
done
END
fake id <<'END'
echo "${FAKE_UID:-0}"
END
fake sudo <<'END'
exit 1
END

# world INSTALLED LISTS ARCHIVE: each a list of names.
world() {
	# shellcheck disable=SC2086 # lists of names
	printf '%s\n' $1 >"$tmp/installed"
	# shellcheck disable=SC2086
	printf '%s\n' $2 >"$tmp/lists"
	# shellcheck disable=SC2086
	printf '%s\n' $3 >"$tmp/archive"
	: >"$tmp/calls"
}

# run GROUP...: the output in $tmp/out, the exit status in $status.
run() {
	status=0
	PATH=$tmp/bin:$PATH "$tmp/packaging/install-packages" "$@" >"$tmp/out" 2>&1 || status=$?
}

# installs NAMES: the last apt-get installed these and nothing else.
installs() {
	[ "$status" -eq 0 ] &&
		[ "$(tail -n 1 "$tmp/calls" | sed 's/.*--no-install-recommends *//')" = "$1" ]
}

quiet() {
	[ "$status" -eq 0 ] && [ ! -s "$tmp/calls" ] && [ ! -s "$tmp/out" ]
}

says() {
	grep -qF -- "$1" "$tmp/out"
}

all='plain new old-14 other'
world "plain new" "$all" "$all"
run a
check "nothing is asked for when all is installed" quiet
world "plain old-14" "$all" "$all"
run a
check "an installed alternative is enough" quiet
world "plain" "$all" "$all"
run a
check "the first alternative is taken when both can be had" installs new
world "plain" "plain old-14 other" "$all"
run a
check "the second alternative is taken where the first does not exist" installs old-14
check "and the package lists are not refreshed for that" test "$(grep -c . "$tmp/calls")" -eq 1
world "" "" "plain old-14 other"
run a
check "without package lists they are refreshed, and then the choice is made" installs "plain old-14"
world "new" "$all" "$all"
run a b
check "a package of two groups is asked for once" installs "plain other"
world "" "other" "other"
run a
check "what no list has is a failure" test "$status" -eq 1
check "that names the packages" says "could not install: plain new"
check "and has apt-get's own error" says "E: Unable to locate package plain"
world "" "plain old-14" "$all"
export FAKE_UID=1000
run a
check "without root it is status 2" test "$status" -eq 2
check "and the command to type has the alternative that exists" \
	says "sudo apt-get install -y --no-install-recommends plain old-14"
unset FAKE_UID
check "no name in the project's own list is malformed" \
	sh -c '! grep -v "^#" packaging/packages | grep -vE "^(demo|build|kernel|test)([[]!amd64[]])? [a-z0-9.+-]+( [|] [a-z0-9.+-]+)*$"'

echo "1..$count"
[ "$failed" = 0 ]
