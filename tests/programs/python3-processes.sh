# SPDX-License-Identifier: MIT
# python3: subprocesses, and fork of a process whose other threads are
# allocating

needs=python3
export PYTHONMALLOC=malloc PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1

run()
{
	python3 - <<-'END'
	import hashlib, multiprocessing, os, subprocess, sys, threading
	def work(n):
	    d = {str(i): [i] * (i % 9) for i in range(n)}
	    return hashlib.sha1(repr(sorted(d.items())).encode()).hexdigest()
	stop = threading.Event()
	def churn():
	    keep = []
	    while not stop.is_set():
	        keep = [str(i) * 3 for i in range(200)] + keep[:100]
	noise = [threading.Thread(target=churn) for _ in range(2)]
	for t in noise: t.start()
	sys.stdout.flush()
	for i in range(25):
	    r, w = os.pipe()
	    pid = os.fork()
	    if not pid:
	        os.write(w, work(1000 + i).encode())
	        os._exit(i)
	    os.close(w)
	    text = os.read(r, 100).decode()
	    os.close(r)
	    print(text, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	stop.set()
	for t in noise: t.join()
	with multiprocessing.get_context("fork").Pool(3) as pool:
	    print(*pool.map(work, range(1000, 1024)), sep="\n")
	for i in range(12):
	    text = "\n".join(str(j * 7919 % 4001) for j in range(2000))
	    p = subprocess.run(["sort", "-n"], input=text,
	                       capture_output=True, text=True, check=True)
	    print(hashlib.sha1(p.stdout.encode()).hexdigest())
	code = "import json; print(len(json.dumps(list(range(%d)))))"
	many = [subprocess.Popen([sys.executable, "-c", code % n],
	                         stdout=subprocess.PIPE, text=True)
	        for n in range(20000, 20004)]
	print([p.communicate()[0].strip() for p in many])
	END
}
