# SPDX-License-Identifier: MIT
# xz -T2: two threads compress and decompress. A coder allocates a few large
# blocks and keeps them: less than two thousand allocations for the 2 MB.

allocs=1000

prepare()
{
	text 35000 >text
}

run()
{
	xz -T2 -4 --block-size=64KiB -c "$IN/text" >text.xz &&
		xz -T2 -dc text.xz | cksum
	xz -T2 -9e --block-size=512KiB -c "$IN/text" >text9.xz &&
		xz -T2 -t text9.xz
	xz --robot --list text.xz text9.xz
	head -c 300000 "$IN/text" | xz --format=lzma | xz -dc | cksum
}

verify()
{
	cksum text.xz text9.xz
}
