#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-dist.sh - a released tarball equals the git tree: make dist packs every
# file that git knows, unchanged, and beside them only what autotools generate.
# Files that git neither tracks nor ignores count too: they are on their way in.

set -u
: "${srcdir:?run by make check}" "${builddir:?run by make check}"
git -C "$srcdir" rev-parse --is-inside-work-tree >/dev/null 2>&1 &&
	[ -e "$srcdir/.git" ] || {
	echo "not a git tree: nothing to compare with"
	exit 77
}
tmp=$(mktemp -d) || exit 99
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT

(cd "$builddir" && unset MAKEFLAGS MFLAGS MAKELEVEL &&
	${MAKE:-make} -s distdir distdir="$tmp/dist") || exit 1

cd "$srcdir" || exit 99
git ls-files --cached --others --exclude-standard |
	while read -r file; do
		[ ! -e "$file" ] || printf '%s\n' "$file"
	done | sort >"$tmp/tree"
(cd "$tmp/dist" && find . -type f | sed 's|^\./||') |
	grep -vE '^(configure|aclocal\.m4|Makefile\.in|build-aux/.*)$' |
	sort >"$tmp/packed"

bad=0
comm -23 "$tmp/tree" "$tmp/packed" >"$tmp/missing"
comm -13 "$tmp/tree" "$tmp/packed" >"$tmp/extra"
if [ -s "$tmp/missing" ]; then
	bad=1
	echo "in the tree but not packed (add to a Makefile.inc or .gitignore):"
	sed 's/^/  /' "$tmp/missing"
fi
if [ -s "$tmp/extra" ]; then
	bad=1
	echo "packed but not in the tree:"
	sed 's/^/  /' "$tmp/extra"
fi
comm -12 "$tmp/tree" "$tmp/packed" | while read -r file; do
	cmp -s "$file" "$tmp/dist/$file" || echo "  $file"
done >"$tmp/changed"
if [ -s "$tmp/changed" ]; then
	bad=1
	echo "packed in another state than in the tree:"
	cat "$tmp/changed"
fi
exit $bad
