# SPDX-License-Identifier: MIT
# redis-server with I/O threads and a background freeing thread under a
# benchmark that uses two threads itself; keys are freed by another thread
# than the one that made them

needs="redis-server redis-benchmark redis-cli"
counts="redis-server redis-benchmark"

. "${BASH_SOURCE%/*}/redis.sh"

run()
{
	local i

	start --io-threads 2 --io-threads-do-reads yes \
		--lazyfree-lazy-user-del yes || return
	redis-benchmark -s redis.sock --threads 2 -n 30000 -c 30 -P 16 \
		-d 600 -q -t set,get,lpush,mset >bench.log || return
	cli del mylist
	for i in 1 2 3; do
		cli --pipe <"$IN/commands" | tail -n 1
		cli eval 'for i = 0, 299 do redis.call("unlink", "h" .. i) end
			for i = 0, 99 do redis.call("unlink", "z" .. i) end
			return redis.call("dbsize")' 0
	done
	cli flushall async
	cli --pipe <"$IN/commands" | tail -n 1
	cli debug digest
	stop
}
