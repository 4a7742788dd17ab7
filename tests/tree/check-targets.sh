#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-targets.sh - lib asks for the target in port/ and base/compiler.h only: a file
# elsewhere that needs to know means that the cut is in the wrong place.

set -u
cd "${srcdir:?run by make check}/lib" || exit 99

found=$(grep -nE '__(linux|gnu_linux|arm|thumb|aarch64|x86_64|i386|unix)__|__ARM_|_WIN32|__APPLE__|__STDC_HOSTED__' \
	$(find . -name "*.[ch]" ! -path "./port/*" ! -name compiler.h))
[ -z "$found" ] || {
	printf '%s\n' "$found"
	echo "move what depends on the target to lib/port/"
	exit 1
}
