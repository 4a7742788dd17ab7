#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-symbols.sh - what the libraries show and want. libquern.so exports
# the malloc family, the C++ operators and the functions of quern.h, all of them
# and nothing else; it needs no library but libc. The freestanding archive wants
# nothing but memset, memcpy and memmove.

set -u
: "${srcdir:?run by make check}" "${builddir:?run by make check}"
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
. "$srcdir/tests/tap.sh"

report() # what, file of findings: a test case that passes if there are none
{
	findings=$2
	ok "$1" [ ! -s "$2" ]
}

explain()
{
	sed 's/^/#   /' "$findings"
}

family="malloc calloc realloc reallocarray free cfree free_sized
	free_aligned_sized memalign posix_memalign aligned_alloc valloc pvalloc
	malloc_usable_size malloc_trim mallinfo mallinfo2 mallopt malloc_stats
	malloc_info dlopen dlmopen unshare setns prctl syscall clone _Fork
	__libc_malloc __libc_calloc __libc_realloc __libc_free __libc_memalign
	__libc_valloc __libc_pvalloc __posix_memalign __libc_mallinfo
	__libc_mallopt"
nothrow=RKSt9nothrow_t
align=St11align_val_t
{
	printf '%s\n' $family
	for op in _Znw _Zna; do
		printf '%s\n' ${op}m ${op}m$nothrow ${op}m$align \
			${op}m$align$nothrow
	done
	for op in _Zdl _Zda; do
		printf '%s\n' ${op}Pv ${op}Pvm ${op}Pv$nothrow ${op}Pv$align \
			${op}Pvm$align ${op}Pv$align$nothrow
	done
	for name in malloc calloc realloc reallocarray aligned_alloc memalign \
		valloc pvalloc posix_memalign; do
		echo __alloc_token_$name
	done
	for op in _Znwm _Znam; do
		for form in $op $op$nothrow $op$align $op$align$nothrow; do
			echo ${form}12__hot_cold_t
			echo __alloc_token_$form
			echo __alloc_token_${form}12__hot_cold_t
		done
	done
	for form in '' _hot_cold _aligned _aligned_hot_cold; do
		echo __size_returning_new$form
		echo __alloc_token___size_returning_new$form
	done
	sed -n '/^static/d; /^[a-z].*[ *]\(qn_[a-z_]*\)(.*/s//\1/p' "$srcdir/lib/quern.h"
} | sort >"$tmp/want"
nm -D --defined-only "$builddir/libquern.so" | awk '{ print $NF }' | sort \
	>"$tmp/have"

comm -23 "$tmp/want" "$tmp/have" >"$tmp/missing"
comm -13 "$tmp/want" "$tmp/have" >"$tmp/extra"
report "libquern.so exports all that it promises" "$tmp/missing"
report "libquern.so exports nothing else" "$tmp/extra"

# With the names of libquern.so that have tokens, and each of them for 16 tokens
{
	grep -E 'alloc_token|hot_cold|size_returning' "$tmp/want"
	for n in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
		sed -n "s/^__alloc_token_/&${n}_/p" "$tmp/want"
	done
} | sort >"$tmp/tokens"
nm -D --defined-only "$builddir/libquern-tokens.so" | awk '{ print $NF }' |
	sort | comm -3 - "$tmp/tokens" >"$tmp/differ"
report "libquern-tokens.so exports the names with tokens, and no others" \
	"$tmp/differ"

readelf -d "$builddir/libquern.so" >"$tmp/dynamic"
sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' "$tmp/dynamic" |
	grep -vE '^(libc\.so\.6|ld-linux.*)$' >"$tmp/needed"
report "libquern.so needs libc alone" "$tmp/needed"
grep -q '(SONAME).*\[libquern\.so\.0\]' "$tmp/dynamic" ||
	echo "soname is not libquern.so.0" >"$tmp/soname"
report "libquern.so has its soname" "$tmp/soname"

