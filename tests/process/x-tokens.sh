#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-tokens.sh - programs that were built for tokens, hot and cold objects and operators
# that tell the size: with libquern-tokens.so alone, under quern, and under it with
# settings that bring each kind of block.

. "$(dirname "$0")/../x.sh"
tokens=${builddir:-$PWD/build}/libquern-tokens.so

runs() # what, program, settings or "none", where blocks are to lie if that is looked at
{
	what=$1
	binary=$2
	conf=$3
	shift 3
	if [ "$conf" = none ]; then
		timeout -k 5 120 "$binary" "$@" >"$tmp/out" 2>&1
	else
		QUERN_CONF=$conf preloaded "$binary" "$@" >"$tmp/out" 2>&1
	fi
	status=$?
	[ $status = 0 ] || show "$tmp/out"
	[ $status = 0 ] && grep -q '^1\.\.[1-9]' "$tmp/out"
	ok "$what" $?
}

cp "$tokens" "$tmp/libquern-tokens.so.0" || exit 99
link="$tmp/libquern-tokens.so.0 -Wl,-rpath,$tmp -ldl -lpthread"
must "$cc" $flags -o "$tmp/c" "$here/x-tokens-main.c" $link
must "$cxx" $flags -std=c++17 -o "$tmp/cxx" "$here/x-tokens-main.cc" $link
must "$cxx" $flags -std=c++17 -DREPLACE -o "$tmp/own" \
	"$here/x-tokens-main.cc" $link

for program in c cxx own; do
	apart=apart
	# Its objects are made by malloc, which was told nothing
	[ $program != own ] || apart=together
	runs "$program: no quern" "$tmp/$program" none
	runs "$program: quern" "$tmp/$program" seed:1 $apart
	runs "$program: quern, no fences" "$tmp/$program" seed:1,fence:0 $apart
	runs "$program: quern, all in one place" "$tmp/$program" \
		seed:1,hints:0 together
	runs "$program: quern, many samples" "$tmp/$program" \
		seed:1,fence:0,sample:4K
	runs "$program: quern, and a file of figures" "$tmp/$program" \
		"seed:1,stats:$tmp"
done

finish
