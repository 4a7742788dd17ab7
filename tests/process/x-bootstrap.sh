#!/bin/bash
# SPDX-License-Identifier: MIT
#
# x-bootstrap.sh - what bootstrap installs for each of its words, what it says before, and
# that what it prints comes as it happens.
#
# It runs a copy of bootstrap in a tree of its own, in which make, configure and apt-get
# are stand-ins that note what is asked of them.

top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/tap.sh"
nr=0 bad=0
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/tree/build" "$tmp/tree/tests" "$tmp/bin"
cp "$top/bootstrap" "$top/packages.txt" "$tmp/tree"
echo some-program >"$tmp/tree/tests/packages.txt"
cd "$tmp" || exit 99
export PATH=$tmp/bin:$PATH tmp
unset JOBS CONFIGURE_FLAGS

stand_in() # NAME: a program in PATH; the script is on standard input
{
	{
		echo '#!/bin/bash'
		cat
	} >"$1"
	chmod +x "$1"
}
stand_in tree/configure <<'END'
touch Makefile
END
touch tree/Makefile.in
stand_in bin/id <<'END'
echo 0
END
stand_in bin/dpkg-query <<'END'
[ -e "$tmp/installed" ] || exit 0
shift 3
printf 'installed %s\n' "$@"
END
stand_in bin/apt-get <<'END'
[[ $* != *--assume-no* ]] || {
	echo "Need to get 12.3 MB of archives."
	echo "After this operation, 45.6 MB of additional disk space will be used."
	exit 1
}
echo "$@" >>"$tmp/asked"
touch "$tmp/installed"
END
# Half of the tests come at once, half of them late
stand_in bin/make <<'END'
[[ $* == *check* && $* != *TESTS=* ]] || exit 0
echo "PASS: tests/early"
sleep 8
echo "PASS: tests/late"
printf '# PASS:  2\n' >"$tmp/tree/build/test-suite.log"
END

# asks PACKAGE WORDS...: does bootstrap with those words install it
asks()
{
	local package=$1
	shift
	rm -rf asked installed tree/build
	mkdir -p tree/build
	timeout 60 tree/bootstrap "$@" >out 2>err </dev/null
	grep -q "install .* $package\( \|\$\)" asked
}
a_compiler_will_do()
{
	asks gcc run -- true && ! grep -qE 'gawk|arm|qemu|sqlite|cmocka' asked
}
each_word_its_own()
{
	asks gcc-arm-none-eabi build && ! grep -qE 'gawk|qemu|cmocka' asked &&
		asks gawk run && asks qemu-system-arm run &&
		! grep -qE 'cmocka|gnuplot' asked &&
		asks libcmocka-dev check && asks some-program check &&
		! asks gnuplot-nox check && asks gnuplot-nox bench quick
}
size_is_said_first()
{
	asks gcc run -- true
	grep -q "^bootstrap: apt will fetch 12.3 MB, which take 45.6 MB" err
}
output_is_not_held_back()
{
	touch installed
	timeout 60 tree/bootstrap check 2>err </dev/null |
		{ read -r -t 6 line && [ "$line" = "PASS: tests/early" ]; }
}
ok "a program under quern needs a compiler, no firmware's, no demonstration's" \
	a_compiler_will_do
ok "each word installs what it needs" each_word_its_own
ok "how much will be fetched is said before" size_is_said_first
ok "results of tests come when they are there, also in a pipe" \
	output_is_not_held_back
echo "1..$nr"
exit $bad
