// SPDX-License-Identifier: MIT
// Buffers and typed arrays, whose memory comes from malloc, JSON, zlib, crypto.
'use strict';
const zlib = require('zlib');
const crypto = require('crypto');

const hash = (s) => crypto.createHash('sha256').update(s).digest('hex');
let x = 1;
const random = (n) => (x = x * 16807 % 2147483647) % n;

const kept = [];
let sum = 0;
for (let i = 0; i < 200000; i++) {
	const a = new Uint8Array(random(2000) + 64);
	a[0] = a[a.length - 1] = i & 255;
	kept[i % 2000] = a;
	sum += a[0] + a.length;
}
console.log(sum, hash(Buffer.concat(kept)));

const rows = Array.from({ length: 30000 }, (_, i) => ({
	id: i,
	name: 'n' + random(999),
	tags: ['t' + i % 7, 'u' + i % 11],
}));
const text = JSON.stringify(rows);
console.log(text.length, hash(JSON.stringify(JSON.parse(text))));

for (let i = 0; i < 1500; i++) {
	const at = i * 500 % text.length;
	const packed = zlib.gzipSync(text.slice(at, at + 5000), { level: 1 });
	sum += zlib.gunzipSync(packed).length;
}
for (let i = 0; i < 20000; i++)
	sum += crypto.createHmac('sha1', 'k' + i).update('v').digest()[0];
console.log(sum);
