# SPDX-License-Identifier: MIT
# python3: libraries loaded and unloaded by dlopen while threads run; libc's
# malloc family, sqlite3 and zlib called through ctypes, blocks freed on
# either side

needs=python3
export PYTHONMALLOC=malloc PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1

run()
{
	python3 - <<-'END'
	import ctypes, sqlite3, threading, zlib, _ctypes
	c = ctypes.CDLL(None)
	for f in (c.malloc, c.calloc, c.realloc, c.strdup, c.aligned_alloc):
	    f.restype = ctypes.c_void_p
	c.free.argtypes = c.malloc_usable_size.argtypes = [ctypes.c_void_p]
	c.realloc.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
	c.malloc.argtypes = [ctypes.c_size_t]
	c.calloc.argtypes = [ctypes.c_size_t, ctypes.c_size_t]
	c.aligned_alloc.argtypes = c.calloc.argtypes
	def churn(seed, out):
	    live, total, x = {}, 0, seed
	    for i in range(4000):
	        x = x * 16807 % 2147483647
	        slot, size = x % 64, x // 64 % 3000 + 1
	        if slot in live:
	            p, n = live.pop(slot)
	            assert ctypes.string_at(p, n) == bytes([slot]) * n
	            if x & 1024:
	                p = c.realloc(p, size)
	                n = min(n, size)
	                assert ctypes.string_at(p, n) == bytes([slot]) * n
	                n = size
	            c.free(p)
	            total += n
	        else:
	            if x % 3 == 2:
	                p = c.aligned_alloc(64, size + 63 & ~63)
	            else:
	                p = c.calloc(1, size) if x % 3 else c.malloc(size)
	            assert p and p % (16 if size > 8 else 8) == 0
	            assert c.malloc_usable_size(p) >= size
	            ctypes.memset(p, slot, size)
	            live[slot] = p, size
	    for p, n in live.values(): c.free(p)
	    out.append(total)
	out = []
	threads = [threading.Thread(target=churn, args=(s, out))
	           for s in range(1, 5)]
	for t in threads: t.start()
	names = ["bz2.so.1.0", "lzma.so.5", "sqlite3.so.0", "expat.so.1",
	         "ncursesw.so.6", "readline.so.8", "ssl.so.3", "ffi.so.8",
	         "stdc++.so.6"]
	for i in range(60):
	    for n in names:
	        _ctypes.dlclose(ctypes.CDLL("lib" + n)._handle)
	for t in threads: t.join()
	print(sorted(out))
	z = ctypes.CDLL("libz.so.1")
	z.zlibVersion.restype = ctypes.c_char_p
	for i in range(300):
	    data = (b"%d," % i) * 200
	    size = ctypes.c_ulong(10000)
	    buf = ctypes.create_string_buffer(10000)
	    assert z.compress(buf, ctypes.byref(size), data, len(data)) == 0
	    assert zlib.decompress(buf.raw[:size.value]) == data
	db = sqlite3.connect(":memory:")
	db.execute("create table t(a integer primary key, b text)")
	db.executemany("insert into t values(?, ?)",
	               ((i, "x" * (i % 50)) for i in range(5000)))
	print(db.execute("select count(*), sum(length(b)) from t").fetchone())
	END
}
