#!/bin/sh
# SPDX-License-Identifier: MIT
#
# root.sh - a folder with Debian packages of another machine, unpacked and not installed: what
# is linked against for it, and programs that an emulator runs from there.
#
#	root.sh ARCHITECTURE FOLDER PACKAGE...
#
# The machine's own apt fetches them from the servers that it knows, with lists and states of
# its own below FOLDER: neither apt nor dpkg learns of another architecture. Done once for the
# same packages.

set -u
arch=$1
root=$2
shift 2
state=$root.apt

[ "$(cat "$state/done" 2>/dev/null)" = "$*" ] && exit 0
for tool in apt-get dpkg-deb; do
	command -v $tool >/dev/null || {
		echo "root.sh: there is no $tool: this is no Debian"
		exit 77
	}
done
rm -rf "$root" "$state"
mkdir -p "$root" "$state/lists/partial" "$state/archives/partial" || exit 99
: >"$state/status"

apt() # ARGUMENT...
{
	apt-get -q -y -o APT::Architecture="$arch" -o APT::Architectures="$arch" \
		-o Dir::State="$state" -o Dir::State::lists="$state/lists" \
		-o Dir::State::status="$state/status" -o Dir::Cache="$state" \
		-o Dir::Cache::archives="$state/archives" \
		-o APT::Install-Recommends=false -o Debug::NoLocking=true \
		-o APT::Sandbox::User= -o Acquire::Languages=none "$@" \
		>>"$state/log" 2>&1
}

# One list of several may be out of order for a while; the others will do
apt update
apt install --download-only "$@" || {
	tail -n 3 "$state/log"
	echo "is there a network? All of it is in $state/log"
	exit 77
}
for package in "$state"/archives/*.deb; do
	dpkg-deb -x "$package" "$root" || exit 99
done
rm -rf "$state/lists" "$state/archives"
echo "$*" >"$state/done"
