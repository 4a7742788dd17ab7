#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-memprof.sh - a C++ program under clang's MemProf: a profile of a run says which objects are
# hardly ever used, the compiler calls operator new for cold objects there, these calls come to
# libquern.so, and the objects lie apart. Without and with link-time optimisation, which tells
# callers of one function apart.

. "$(dirname "$0")/../x.sh"
clang=${MEMPROF_CXX:-clang++-19}
profdata=${MEMPROF_PROFDATA:-llvm-profdata-19}
tokens=${builddir:-$PWD/build}/libquern-tokens.so
source=$here/x-memprof-main.cc
cd "$tmp" || exit 99

for command in "$clang" "$profdata"; do
	command -v "$command" >/dev/null || {
		echo "1..0 # SKIP $command is not there: apt-get install" \
			"clang-19 llvm-19"
		exit 0
	}
done

# Names of lines, and no jumps in place of calls: that is how a profile finds its way back
lines="-O2 -std=c++17 -gmlt -fdebug-info-for-profiling -fno-omit-frame-pointer
	-mno-omit-leaf-frame-pointer -fno-optimize-sibling-calls -I$here"
# By default cold is what lives for minutes, and is hardly ever used. Here it lives for a second.
cold="-memprof-ave-lifetime-cold-threshold=1
	-memprof-lifetime-access-density-cold-threshold=1e9"
passes="-supports-hot-cold-new -optimize-hot-cold-new"
link="$tmp/libquern-tokens.so.0 -Wl,-rpath,$tmp -ldl"
cp "$tokens" libquern-tokens.so.0 || exit 99

with() # PREFIX OPTIONS: each behind the prefix
{
	prefix=$1
	shift
	for option; do
		printf ' %s%s' "$prefix" "$option"
	done
}

must "$clang" $lines -fno-pie -c -o plain.o "$source"
"$clang" -no-pie -fmemory-profile plain.o -o plain -ldl 2>out || {
	echo "1..0 # SKIP $clang has no MemProf: apt-get install libclang-rt-19-dev"
	exit 0
}

# Where the program lies must be known, and its code begin the file
must "$clang" $lines -fmemory-profile -no-pie -fno-pie -Wl,-z,noseparate-code \
	-Wl,--build-id -o profiled "$source" -ldl
MEMPROF_OPTIONS=log_path=$tmp/raw timeout -k 5 120 ./profiled profile >out 2>&1
ok "the program runs while it is profiled" $?
"$profdata" merge -o profile --profiled-binary ./profiled raw.* >out 2>&1
status=$?
ok "its profile is read" $status
[ $status = 0 ] || {
	show out
	finish
}

# binds NAME PROGRAM: does the call come to libquern.so
binds()
{
	LD_DEBUG=bindings LD_DEBUG_OUTPUT=$tmp/bindings QUERN_CONF=seed:1 \
		preloaded "$2" >out 2>&1
	cat bindings.* | grep -q "$2.* to $lib.*\`$1'"
	status=$?
	rm -f bindings.*
	return $status
}

check() # WHAT PROGRAM NAMES...
{
	what=$1
	program=$2
	shift 2
	for name in "$@"; do
		binds "$name" "$program"
		ok "$what: $name comes to libquern.so" $?
	done
	for words in "seed:1 apart" "seed:1,fence:0 apart" \
		"seed:1,hints:0 together"; do
		QUERN_CONF=${words% *} preloaded "$program" "${words#* }" >out 2>&1
		status=$?
		[ $status = 0 ] || show out
		ok "$what: $words" $status
	done
	timeout -k 5 60 "$program" >out 2>&1
	ok "$what: without quern" $?
}

must "$clang" $lines -fmemory-profile-use=profile $(with "-mllvm " $cold $passes) \
	-o cold "$source" $link
check "cold objects" ./cold _Znwm12__hot_cold_t

if "$clang" $lines -DCLONED -flto=thin -fuse-ld=lld -fmemory-profile-use=profile \
	$(with "-mllvm " $cold $passes) $(with "-Wl,-mllvm," $passes \
		-enable-memprof-context-disambiguation) \
	-o cloned "$source" $link 2>out; then
	check "with link-time optimisation" ./cloned _Znwm12__hot_cold_t \
		_Znam12__hot_cold_t
else
	show out
	skip "with link-time optimisation" "lld-19 is not there, or does not link"
fi

finish
