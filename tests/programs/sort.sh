# SPDX-License-Identifier: MIT
# sort --parallel=2: two threads, temporary files, keys, merging. Lines lie in
# one large buffer, so that malloc serves only files, keys and threads.

allocs=1000

prepare()
{
	numbers 200000 >numbers
	text 15000 >text
}

run()
{
	sort --parallel=2 -n "$IN/numbers" | cksum
	sort --parallel=2 -S 300K --batch-size=8 -u "$IN/text" | cksum
	sort --parallel=2 -S 200K --compress-program=gzip -t ' ' \
		-k 3,3r -k 2.2,2n -k 1,1 "$IN/text" | cksum
	sort -V "$IN/text" | sort -c -V &&
		sort -m <(sort "$IN/text") <(sort "$IN/numbers") | cksum
	sort --random-source="$IN/text" -R "$IN/numbers" | cksum
}
