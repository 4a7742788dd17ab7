#!/bin/bash
# SPDX-License-Identifier: MIT
#
# faults.sh - what the system may refuse a program, one fault a row: make check-faults.
#
#	faults.sh BUILD-FOLDER [-s] [ROW...]
#
# A row is a fault, and real programs under it with libquern.so. A run must end with the output
# that the program has without a fault, or with a message of the program's own. A crash, a
# hang, another output and a silent end are failures; each is printed with the command that
# repeats it. The table counts them, and tells which rows this machine cannot show.
# -s: in a minute what make check has time for. Without it each system call is refused once in
# every place, which takes some minutes.
#
# Some faults concern a whole machine. Their rows run in one of their own, a Linux that runs
# as a program (Debian: user-mode-linux): kernel.sh.

set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=$(cd "${1:?usage: faults.sh BUILD-FOLDER [-s] [ROW...]}" && pwd) || exit 99
shift
is_short=
[ "${1:-}" != -s ] || { is_short=1 && shift; }
only=" $* "
lib=${QUERN_LIB:-$build/libquern.so}
trouble=$build/tests/faults/trouble
deny=$build/tests/faults/deny
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
unset LD_PRELOAD QUERN_CONF
for file in "$lib" "$trouble" "$deny"; do
	[ -f "$file" ] || {
		echo "faults.sh: $file is missing: make check-faults builds it" >&2
		exit 99
	}
done
has_strace=
! strace -qq -o /dev/null -e trace=none true 2>/dev/null || has_strace=1

. "$here/run.sh"
. "$here/calls.sh"
. "$here/rest.sh"

printf '%-44s %-28s %5s %8s %6s\n' fault programs runs refused failed
row calls_refused_once calls_refused_on calls_refused_often
row denied beyond_documented
row limit_as limit_data
row own_kernel
row all_mappings late_tls
row many_lives cancelled forked signalled
row pages_of_other_sizes
echo "$nr_runs runs, $nr_failed failed"
[ "$nr_failed" = 0 ]
