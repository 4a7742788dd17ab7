#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run-sanitized.sh - runs a program that was built with a sanitizer. These know
# only some layouts of the address space, and newer kernels make up others: so
# without randomisation, where that can be had. Leaks are not looked for: that
# needs ptrace, which containers forbid.

ASAN_OPTIONS=detect_leaks=0
export ASAN_OPTIONS
if setarch -R true 2>/dev/null; then
	exec setarch -R "$@"
fi
exec "$@"
