#!/bin/sh
# SPDX-License-Identifier: MIT
#
# hyperfine.sh - a program of the user's under each allocator, timed by hyperfine.
#
#   hyperfine.sh RUNS PROGRAM LIBRARY...	a LIBRARY is a path to preload; the C library is glibc's malloc
#
# PROGRAM is one word: a command line for the shell. hyperfine prints times and which one is
# ahead; it knows nothing of memory, for which there is quern run --compare.

set -u
me=hyperfine.sh
. "$(dirname "$0")/../common.sh"

runs=${1:?RUNS PROGRAM LIBRARY...} program=${2:?PROGRAM LIBRARY...}
shift 2
need hyperfine hyperfine

# hyperfine reads its commands from arguments: a name and a command for each
first=yes
for library; do
	[ "$first" = yes ] && set -- && first=no
	[ -r "$library" ] || die "cannot read $library"
	name=$(basename "$library" | sed 's/^libc[.].*/glibc/; s/^lib//; s/[.].*//; s/_minimal$//')
	set -- "$@" -n "$name" "env LD_PRELOAD='$library' $program"
done
exec hyperfine --warmup 1 --runs "$runs" "$@"
