#!/bin/sh
# SPDX-License-Identifier: MIT
#
# service.sh - make soak-service MINUTES=n: a redis server with guarded samples, under load.
#
#	service.sh BUILD-FOLDER MINUTES [SETTINGS]
#
# The server is loaded in rounds of some seconds: values of 1 byte to 16 KB that expire, lists,
# sets, sorted sets and hashes over a bounded range of keys. It must say nothing, answer to the
# end, and need no more memory in the last quarter than in the second one, but for 10 %. Each
# minute has a line: commands so far, memory, mappings of guarded blocks.

set -u
build=$(cd "${1:?usage: service.sh BUILD-FOLDER MINUTES [SETTINGS]}" && pwd) || exit 99
minutes=${2:?usage: service.sh BUILD-FOLDER MINUTES [SETTINGS]}
conf=${3:-guard:20000}
command -v redis-server >/dev/null && command -v redis-benchmark >/dev/null || {
	echo "no redis-server or redis-benchmark (Debian: apt-get install redis-server redis-tools)"
	exit 77
}
tmp=$(mktemp -d) || exit 99
pid=
trap '[ -z "$pid" ] || kill $pid 2>/dev/null; rm -rf "$tmp"' EXIT
socket=$tmp/socket
unwinder=$(ls /lib/*/libgcc_s.so.1 /usr/lib64/libgcc_s.so.1 2>/dev/null | head -n 1)

LD_PRELOAD="$build/libquern.so $unwinder" QUERN_CONF="$conf" \
	redis-server --port 0 --unixsocket "$socket" --save '' --appendonly no \
	--dir "$tmp" --logfile '' --hz 50 >"$tmp/out" 2>"$tmp/err" &
pid=$!

cli()
{
	redis-cli -s "$socket" "$@" 2>/dev/null
}

load() # REQUESTS ARGUMENTS...
{
	requests=$1
	shift
	redis-benchmark -q -s "$socket" -n "$requests" -c 8 -P 8 -r 5000 "$@" \
		>/dev/null 2>&1
}

# Each round has other sizes; all keys of a round are gone some rounds later
round() # NUMBER
{
	size=$((1 << $1 % 15))
	value=$(head -c $size /dev/zero | tr '\0' x)
	load $((size < 4096 ? 6000 : 1500)) SET "k$1:__rand_int__" "$value" EX 20
	load 3000 -d $((size % 1000 + 8)) -t lpush,rpop,sadd,spop,hset,zadd,zpopmin,mset
	load 1000 APPEND "a$(($1 % 8)):__rand_int__" "$value"
	cli UNLINK "a$((($1 + 1) % 8)):__rand_int__" >/dev/null
	cli EVAL 'for _, k in ipairs(redis.call("keys", ARGV[1])) do
		redis.call("unlink", k) end' 0 "a$((($1 + 4) % 8)):*" >/dev/null
	sleep 2
}

resident() # in KB, as the system counts it
{
	awk '/^VmRSS/ { print $2 }' "/proc/$pid/status" 2>/dev/null
}

# Pages that a guarded block has to itself lie between forbidden ones
guarded()
{
	awk '$2 == "---p" { before = 1; next }
	$2 == "rw-p" && before { n++ } { before = 0 } END { print n + 0 }' \
		"/proc/$pid/maps" 2>/dev/null
}

until [ "$(cli ping)" = PONG ]; do
	kill -0 $pid 2>/dev/null || break
	sleep 0.1
done
start=$(date +%s)
end=$((start + minutes * 60))
told=$start
nr=0
: >"$tmp/memory"
echo "minute  commands  MB resident  guarded"
while [ "$(date +%s)" -lt $end ] && kill -0 $pid 2>/dev/null; do
	round $nr
	nr=$((nr + 1))
	now=$(date +%s)
	echo "$((now - start)) $(resident)" >>"$tmp/memory"
	[ $((now - told)) -ge 60 ] || continue
	told=$now
	printf '%6d %9s %12d %8d\n' $(((now - start) / 60)) \
		"$(cli info stats | tr -d '\r' | sed -n 's/^total_commands_processed://p')" \
		$(($(resident) / 1024)) "$(guarded)"
done
commands=$(cli info stats | tr -d '\r' | sed -n 's/^total_commands_processed://p')
cli shutdown nosave
wait $pid
status=$?
pid=
said=$(grep -c '^quern:' "$tmp/err")
grep '^quern:' "$tmp/err" | head -n 5
awk -v all=$((end - start)) '
NF == 2 && $1 >= all / 4 && $1 < all / 2 && $2 > second { second = $2 }
NF == 2 && $1 >= all * 3 / 4 && $2 > last { last = $2 }
END {
	printf "most memory: %d MB in the second quarter, %d MB in the last\n",
		second / 1024, last / 1024
	exit !(last && last <= second * 1.1)
}' "$tmp/memory"
grew=$?
echo "$nr rounds, ${commands:-0} commands, exit status $status, $said messages"
[ $status = 0 ] && [ "$said" = 0 ] && [ $grew = 0 ] && [ "${commands:-0}" -gt 0 ]
