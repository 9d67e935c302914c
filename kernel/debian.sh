# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2034,SC2154 # variables are shared with kernel/get
#
# Packages of any Debian suite, without root and without touching the system's
# own apt: a private configuration under the cache, on the mirror that this
# system already uses, with signatures checked by the keys it already trusts.

# debian_targets: "SUITE URL" of each archive in the system's own apt configuration.
# apt 3 tells them only after an apt-get update.
debian_targets()
{
	# shellcheck disable=SC2016 # apt-get expands these
	apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		grep -v ' cdrom:' || :
}

# debian_host_suite: the suite of the release that runs here. OS_RELEASE names another
# file for tests.
debian_host_suite()
{
	ID=
	VERSION_CODENAME=
	PRETTY_NAME=
	os_release=${OS_RELEASE:-/etc/os-release}
	# shellcheck source=/dev/null
	[ ! -r "$os_release" ] || . "$os_release"
	# Ubuntu's and others' suites are not Debian's.
	if [ "$ID" != debian ]; then
		echo bookworm
		return
	fi
	# Unstable bears the codename of testing, with "/sid" behind it, and so does testing
	# before its release. Only apt's configuration tells which it is.
	case $PRETTY_NAME in
	*/sid*)
		if [ -z "$VERSION_CODENAME" ] || debian_targets | grep -qE '^(sid|unstable) '; then
			VERSION_CODENAME=sid
		fi
		;;
	esac
	echo "${VERSION_CODENAME:-sid}"
}

# version_file: where the chosen version of $package is written down. A package that is
# taken from the running release is another one after an upgrade to the next.
version_file()
{
	printf '%s/versions/%s%s' "$cache" "$(printf '%s' "$package" | tr '*' 'x')" \
		"${host_suite:+.$host_suite}"
}

# version_recorded: set real_package and version to what was chosen before, or to
# nothing. So a kernel that is there is found without the network, and a new
# upload to Debian does not throw it away (--update does).
version_recorded()
{
	real_package=
	version=
	if [ -s "$(version_file)" ]; then
		read -r real_package version <"$(version_file)" || :
	fi
}

# debian_sources: print the sources.list for $suites. The address of the archive
# comes from the system's own apt configuration; none is written down here.
debian_sources()
{
	main=${DEBIAN_MIRROR:-}
	security=${DEBIAN_SECURITY_MIRROR:-}
	if [ -z "$main" ] || [ -z "$security" ]; then
		targets=$(debian_targets)
		pattern='^(bullseye|bookworm|trixie|forky|sid|(old)*stable|testing|unstable)'
		[ -n "$main" ] || main=$(printf '%s\n' "$targets" |
			grep -E "$pattern(-updates|-backports)? .*debian/?\$" |
			head -n 1 | cut -d' ' -f2)
		[ -n "$security" ] || security=$(printf '%s\n' "$targets" |
			grep -E "$pattern(-security|/updates) " | head -n 1 | cut -d' ' -f2)
	fi
	[ -n "$main" ] || return 1
	# A mirror that has no security archive beside it costs the newest version only.
	[ -n "$security" ] || security=${main%/}-security
	signed=
	if [ -r /usr/share/keyrings/debian-archive-keyring.gpg ]; then
		signed='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] '
	fi
	for suite in $(printf '%s' "$suites" | tr ',' ' '); do
		case $suite in
		*-security) echo "deb $signed$security $suite main" ;;
		*) echo "deb $signed$main $suite main" ;;
		esac
	done
}

# debian_host: this machine's architecture, for apt's configuration, where it is not amd64:
# the programs that build modules run on it.
debian_host()
{
	case $(uname -m) in
	aarch64) echo '"arm64";' ;;
	esac
}

# debian_open: write the private configuration for $suites, export APT_CONFIG.
debian_open()
{
	apt=$cache/apt
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/conf"
	# One file for each name: another run may be reading other suites.
	debian_sources >"$apt/conf/$name.list" ||
		die "this system's apt knows no Debian archive, from which the kernel comes;" \
			"run apt-get update, or set DEBIAN_MIRROR to the URL of one"
	: >"$apt/status"
	cat >"$apt/conf/$name.conf" <<-EOF
	Dir::State "$apt";
	Dir::State::lists "$apt/lists";
	Dir::State::status "$apt/status";
	Dir::Cache "$apt/cache";
	Dir::Etc::SourceList "$apt/conf/$name.list";
	Dir::Etc::SourceParts "/dev/null";
	Dir::Etc::Preferences "/dev/null";
	Dir::Etc::PreferencesParts "/dev/null";
	APT::Architecture "amd64";
	APT::Architectures { "amd64"; $(debian_host) };
	APT::Default-Release "";
	APT::Sandbox::User "root";
	APT::Get::List-Cleanup "false";
	Acquire::Languages "none";
	Acquire::Retries "3";
	EOF
	# The caches of the parsed lists depend on the suites: keep none.
	cat >>"$apt/conf/$name.conf" <<-'EOF'
	Dir::Cache::pkgcache "";
	Dir::Cache::srcpkgcache "";
	EOF
}

