#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-faults.sh - the short part of make check-faults.

. "$(dirname "$0")/../x.sh"
build=${builddir:-$top/build}
[ -x "$build/tests/faults/trouble" ] || {
	skip 'what the system may refuse' 'no compiler of C++'
	finish
}
bash "$here/faults.sh" "$build" -s >"$tmp/out" 2>&1
status=$?
sed 's/^/# /' "$tmp/out"
ok 'what the system may refuse' $status
finish
