# SPDX-License-Identifier: MIT
# redis-server: redis-benchmark, a loaded data set, a forked save and a
# reload, on a unix socket; the digest of the data set is compared

needs="redis-server redis-benchmark redis-cli"
counts="redis-server redis-benchmark"

prepare()
{
	numbers 15000 | awk '{
		tail = NR % 5 ? "" : sprintf("%*d", $1 % 40, 0)
		gsub(/ /, "x", tail)
		printf "HSET h%d f%d %d%s\n", $1 % 300, NR, $1, tail
		printf "ZADD z%d %d m%d\n", $1 % 100, $1 % 1000, NR
		printf "SET k%d v%d\n", $1 % 4000, $1
		printf "APPEND k%d %d\n", $1 % 4000, NR
		printf "RPUSH l%d %d\n", $1 % 50, $1
		printf "SADD s%d %d\n", $1 % 200, $1
		printf "DEL k%d\n", ($1 + 77) % 4000
	}' >commands
}

cli()
{
	redis-cli -s redis.sock "$@"
}

# start ARGS - the server, with what its tests have in common
start()
{
	local i

	redis-server --port 0 --unixsocket redis.sock --save '' \
		--daemonize no --loglevel warning \
		--enable-debug-command local "$@" >server.log 2>&1 &
	server=$!
	for i in {1..100}; do
		[ "$(cli ping 2>/dev/null)" = PONG ] && return
		kill -0 $server 2>/dev/null || break
		sleep 0.1
	done
	cat server.log
	return 1
}

stop()
{
	cli shutdown nosave
	wait $server
}

run()
{
	local i

	start || return
	cli --pipe <"$IN/commands" | tail -n 1
	cli debug digest
	redis-benchmark -s redis.sock -n 8000 -c 20 -P 4 -d 100 -q \
		-t set,get,incr,lpush,rpop,sadd,hset,spop,zadd,lrange_100,mset \
		>bench.log || return
	cli bgsave
	for i in {1..100}; do
		cli info persistence | grep -q bgsave_in_progress:0 && break
		sleep 0.05
	done
	cli info persistence | grep rdb_last_bgsave_status
	cli debug reload
	cli del key:__rand_int__ myset myhash myzset
	cli llen mylist
	cli debug digest
	cli eval 'local t = {}
		for i = 1, 20000 do t[#t + 1] = tostring(i) end
		return #table.concat(t, ",")' 0
	cli flushall
	cli dbsize
	stop
}
