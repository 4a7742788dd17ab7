#!/bin/bash
# SPDX-License-Identifier: MIT
#
# deb.sh - make check-deb: Debian packages are the same to the bit when they are made twice;
# on a bare Debian 12 they can be installed, do their work, and leave nothing when they are
# purged.
#
#	deb.sh BUILD-FOLDER
#
# Needs root and debootstrap.

set -u
me=deb.sh
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=${1:?usage: deb.sh BUILD-FOLDER}
. "$top/tests/tap.sh"
. "$top/tests/snippet.sh"
. "$here/chroot.sh"

die()
{
	echo "$me: $*" >&2
	exit 1
}

sums()
{
	(cd "$build/deb" && sha256sum ./*.deb ./*.dsc ./*.tar.*)
}

make_twice()
{
	"$top/debian/build.sh" "$build" || return 1
	sums >"$build/sums.first"
	"$top/debian/build.sh" "$build" || return 1
	sums >"$build/sums.second"
	diff "$build/sums.first" "$build/sums.second"
}

installed()
{
	inside sh -c 'apt-get -qq install /tmp/quern-deb/*.deb' >/dev/null
}

serves()
{
	inside quern run --report=/tmp/report -- sh -c 'echo $((6 * 7))' &&
		grep -q '^HEAP' "$root/tmp/report"
}

links()
{
	cat >"$root/tmp/user.c" <<EOF
#include <quern.h>
int main(void)
{
	void *p = qn_malloc(100);

	qn_free(p);
	return !p;
}
EOF
	inside sh -c 'cd /tmp && gcc user.c $(pkg-config --cflags --libs quern) \
		-o user && ./user'
}

# README's program in C++, by a heap of its own
containers()
{
	readme=$top/README.md
	snippet c++ 1 >"$root/tmp/words.cc"
	inside sh -ec "cd /tmp && $(sed -n 's/^    \(g++ -std=c++17 .*\)/\1/p' "$readme")
		./words" | grep '^100 words'
}

# README's program in Rust, but by the version of the crate that is installed
crate()
{
	local version

	version=$(sed -n 's/^PACKAGE_VERSION = //p' "$build/Makefile")
	readme=$top/README.md
	mkdir -p "$root/tmp/crate/src" "$root/tmp/crate/.cargo"
	snippet rust 2 >"$root/tmp/crate/src/main.rs"
	snippet toml 3 | sed "s|path = \"path/to/quern\"|version = \"$version\"|" \
		>"$root/tmp/crate/Cargo.toml"
	printf '[source.%s]\n%s\n' crates-io 'replace-with = "debian"' \
		debian 'directory = "/usr/share/cargo/registry"' \
		>"$root/tmp/crate/.cargo/config.toml"
	inside sh -ec "cd /tmp/crate && cargo build -q --release --offline
		echo one two one | target/release/words" | grep '^2 words'
}

# An image of the user's own, by the archive's sources and the user's flags
firmware()
{
	inside sh -c 'cd /tmp && rm -rf image &&
		cp -r /usr/share/quern/embedded/examples/image image && cd image &&
		make QUERN=/usr/share/quern >log 2>&1 && ls ./*.elf ||
		{ tail log; exit 1; }'
}

plugin()
{
	inside sh -c 'cd /tmp && gcc -c -fplugin=$(echo \
		/usr/lib/*/quern/plugin/gcc/quern.so) user.c -o user.o &&
		quern hints user.o | grep -q 100'
}

purged()
{
	inside sh -c 'apt-get -qq purge libquern0 libquern-dev quern \
		quern-plugins quern-firmware librust-quern-dev' >/dev/null &&
		! inside sh -c 'find / -xdev -name "*quern*" ! -path "/tmp/*" \
			! -path "/proc/*" | grep .'
}

# Not those of Debian, which stay for the next time
make_root
inside apt-get -qq install --no-install-recommends gcc g++ libc6-dev pkg-config make \
	gcc-arm-none-eabi libnewlib-arm-none-eabi gcc-12-plugin-dev >/dev/null ||
	die "cannot install what packages are tried with"
ok "packages are made twice, the same to the bit" make_twice
rm -rf "$root/tmp/quern-deb" && mkdir -p "$root/tmp/quern-deb" &&
	cp "$build"/deb/*.deb "$root/tmp/quern-deb"
ok "they can be installed" installed
ok "quern run serves a program" serves
ok "a program is built by pkg-config and runs" links
ok "README's program in C++ is built by pkg-config and runs" containers
if inside apt-get -qq install --no-install-recommends cargo-web rustc-web >/dev/null; then
	ok "README's program in Rust is built from the installed crate" crate
else
	skip "README's program in Rust" "there is no cargo-web"
fi
ok "an image of one's own is built" firmware
ok "the plugin of GCC makes records, which quern hints prints" plugin
ok "a purge leaves nothing" purged
finish
