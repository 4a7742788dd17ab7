# SPDX-License-Identifier: MIT
# python3: 8 threads with queues, futures and a thread that comes and goes

needs=python3
export PYTHONMALLOC=malloc PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1

run()
{
	python3 - <<-'END'
	import concurrent.futures, hashlib, queue, sys, threading, zlib
	sys.setswitchinterval(0.0005)
	def work(seed):
	    rows = {}
	    for i in range(400):
	        key = "%d-%d" % (seed, i * 7919 % 1000)
	        rows[key] = [key * (i % 5), {"n": i}, bytes(i)]
	    h = hashlib.sha256()
	    for k in sorted(rows):
	        h.update(repr(rows[k]).encode())
	    return h.hexdigest()
	with concurrent.futures.ThreadPoolExecutor(8) as pool:
	    for r in pool.map(work, range(60)):
	        print(r)
	todo, done = queue.Queue(), queue.Queue()
	def server():
	    while (item := todo.get()) is not None:
	        done.put((item[0], zlib.compress(item[1] * 50)))
	servers = [threading.Thread(target=server) for _ in range(4)]
	for t in servers: t.start()
	for i in range(1500): todo.put((i, ("%d " % i * 20).encode()))
	for t in servers: todo.put(None)
	for t in servers: t.join()
	got = dict(done.get() for i in range(1500))
	print(len(got), sum(len(zlib.decompress(v)) for v in got.values()))
	box = []
	for i in range(300):
	    work = lambda: box.append([str(j) for j in range(i)])
	    t = threading.Thread(target=work)
	    t.start()
	    t.join()
	print(sum(map(len, box)))
	END
}
