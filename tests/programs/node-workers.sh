# SPDX-License-Identifier: MIT
# node: worker_threads, three times three isolates that exchange messages,
# transferred buffers and shared memory

needs=node

prepare()
{
	cat >workers.js <<-'END'
	const { Worker, isMainThread, parentPort, workerData } =
	    require('worker_threads');

	function answer(m) {
	    if (m === null)
	        return parentPort.close();
	    const sum = new Uint8Array(m.buffer).reduce((a, b) => a + b, 0);
	    const list = Array.from({ length: 50 }, (_, i) =>
	        ({ k: 'key' + i, v: new Uint8Array(100 + i) }));
	    Atomics.add(new Int32Array(workerData.shared), 0, sum);
	    parentPort.postMessage({ id: m.id, sum, list, back: m.buffer },
	        [m.buffer]);
	}

	function talk(w, shared, got) {
	    return new Promise((resolve, reject) => {
	        const worker = new Worker(__filename,
	            { workerData: { shared } });
	        let n = 0;
	        const send = () => {
	            const size = 500 + n * 10 + w;
	            const buffer = new Uint8Array(size).fill(n + w).buffer;
	            worker.postMessage({ id: w + '/' + n, buffer }, [buffer]);
	        };
	        worker.on('message', m => {
	            got.push([m.id, m.sum, m.list.length,
	                m.back.byteLength].join());
	            if (++n < 200)
	                send();
	            else
	                worker.postMessage(null);
	        });
	        worker.on('error', reject);
	        worker.on('exit', resolve);
	        send();
	    });
	}

	async function main() {
	    for (let round = 0; round < 3; round++) {
	        const shared = new SharedArrayBuffer(64), got = [];
	        await Promise.all([0, 1, 2].map(w => talk(w, shared, got)));
	        got.sort();
	        console.log(got.length, new Int32Array(shared)[0],
	            got.join().length, got[7]);
	    }
	}

	if (isMainThread)
	    main();
	else
	    parentPort.on('message', answer);
	END
}

run()
{
	node "$IN/workers.js"
}
