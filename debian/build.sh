#!/bin/sh
# SPDX-License-Identifier: MIT
#
# build.sh - Debian packages from the tarball that make dist makes: make deb.
#
#	build.sh BUILD-FOLDER
#
# They lie in BUILD-FOLDER/deb afterwards, and what lintian says of them is printed. The
# tarball is the package's upstream source, so what is not in it is in no package.

set -u
me=build.sh
build=${1:?usage: build.sh BUILD-FOLDER}

die()
{
	echo "$me: $*" >&2
	exit 1
}

command -v dpkg-buildpackage >/dev/null ||
	die "no dpkg-buildpackage (Debian: apt-get install dpkg-dev debhelper)"
unset MAKEFLAGS MFLAGS MAKELEVEL
cd "$build" || exit
make -s dist || die "make dist failed"
version=$(sed -n 's/^PACKAGE_VERSION = //p' Makefile)
rm -rf deb && mkdir deb && cd deb || exit
mv "../quern-$version.tar.gz" "quern_$version.orig.tar.gz" &&
	tar xzf "quern_$version.orig.tar.gz" || exit
cd "quern-$version" || exit
if ! dpkg-checkbuilddeps 2>../lacking; then
	packages=$(sed -n 's/.*Unmet build dependencies: //p' ../lacking |
		sed 's/([^)]*)//g')
	die "packages are missing: apt-get install $packages"
fi
dpkg-buildpackage -us -uc >../build.log 2>&1 || {
	tail -n 20 ../build.log
	die "the build failed; all of it: $build/deb/build.log"
}
cd .. || exit
ls *.deb
if command -v lintian >/dev/null; then
	lintian --tag-display-limit 0 --allow-root --fail-on error *.changes || exit
else
	echo "no lintian, so nothing looked at them (Debian: apt-get install lintian)"
fi
