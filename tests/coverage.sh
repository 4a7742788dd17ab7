#!/bin/bash
# SPDX-License-Identifier: MIT
#
# coverage.sh - the lines of lib that tests reach: make coverage.
#
# A second build, in ./coverage, counts lines (gcov). In it the tests of CMocka run, the
# programs of tests/model, and whole processes under its libquern.so. The table has the lines
# of each file that were not reached, and the sum. With less than LEAST percent it fails.
#
# -Og: unoptimised, all of libquern.so has landing pads, and with them an unwinder of its own,
# which libgcc_s.so.1's does not get on with. Of x-ctl and x-live some cases fail, for each program
# writes gcov's files, and complains where it may not.
#
# usage: coverage.sh SRCDIR PROGRAM...

set -u
top=$(cd "$1" && pwd) || exit 99
shift
least=${LEAST:-90}
command -v gcovr >/dev/null || {
	echo "coverage.sh: gcovr is not installed (Debian: apt-get install gcovr)" >&2
	exit 77
}
mkdir -p coverage && cd coverage || exit 99
make=${MAKE:-make}
unset MAKEFLAGS MFLAGS MAKELEVEL

[ -f Makefile ] || "$top/configure" --enable-tests --disable-firmware CC="${CC:-gcc}" \
	CFLAGS='-g -Og --coverage -fprofile-update=atomic -Wno-error' \
	>configure.log 2>&1 || {
	tail -n 5 configure.log >&2
	exit 1
}
$make -j2 V=0 libquern.a libquern.so libquern-engines.so libquern-record.so \
	libquern-tokens.so quern "$@" \
	tests/process/x-fork tests/process/x-threads tests/process/x-large \
	tests/process/x-exit tests/process/x-spawn >build.log 2>&1 || {
	grep -E 'error|Error' build.log | head -n 10 >&2
	exit 1
}
find . -name '*.gcda' -delete

srcdir=$top builddir=$PWD
QUERN_LIB=$PWD/libquern.so QUERN_SO=$QUERN_LIB QUERN=$PWD/quern
export srcdir builddir QUERN_LIB QUERN_SO QUERN
failed=
run()
{
	timeout 600 "$@" >run.log 2>&1 || failed+=" ${*##*/}"
}
for program; do
	run "./$program"
done
for script in conf ctl early helper late live misuse pressure sites tokens; do
	run "$top/tests/process/x-$script.sh"
done
for program in fork threads large exit spawn; do
	run "tests/process/x-$program"
done
run "$top/tests/misuse/m-misuse.sh"
[ -z "$failed" ] || echo "coverage.sh: failed, and counted as far as they came:$failed"

# Without the lines of asserts, which are compiled out
gcovr -r "$top" --object-directory . --filter "$top/lib/" --exclude "$top/lib/port/bare.c" \
	--exclude-lines-by-pattern '.*qn_assert\(.*' --txt lines.txt . >gcovr.log 2>&1 || {
	tail -n 5 gcovr.log >&2
	exit 1
}
sed -n '/^File/,$p' lines.txt
awk -v least="$least" '$1 == "TOTAL" {
	share = $4 + 0
	print "lib: " share " % of lines, at least " least " are wanted"
	exit share < least
}' lines.txt
