# SPDX-License-Identifier: MIT
# node: typed arrays and buffers (whose memory comes from malloc), JSON, regular
# expressions, zlib, crypto, promises and the thread pool

run()
{
	node - <<-'END'
	const zlib = require('zlib'), crypto = require('crypto');
	const fs = require('fs').promises, util = require('util');
	const hash = s =>
	    crypto.createHash('sha256').update(s).digest('hex').slice(0, 16);
	const each = (n, f) => Array.from({ length: n }, (_, i) => f(i));
	let x = 1;
	const next = () => x = x * 16807 % 2147483647;

	const keep = [];
	let sum = 0;
	for (let i = 0; i < 60000; i++) {
	    const a = new Uint8Array(next() % 2000 + 64);
	    a[0] = a[a.length - 1] = i & 255;
	    keep[i % 500] = a;
	    sum += a[0] + a.length;
	}
	console.log(sum, hash(Buffer.concat(keep)));

	const rows = each(20000, i => ({
	    id: i, name: 'n' + next() % 999, tags: ['t' + i % 7, 'u' + i % 11],
	    nested: { v: next() % 100 } }));
	const text = JSON.stringify(rows);
	console.log(text.length, hash(JSON.stringify(JSON.parse(text))));
	const groups = new Map();
	for (const r of rows)
	    groups.set(r.name, [...(groups.get(r.name) || []), r.nested.v]);
	console.log(groups.size, hash([...groups].sort().join()));
	console.log(text.replace(/"n(\d)(\d*)"/g, '$2-$1').split(/u1?/).length);

	for (let i = 0; i < 200; i++) {
	    const part = zlib.gzipSync(text.slice(i * 100, i * 100 + 5000));
	    sum += zlib.gunzipSync(part).length;
	}
	for (let i = 0; i < 3000; i++)
	    sum += crypto.createHmac('sha1', 'k' + i).update('v').digest()[0];
	console.log(sum);

	const gzip = util.promisify(zlib.gzip);
	const gunzip = util.promisify(zlib.gunzip);
	(async () => {
	    const all = await Promise.all(each(100, i =>
	        gzip(text.slice(i * 50, i * 50 + 20000))));
	    const back = await Promise.all(all.map(b => gunzip(b)));
	    console.log(hash(Buffer.concat(back)));
	    await Promise.all(each(100, i =>
	        fs.writeFile('f' + i, text.slice(0, i * 100))));
	    const files = await Promise.all(each(100, i =>
	        fs.readFile('f' + i)));
	    console.log(hash(Buffer.concat(files)));
	})();
	END
}
