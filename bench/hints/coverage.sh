#!/bin/sh
# SPDX-License-Identifier: MIT
#
# coverage.sh - how much of real programs hint records cover: sqlite3 and redis, from Debian's
# sources, compiled with the plugin for GCC.
#
#	coverage.sh QUERN PLUGIN PROGRAMS
#
# PROGRAMS is bench/suite/programs. The sources come by apt-get source, from the mirrors that
# apt has; what cannot be had is left out, with a line that says so.

me=${0##*/}
usage="usage: coverage.sh QUERN PLUGIN PROGRAMS"
quern=${1:?$usage}
plugin=${2:?$usage}
programs=${3:?$usage}
. "$(dirname "$0")/../common.sh"
here=$(cd "$(dirname "$0")" && pwd)
make_tmp

# A list of the sources of the mirrors that apt has for programs
sources()
{
	mkdir -p "$tmp/parts" "$tmp/lists/partial"
	for file in /etc/apt/sources.list.d/*.sources; do
		[ ! -f "$file" ] ||
			sed 's/^Types:.*/Types: deb-src/' "$file" \
				>"$tmp/parts/${file##*/}"
	done
	cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
		sed -n 's/^deb /deb-src /p' >"$tmp/parts/all.list"
	from="-o Dir::Etc::SourceList=/dev/null
		-o Dir::Etc::SourceParts=$tmp/parts
		-o Dir::State::Lists=$tmp/lists"
	apt-get $from update >"$tmp/log" 2>&1
}

fetch() # PACKAGE: unpacked in $tmp/PACKAGE
{
	mkdir -p "$tmp/fetch" "$tmp/$1"
	(cd "$tmp/fetch" && apt-get $from source --download-only "$1") \
		>"$tmp/log" 2>&1 || return 1
	for tar in "$tmp/fetch/$1"_*.orig.tar.*; do
		case $tar in
		*.asc) ;;
		*) tar -C "$tmp/$1" --strip-components=1 -xf "$tar" || return 1 ;;
		esac
	done
}

wraps() # FUNCTION:ARGUMENT...
{
	for wrap in "$@"; do
		printf ' -fplugin-arg-quern-wrap=%s' "$wrap"
	done
}

cover() # PROGRAM COMMAND...
{
	python3 -B "$here/coverage.py" "$quern" "$@" || echo "$1: failed"
	echo
}

sqlite3_build()
{
	(cd "$tmp/sqlite3" && ./configure && make sqlite3.c shell.c) \
		>"$tmp/log" 2>&1 || return 1
	gcc -O2 -fplugin="$plugin" $(wraps sqlite3Malloc:1 sqlite3_malloc64:1 \
		sqlite3DbMallocRawNN:2 sqlite3DbMallocRaw:2 \
		sqlite3DbMallocZero:2 sqlite3MallocZero:1 sqlite3_malloc:1 \
		sqlite3PageMalloc:1) -DHAVE_MALLOC_H -DHAVE_MALLOC_USABLE_SIZE \
		-DSQLITE_THREADSAFE=0 -o "$tmp/sqlite3/sqlite3" \
		"$tmp/sqlite3/shell.c" "$tmp/sqlite3/sqlite3.c" -ldl -lm \
		>>"$tmp/log" 2>&1
}

redis_build()
{
	make -j2 -C "$tmp/redis/src" redis-server redis-benchmark MALLOC=libc \
		OPTIMIZATION="-O2 -fplugin=$plugin $(wraps zmalloc:1 \
		zmalloc_usable:1 ztrymalloc:1 zcalloc:1 zcalloc_num:2 \
		zrealloc:2)" >"$tmp/log" 2>&1
}

sources || die "apt-get update failed: is there a network?"
if fetch sqlite3 && sqlite3_build; then
	cover "$tmp/sqlite3/sqlite3" "$tmp/sqlite3/sqlite3" :memory: \
		".read $programs/work.sql"
else
	echo "sqlite3: no source, or it does not build: $(tail -n 1 "$tmp/log")"
fi

cat >"$tmp/redis.sh" <<'END'
server=$1/redis/src/redis-server
client=$1/redis/src/redis-benchmark
"$server" --port 0 --unixsocket "$1/socket" --save "" --dir "$1" >"$1/log" &
while [ ! -S "$1/socket" ]; do
	sleep 0.1
done
"$client" -s "$1/socket" -q -n 5000 -r 5000 \
	-t set,lpush,sadd,hset,zadd,mset >"$1/log"
kill $!
wait
END
if fetch redis && redis_build; then
	cover "$tmp/redis/src/redis-server" sh "$tmp/redis.sh" "$tmp"
else
	echo "redis: no source, or it does not build: $(tail -n 1 "$tmp/log")"
fi