# What most processes run is made resident by a fault or two; libquern.ld tells why. The default
# policy looks at each process that runs for some time. 131072 is 0x20000.
# Compilers differ, and so do their options: those that most users get are held.
: >"$tmp/far"
: >"$tmp/policy"
if grep -q '^CFLAGS = -g -O2$' "$builddir/Makefile" &&
	grep -q '^CC = gcc' "$builddir/Makefile"; then
	end=$(readelf -SW "$builddir/libquern.so" | sed 's/^ *\[ *//' |
		awk '$2 == ".rodata" { print "0x" $5, "0x" $6 }')
	[ $((${end% *} + ${end#* })) -le 65536 ] ||
		echo ".rodata ends behind 64 KB: more code has to lie apart (__apart, preload/libquern.ld)" >"$tmp/far"
	nm -S "$builddir/libquern.so" | sed -n 's/ [tT] rule_look$//p' >"$tmp/rule"
	read -r start size <"$tmp/rule" && [ $((0x$start + 0x$size)) -le 131072 ] ||
		echo "rule_look() is missing or ends behind 128 KB: see the order in preload/libquern.ld" >"$tmp/policy"
fi
report "libquern.so: what all processes run lies in its first 64 KB" "$tmp/far"
report "libquern.so: the default policy lies in its first 128 KB" "$tmp/policy"
readelf -lW "$builddir/libquern.so" | awk '$1 == "GNU_STACK" && /E/ ||
	$1 == "LOAD" && / RWE /' >"$tmp/exec"
report "libquern.so has no memory both writable and executable" "$tmp/exec"

# Heaps, pools and arenas of one's own, without the heap of a process
{
	grep ^qn_ "$tmp/want" |
		grep -vxE 'qn_(malloc|calloc|realloc|memalign|free|malloc_usable_size|trim|stats_get|check)'
} >"$tmp/own"
nm -D --defined-only "$builddir/libquern-heap.so" | awk '{ print $NF }' |
	sort | comm -3 - "$tmp/own" >"$tmp/not-own"
report "libquern-heap.so exports the heaps of quern.h, and nothing else" \
	"$tmp/not-own"
readelf -d "$builddir/libquern-heap.so" |
	sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
	grep -vxE 'libc\.so\.6|ld-linux.*' >"$tmp/heap-needs"
report "libquern-heap.so needs libc alone" "$tmp/heap-needs"
for file in libquern-heap.so libquern-heap.a; do
	nm "$builddir/$file" | awk '{ sub(/@.*/, "", $NF); print $NF }' |
		grep -xE "$(printf '%s|' $family)operator.*|_Z.*"
done >"$tmp/mallocs"
report "libquern-heap has no malloc, and calls none" "$tmp/mallocs"

# What the preload library calls and quern.h shows; the rest of libquern.a stays out
nm "$builddir/libquern.so" | awk '{ print $NF }' |
	grep -E '^qn_(engine|engines|buddy|trace|strtab)(_|$)' >"$tmp/idle"
report "libquern.so holds no engine and no trace" "$tmp/idle"
{
	nm -D --defined-only "$builddir/libquern-engines.so" |
		awk '$NF != "qn_engine_find" { print $NF }'
	nm -D --undefined-only "$builddir/libquern-engines.so" |
		awk '$1 == "U" { sub(/@.*/, "", $2); print $2 }' |
		grep -vxE 'qn_heap_.*|memset|memcpy|memmove'
} >"$tmp/engines"
report "libquern-engines.so shows qn_engine_find, wants quern.h's heaps alone" \
	"$tmp/engines"

archive=$builddir/libquern-stm32f407.a
if [ -f "$archive" ]; then
	${ARM_NM:?} --defined-only "$archive" | awk 'NF == 3 { print $3 }' |
		sort -u >"$tmp/defined"
	$ARM_NM -u "$archive" | awk '$1 == "U" { print $2 }' | sort -u |
		comm -23 - "$tmp/defined" |
		grep -vxE 'memset|memcpy|memmove' >"$tmp/wanted"
	report "the freestanding archive wants memset, memcpy, memmove alone" \
		"$tmp/wanted"
else
	skip "the freestanding archive" "no cross compiler"
fi
finish
