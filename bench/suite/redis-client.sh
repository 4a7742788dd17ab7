#!/bin/bash
# SPDX-License-Identifier: MIT
#
# redis-client.sh - what the suite's redis-server is asked to do.
#
#	redis-client.sh DIRECTORY COMMANDS
#
# returns at once and works in the background, so that the server's time and
# memory are measured and the clients' are not: it waits for a server on
# DIRECTORY/redis.sock, fills it with COMMANDS, runs redis-benchmark, leaves the
# digest of what the server then holds in DIRECTORY/answer, and shuts it down.

cd "$1" || exit
commands=$2
rm -f redis.sock answer

cli()
{
	redis-cli -s redis.sock "$@"
}

{
	for ((i = 0; i < 500; i++)); do
		[ "$(cli ping)" = PONG ] && break
		sleep 0.01
	done
	cli --pipe <"$commands"
	redis-benchmark -s redis.sock -n 60000 -c 20 -P 8 -d 100 -q \
		-t set,get,incr,lpush,rpop,sadd,hset,spop,zadd,lrange_100,mset
	cli del key:__rand_int__ myset myhash myzset
	cli debug digest >answer
	cli shutdown nosave
} </dev/null >client.log 2>&1 &
