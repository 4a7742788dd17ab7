#!/bin/sh
# SPDX-License-Identifier: MIT
#
# redis-day.sh - a redis server on a day whose hours last a second: little at night, most in
# the evening. Values of up to 2 KB are set and expire.
#
#	redis-day.sh SECONDS	prints the number of keys that were set
#
# The server is this very process; who asks it is no child of it, and has no preload.

set -u
hours=${1:?redis-day.sh SECONDS}
folder=$(mktemp -d) || exit 1
socket=$folder/socket

# Thousands of values in each hour
load="2 1 1 1 2 4 8 14 20 24 22 20 18 20 24 26 30 36 40 36 28 16 8 4"

client()
{
	unset LD_PRELOAD QUERN_CONF MALLOC_CONF
	until redis-cli -s "$socket" ping >/dev/null 2>&1; do
		sleep 0.05
	done
	sum=0
	hour=0
	for thousands in $load; do
		[ "$hour" -lt "$hours" ] || break
		hour=$((hour + 1))
		sum=$((sum + thousands))
		value=$(head -c $((200 + hour * 75)) /dev/zero | tr '\0' x)
		redis-benchmark -q -s "$socket" -n ${thousands}000 -c 8 -P 16 \
			-r 1000000 SET key:__rand_int__ "$value" EX 2 \
			>/dev/null 2>&1
		sleep 0.5
	done
	echo "${sum}000"
	redis-cli -s "$socket" shutdown nosave
	rm -rf "$folder"
}

# Twice, so that it is nobody's child
(client &)
exec redis-server --port 0 --unixsocket "$socket" --save '' --appendonly no \
	--dir "$folder" --logfile "$folder/log" --hz 50
