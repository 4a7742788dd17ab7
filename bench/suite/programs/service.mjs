// SPDX-License-Identifier: MIT
// service.mjs - a server with load and pauses: it takes requests, compresses what it answers,
// and waits. What it prints is the same in every run.
import { deflateSync, inflateSync } from "node:zlib";
import { setTimeout as sleep } from "node:timers/promises";

const PAUSES = [50, 300, 1000, 3000, 100, 50, 500];
const ROUNDS = 21;
const LOADS = [400, 40, 160];

// The body of request i: 40 to 100 KB of text
function body(i) {
	const line = `{"id":${i},"name":"row ${(i * 7919) % 997}"}\n`;

	return Buffer.from(line.repeat(1000 + ((i * 31) % 1500)));
}

// A request that is parsed, kept until the answer is sent, and answered compressed
function answer(i) {
	const text = body(i);
	const packed = deflateSync(text, { level: 1 });

	return { text, packed, rows: inflateSync(packed).length };
}

let total = 0;
for (let round = 0; round < ROUNDS; round++) {
	const open = [];

	for (let i = 0; i < LOADS[round % LOADS.length]; i++)
		open.push(answer(i));
	for (const a of open)
		total += a.rows;
	open.length = 0;
	await sleep(PAUSES[round % PAUSES.length]);
}
console.log(total);
