#!/bin/bash
# SPDX-License-Identifier: MIT
#
# check-install.sh - make install puts everything where it belongs, below
# DESTDIR alone; a program finds quern by pkg-config, links it and runs on it;
# make uninstall leaves no file behind.

set -u
: "${srcdir:?run by make check}" "${builddir:?run by make check}"
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
unset MAKEFLAGS MFLAGS MAKELEVEL DESTDIR
. "$srcdir/tests/tap.sh"

explain()
{
	sed 's/^/#   /' "$tmp/log"
}

logged() # COMMAND...
{
	"$@" >"$tmp/log" 2>&1
}

root=$tmp/root
prefix=/opt/quern-test
lib=$root$prefix/lib
to=(DESTDIR="$root" prefix=$prefix exec_prefix=$prefix libdir=$prefix/lib
	includedir=$prefix/include bindir=$prefix/bin
	datarootdir=$prefix/share)

ok "make install" logged ${MAKE:-make} -s -C "$builddir" install "${to[@]}"

outside()
{
	find "$root" -type f ! -path "$root$prefix/*" | tee "$tmp/outside"
	[ ! -s "$tmp/outside" ]
}
ok "nothing lies outside the prefix" logged outside

names()
{
	[ -x "$root$prefix/bin/quern" ] &&
		[ "$(readlink "$lib/libquern.so")" = libquern.so.0 ] &&
		[ -f "$lib/libquern.so.0" ] && [ -f "$lib/libquern.a" ] &&
		[ -f "$lib/quern/libquern-engines.so" ] &&
		[ -f "$lib/quern/libquern-record.so" ] &&
		[ "$(readlink "$lib/libquern-heap.so")" = \
			libquern-heap.so.0 ] &&
		[ -f "$lib/libquern-heap.so.0" ] &&
		[ -f "$lib/libquern-heap.a" ] &&
		[ -f "$lib/pkgconfig/quern-heap.pc" ] &&
		[ -f "$lib/cmake/quern/quern-config.cmake" ] &&
		[ -f "$lib/cmake/quern/quern-config-version.cmake" ] &&
		[ "$(readlink "$lib/libquern-tokens.so")" = \
			libquern-tokens.so.0 ] &&
		[ -f "$lib/libquern-tokens.so.0" ] &&
		[ -f "$root$prefix/share/man/man1/quern.1" ] &&
		[ -f "$root$prefix/share/man/man1/quern-run.1" ] &&
		[ -f "$root$prefix/share/man/man3/quern.3" ] &&
		[ -f "$root$prefix/share/man/man3/qn_heap_alloc.3" ] &&
		[ -f "$root$prefix/share/bash-completion/completions/quern" ] &&
		[ -f "$root$prefix/share/zsh/site-functions/_quern" ] &&
		[ -f "$root$prefix/include/quern-hint.h" ] &&
		[ -f "$root$prefix/include/quern.hpp" ] &&
		[ -f "$root$prefix/include/quern.h" ] || {
		find "$root"
		return 1
	}
}
ok "library, command, header and pages are there" logged names

cat >"$tmp/user.c" <<EOF
#include <quern.h>
#include <stdlib.h>
#include <string.h>

/* Both names are the same heap; freed by either */
int main(void)
{
	struct qn_stats st;
	void *p = qn_malloc(100), *q = malloc(100);

	if (!p || !q || qn_malloc_usable_size(q) < 100)
		return 1;
	free(p);
	qn_free(q);
	return qn_stats_get(&st) ? 2 : qn_check() ? 3 : 0;
}
EOF
user()
{
	local flags

	flags=$(PKG_CONFIG_PATH=$lib/pkgconfig \
		PKG_CONFIG_SYSROOT_DIR=$root \
		pkg-config --define-variable=prefix=$prefix \
		--define-variable=exec_prefix=$prefix \
		--define-variable=libdir=$prefix/lib \
		--define-variable=includedir=$prefix/include \
		--cflags --libs quern) || return 1
	${CC:-cc} -Wall -Werror -o "$tmp/user" "$tmp/user.c" $flags &&
		LD_LIBRARY_PATH=$lib "$tmp/user"
}
if command -v pkg-config >/dev/null; then
	ok "a program is built by pkg-config and runs" logged user
else
	skip "pkg-config" "there is none"
fi

. "$srcdir/tests/tree/consumers.sh"

preload()
{
	# the loader only complains on stderr where it finds no library
	[ "$(LD_PRELOAD=$lib/libquern.so.0 sh -c 'echo $((6 * 7))' 2>&1)" = 42 ]
}
ok "the installed library can be preloaded" logged preload

command_works()
{
	"$root$prefix/bin/quern" run --library="$lib/libquern.so" \
		--report="$tmp/report" -- sh -c 'exit 0' &&
		grep -q 'exited with status 0' "$tmp/report"
}
ok "the installed command runs a program" logged command_works

# As packages have it: libquern.so is among the files for development
without_development()
{
	mkdir -p "$tmp/alone" && cp "$root$prefix/bin/quern" "$tmp/alone" &&
		cp "$lib/libquern.so.0" "$tmp/alone" &&
		"$tmp/alone/quern" run --report="$tmp/report" -- sh -c 'exit 0' &&
		grep -q 'exited with status 0' "$tmp/report"
}
ok "it finds the library by its soname" logged without_development

engine_works()
{
	"$root$prefix/bin/quern" run --library="$lib/libquern.so" \
		--engine=quern-heap --report="$tmp/report" -- sh -c 'exit 0' &&
		grep -q '^engine  *quern-heap' "$tmp/report"
}
ok "the installed command runs a program on another engine" logged engine_works

uninstalled()
{
	${MAKE:-make} -s -C "$builddir" uninstall "${to[@]}" || return 1
	find "$root" ! -type d | tee "$tmp/left"
	[ ! -s "$tmp/left" ]
}
ok "make uninstall leaves nothing" logged uninstalled

finish
