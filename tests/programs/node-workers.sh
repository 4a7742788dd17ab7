# SPDX-License-Identifier: MIT
# node: worker_threads, three times three isolates that exchange messages, transferred
# buffers and shared memory
needs=node

prepare()
{
	cat >workers.js <<-'END'
	const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
	if (!isMainThread) {
		const shared = new Int32Array(workerData.shared);
		parentPort.on('message', m => {
			if (m === null) return parentPort.close();
			const a = new Uint8Array(m.buffer);
			let s = 0;
			for (const v of a) s += v;
			const list = Array.from({ length: 50 }, (_, i) => ({ k: 'key' + i, v: new Uint8Array(100 + i) }));
			Atomics.add(shared, 0, s);
			parentPort.postMessage({ id: m.id, s, list, back: m.buffer }, [m.buffer]);
		});
	} else (async () => {
		for (let round = 0; round < 3; round++) {
			const shared = new SharedArrayBuffer(64);
			const got = [];
			await Promise.all(Array.from({ length: 3 }, (_, w) => new Promise((resolve, reject) => {
				const worker = new Worker(__filename, { workerData: { shared } });
				let n = 0;
				const send = () => {
					const buffer = new Uint8Array(500 + n * 10 + w).fill(n + w).buffer;
					worker.postMessage({ id: w + '/' + n, buffer }, [buffer]);
				};
				worker.on('message', m => {
					got.push(m.id + ':' + m.s + ':' + m.list.length + ':' + m.back.byteLength);
					if (++n < 200) send(); else worker.postMessage(null);
				});
				worker.on('error', reject);
				worker.on('exit', resolve);
				send();
			})));
			console.log(got.length, new Int32Array(shared)[0], got.sort().join().length, got[7]);
		}
	})();
	END
}

run()
{
	node "$IN/workers.js"
}