# apt_private COMMAND ARGS...: one apt program on the private configuration.
apt_private()
{
	APT_CONFIG=$cache/apt/conf/$name.conf "$@"
}

# debian_update: fetch the lists of $suites. A suite that fails is told of; whether
# that matters shows when the package is looked for.
debian_update()
{
	say "$name: reading the package lists of $(printf '%s' "$suites" | sed 's/,/, /g')"
	(
		# apt's own lock fails at once where we want to wait.
		flock 8
		apt_private apt-get -qq update 8>&-
	) 8>"$cache/lock/.apt" >"$cache/log/apt-$name.log" 2>&1 ||
		grep -E '^[EW]:' "$cache/log/apt-$name.log" >&2 || :
}

# debian_resolve: choose the newest version of $package that $suites have, and
# set real_package and version. A version whose package is still in downloads/ is
# kept, so that several kernels built from one source stay the same version.
debian_resolve()
{
	if [ -z "$update" ] && [ -n "$version" ] && debian_downloaded "$real_package" "$version"; then
		return
	fi
	command -v apt-get >/dev/null || die "apt-get is missing: kernel/get needs a Debian system," \
		"or for lab and debug a KERNEL_SOURCE"
	debian_open
	debian_update
	case $package in
	*\**)
		regex=$(printf '%s' "$package" | sed -e 's/\./\\./g' -e 's/\*/[0-9.]+/')
		candidates=$(apt_private apt-cache search --names-only "^$regex\$" | cut -d' ' -f1)
		;;
	*)
		candidates=$package
		;;
	esac
	best=
	for candidate in $candidates; do
		# Release candidates are no kernels that anybody runs.
		line=$(apt_private apt-cache madison "$candidate" 2>/dev/null |
			awk -F' *[|] *' '$3 ~ / Packages$/ && $2 !~ /~rc/ { sub(/^ */, "", $1); print $2, $1 }' |
			sort -V | tail -n 1)
		best=$(printf '%s\n%s\n' "$best" "$line" | sort -V | tail -n 1)
	done
	[ -n "$best" ] || die "the package $package is in none of the suites" \
		"$(printf '%s' "$suites" | sed 's/,/, /g') of this system's mirror;" \
		"set DEBIAN_MIRROR to an archive that has it (apt's log: $cache/log/apt-$name.log)"
	version=${best%% *}
	real_package=${best##* }
	printf '%s %s\n' "$real_package" "$version" >"$(version_file).$$"
	mv "$(version_file).$$" "$(version_file)"
}

# debian_file PACKAGE VERSION: the path under which downloads/ keeps it.
debian_file()
{
	printf '%s/downloads/%s_%s.deb' "$cache" "$1" "$(printf '%s' "$2" | sed 's/:/%3a/')"
}

debian_downloaded()
{
	[ -f "$(debian_file "$1" "$2")" ]
}

# debian_download PACKAGE VERSION...: fetch packages into downloads/, whole or not at
# all (apt checks the hash), and go on with what an earlier run had begun.
debian_download()
{
	dir=$cache/downloads/$name.part
	want=
	while [ $# -gt 0 ]; do
		debian_downloaded "$1" "$2" || want="$want $1=$2"
		shift 2
	done
	[ -n "$want" ] || return 0
	mkdir -p "$dir"
	[ -f "$cache/apt/conf/$name.conf" ] || debian_open
	say "$name: downloading$want"
	quiet=-qq
	[ ! -t 2 ] || quiet=
	# shellcheck disable=SC2086 # options and packages are words
	(cd "$dir" && apt_private apt-get $quiet -o Dir::Cache::archives="$dir" download $want) >&2 ||
		die "$name: cannot download$want; is the network up? (nothing is lost: try again)"
	for pair in $want; do
		p=${pair%%=*}
		v=${pair#*=}
		set -- "$dir/${p%%:*}"_*.deb
		[ -f "$1" ] || die "$name: apt-get said it downloaded $p, but it is not in $dir"
		mv "$1" "$(debian_file "$p" "$v")"
	done
	rm -rf "$dir"
}

# debian_depends PACKAGE VERSION REGEX: the first dependency whose name matches.
debian_depends()
{
	apt_private apt-cache show "$1=$2" 2>/dev/null | sed -n 's/^Depends: //p' | head -n 1 |
		tr ',' '\n' | sed -e 's/^ *//' -e 's/[ (|:].*//' | grep -E "$3" | head -n 1
}
