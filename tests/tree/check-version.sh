#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-version.sh - lib/quern.h has the version, and all that names one names that: what is
# built, what firmware includes, and files whose format wants it in digits. NEWS and
# debian/changelog begin with it, at the same date.

set -u
: "${srcdir:?run by make check}" "${builddir:?run by make check}"
. "$srcdir/tests/tap.sh"
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

version=$(sed -n 's/^#define QN_VERSION_[A-Z]* \([0-9]*\)$/\1/p' "$srcdir/lib/quern.h" |
	paste -s -d .)

# What a file says last, or a command
said=
explain()
{
	echo "# it says '$said', lib/quern.h $version"
}

is() # TITLE WHAT IT SAYS
{
	said=$2
	ok "$1" [ "$said" = "$version" ]
}

# The version behind a pattern's begin, in the file's first line that has it
behind() # FILE PATTERN
{
	sed -n "s/^$2\\([0-9][0-9.]*\\).*/\\1/p" "$srcdir/$1" | head -n 1
}

# The version of the package quern in a file of cargo
of_crate() # FILE
{
	awk -F'"' '/^name = /  { name = $2 }
		/^version = / && name == "quern" { print $2; exit }' "$srcdir/$1"
}

# Three numbers, or all that is read from it is as empty
said=$version
echo "$version" | grep -qxE '[0-9]+\.[0-9]+\.[0-9]+'
ok "lib/quern.h has three numbers" $?

for file in Cargo.toml Cargo.lock bench/rust/Cargo.lock tests/rust/firmware/Cargo.lock; do
	is "$file" "$(of_crate $file)"
done
is "debian/control, what the crate provides" "$(sed -n \
	's/^ librust-quern-\([0-9]*\.[0-9]*\)-dev .*/\1/p' "$srcdir/debian/control").${version##*.}"
is library.json "$(behind library.json '  "version": "')"
is "NEWS begins with it" "$(sed -n '1s/^quern \([0-9.]*\),.*/\1/p' "$srcdir/NEWS")"
is "debian/changelog begins with it" \
	"$(sed -n '1s/^quern (\([0-9.]*\)-.*/\1/p' "$srcdir/debian/changelog")"
entry=$(sed -n 's/^ -- .*>  //p' "$srcdir/debian/changelog" | head -n 1)
said=$(sed -n '1s/^quern .*, //p' "$srcdir/NEWS")
ok "at the same date" [ "$said" = "$(date -u +%Y-%m-%d -d "$entry")" ]
# It is that of all files in the tarball: make finds none up to date that comes from the future
said=$entry
ok "which is past" [ "$(date +%s -d "$entry")" -le "$(date +%s)" ]

printf 'include %s/embedded/quern.mk\nit: ; @echo $(QUERN_VERSION)\n' "$srcdir" >"$tmp/Makefile"
is embedded/quern.mk "$(cd "$tmp" && env -u MAKEFLAGS ${MAKE:-make} -s QUERN="$srcdir" it)"

is configure "$(sed -n 's/^PACKAGE_VERSION = //p' "$builddir/Makefile")"
is quern.pc "$(sed -n 's/^Version: //p' "$builddir/quern.pc")"
is quern-heap.pc "$(sed -n 's/^Version: //p' "$builddir/quern-heap.pc")"
is quern-config-version.cmake "$(sed -n 's/^set(PACKAGE_VERSION \(.*\))/\1/p' \
	"$builddir/quern-config-version.cmake")"
if [ -x "$builddir/quern" ]; then
	is "quern --version" "$("$builddir/quern" --version | sed 's/^quern //')"
else
	skip "quern --version" "the command was not built"
fi

# It has no languages, so it needs no compiler; the libraries that it defines are not asked for
if command -v cmake >/dev/null; then
	cat >"$tmp/CMakeLists.txt" <<-END
		cmake_minimum_required(VERSION 3.13)
		project(version NONE)
		include($srcdir/embedded/quern.cmake)
		message(STATUS "is \${QUERN_VERSION}")
	END
	is embedded/quern.cmake "$(cmake -S "$tmp" -B "$tmp/build" 2>&1 |
		sed -n 's/^-- is //p')"
else
	skip embedded/quern.cmake "there is no cmake"
fi
finish
