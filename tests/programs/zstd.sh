# SPDX-License-Identifier: MIT
# zstd -T2: a dictionary trained from 800 files, all files compressed with it,
# one large one by two threads. Contexts are few and large: about ten
# allocations per file.

allocs=5000

prepare()
{
	mkdir files
	split -l 10 -a 3 <(text 8000) files/
	numbers 200000 >large
}

run()
{
	zstd -q --train -o dict --maxdict=20000 -T2 "$IN"/files/*
	cp -r "$IN/files" .
	zstd -q -19 -D dict --rm files/* && cat files/*.zst | cksum
	zstd -q -d -D dict --rm files/*.zst && cat files/* | cksum
	zstd -q -T2 -12 -B256K -c "$IN/large" >large.zst &&
		zstd -q -T2 -dc large.zst | cksum
	zstd -q -T2 --long -c "$IN/large" | zstd -q -dc | cksum
}

verify()
{
	cksum dict large.zst
}
