#!/bin/sh
# SPDX-License-Identifier: MIT
#
# programs.sh - what hints bring real programs: their sources are Debian's, compiled with the
# plugin for GCC; programs.py measures them.
#
#	programs.sh BUILD-FOLDER [ROUNDS]
#
# Each is built twice: with hint records, which leave its code as it was, and with tokens as
# well. BENCH=names chooses among them. Sources come by apt-get source, from the mirrors that
# apt has; a program that cannot be had is left out, with a line that says so. They stay in
# BUILD-FOLDER/bench/hints, so a second run builds nothing.

me=${0##*/}
build=${1:?usage: programs.sh BUILD-FOLDER [ROUNDS]}
rounds=${2:-5}
. "$(dirname "$0")/../common.sh"
here=$(cd "$(dirname "$0")" && pwd)
plugin=$build/plugin/gcc/quern.so
to=$build/bench/hints
log=$to/log
all="sqlite3 redis-server lua gawk ninja minisat hunspell"
mkdir -p "$to/fetch" || exit

# A list of the sources of the mirrors that apt has for programs, once
sources()
{
	[ -z "$from" ] || return 0
	mkdir -p "$to/parts" "$to/lists/partial"
	for file in /etc/apt/sources.list.d/*.sources; do
		[ ! -f "$file" ] ||
			sed 's/^Types:.*/Types: deb-src/' "$file" \
				>"$to/parts/${file##*/}"
	done
	cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
		sed -n 's/^deb /deb-src /p' >"$to/parts/all.list"
	from="-o Dir::Etc::SourceList=/dev/null
		-o Dir::Etc::SourceParts=$to/parts
		-o Dir::State::Lists=$to/lists"
	apt-get $from update >"$log" 2>&1
}

fetch() # PACKAGE: its upstream source is $tar
{
	tar=$(ls "$to/fetch/$1"_*.orig.tar.[gx]z 2>/dev/null)
	[ -z "$tar" ] || return 0
	sources
	(cd "$to/fetch" && apt-get $from source --download-only "$1") \
		>"$log" 2>&1 || return 1
	tar=$(ls "$to/fetch/$1"_*.orig.tar.[gx]z)
}

# make_compiler NAME COMMAND FLAGS [LIBRARY]: the library where it links
make_compiler()
{
	cat >"$1" <<-END
		#!/bin/sh
		for word; do
			case \$word in
			-c|-S|-E|-M|-MM) exec $2 $3 \$QUERN_WRAPS "\$@" ;;
			esac
		done
		exec $2 $3 \$QUERN_WRAPS "\$@" $4
	END
	chmod +x "$1"
}

make_compilers()
{
	mkdir -p "$to/lib" "$to/records" "$to/tokens" || exit
	cp "$build/libquern-tokens.so" "$to/lib/libquern-tokens.so.0" || exit
	flags="-fplugin=$plugin"
	library="$to/lib/libquern-tokens.so.0 -Wl,-rpath,$to/lib"
	for pair in cc:gcc c++:g++; do
		make_compiler "$to/records/${pair%:*}" "${pair#*:}" "$flags" ""
		make_compiler "$to/tokens/${pair%:*}" "${pair#*:}" \
			"$flags -fplugin-arg-quern-tokens" "$library"
	done
}

# Wrappers of malloc: FUNCTION:ARGUMENT
wraps()
{
	QUERN_WRAPS=
	for wrap; do
		QUERN_WRAPS="$QUERN_WRAPS -fplugin-arg-quern-wrap=$wrap"
	done
	export QUERN_WRAPS
}

# ---- the programs: each function builds one in its folder, with $cc and $cxx ----

sqlite3_build()
{
	wraps sqlite3Malloc:1 sqlite3_malloc64:1 sqlite3DbMallocRawNN:2 \
		sqlite3DbMallocRaw:2 sqlite3DbMallocZero:2 \
		sqlite3MallocZero:1 sqlite3_malloc:1 sqlite3PageMalloc:1
	./configure && make sqlite3.c shell.c &&
		$cc -O2 -DHAVE_MALLOC_H -DHAVE_MALLOC_USABLE_SIZE \
			-DSQLITE_THREADSAFE=0 -o sqlite3 shell.c sqlite3.c \
			-ldl -lm
}

redis_build()
{
	wraps zmalloc:1 zmalloc_usable:1 ztrymalloc:1 zcalloc:1 \
		zcalloc_num:2 zrealloc:2
	make -j2 -C src redis-server redis-cli redis-benchmark \
		MALLOC=libc CC="$cc" OPTIMIZATION=-O2
}

lua_build()
{
	wraps luaM_malloc_:2 luaM_realloc_:4 luaM_saferealloc_:4
	make -C src posix CC="$cc"
}

gawk_build()
{
	./configure CC="$cc" --disable-mpfr --disable-nls --disable-pma \
		--disable-extensions && make -C support && make -j2 gawk
}

ninja_build()
{
	CXX=$cxx python3 configure.py --bootstrap
}

# Its exit status is the answer
minisat_build()
{
	sed -i 's/ret == l_True ? 10 : ret == l_False ? 20 : 0/0/' \
		minisat/simp/Main.cc &&
	$cxx -O2 -fpermissive -w -I. -D__STDC_LIMIT_MACROS \
		-D__STDC_FORMAT_MACROS -o solver minisat/simp/*.cc \
		minisat/core/Solver.cc minisat/utils/*.cc -lz
}

hunspell_build()
{
	./configure CC="$cc" CXX="$cxx" --disable-shared --disable-nls &&
		make -j2
}

# ---- all of them ----

# one PACKAGE FUNCTION FILE: built with $cc and $cxx, unless it is there
one()
{
	for kind in records tokens; do
		source=$to/$kind/$1
		[ "$source/$3" -nt "$plugin" ] && continue
		fetch "$1" || return 1
		echo "$me: building $1, with $kind" >&2
		rm -rf "$source"
		mkdir -p "$source"
		cc=$to/$kind/cc
		cxx=$to/$kind/c++
		wraps
		tar -C "$source" --strip-components=1 -xf "$tar" &&
			(cd "$source" && $2) >"$log" 2>&1 || return 1
		touch "$source/$3"
	done
}

build_program()
{
	case $1 in
	sqlite3) one sqlite3 sqlite3_build sqlite3 ;;
	redis-server) one redis redis_build src/redis-server ;;
	lua) one lua5.4 lua_build src/lua ;;
	gawk) one gawk gawk_build gawk ;;
	ninja) one ninja-build ninja_build ninja ;;
	minisat) one minisat2 minisat_build solver ;;
	hunspell) one hunspell hunspell_build src/tools/hunspell ;;
	*) die "no program $1; there are $all" ;;
	esac
}

from=
make_compilers
names=
for name in ${BENCH:-$all}; do
	if build_program "$name"; then
		names="$names $name"
	else
		echo "$name: no source, or it does not build:" \
			"$(tail -n 1 "$log")"
	fi
done
[ -n "$names" ] || die "no program could be built: is there a network?"
python3 -B "$here/programs.py" "$build" "$rounds" $names
