# SPDX-License-Identifier: MIT
# find: a tree of 6000 entries, expressions, regular expressions, -exec and
# deletion

prepare()
{
	local i

	for i in {1..60}; do
		mkdir -p "d$((i % 6))/e$((i % 10))/f$i"
		(cd "d$((i % 6))/e$((i % 10))/f$i" &&
			touch $(seq -f "file%03.0f.$i" 100))
	done
}

run()
{
	local i

	for i in 1 2 3 4; do
		find "$IN" -printf '%P %y %s %d\n' | sort | cksum
		find "$IN" -type f -regex '.*/file[0-9]*[37]\.[1-5]' -o \
			-type d -name 'f*' -newermt 1990-01-01 | sort | cksum
	done
	find "$IN/d1" -name '*.7' -exec echo {} + | wc -w
	cp -r "$IN/d2" .
	find d2 -depth -name '*[05].*' -delete -o -empty -print
	find d2 | wc -l
	find "$IN/d3" -name 'file00[1-3].*' -exec basename {} \; | sort
}
