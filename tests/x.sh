# SPDX-License-Identifier: MIT
#
# x.sh - what the scripts x-*.sh share; they read it first.
#
# They compile small programs and libraries, run them in ways that a program
# cannot arrange for itself, and print TAP. $lib is the library, $here the
# folder of the sources, $tmp a directory that goes away at the end.

set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
lib=${QUERN_LIB:-${QUERN_SO:-$PWD/build/libquern.so}}
cc=${CC:-cc}
cxx=${CXX:-c++}
flags="-O2 -g -fno-builtin -I$here -I$top/lib"
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
. "$top/tests/tap.sh"

[ -f "$lib" ] || {
	echo "Bail out! there is no $lib: build it, or name it in QUERN_LIB"
	exit 99
}

must() # command: without it the rest makes no sense
{
	"$@" || {
		echo "Bail out! failed: $*"
		exit 99
	}
}

preloaded() # command: under the library, stopped if it hangs
{
	timeout -k 5 60 env LD_PRELOAD="$lib" "$@"
}

# Shows what a file holds as a diagnostic
show()
{
	sed 's/^/#   /' "$1"
}

# Pages of live views lie in $dir, and no others
own_rundir()
{
	export XDG_RUNTIME_DIR="$tmp/run"
	must mkdir -m 0700 "$tmp/run"
	dir=$tmp/run/quern
}
