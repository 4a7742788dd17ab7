# SPDX-License-Identifier: MIT
# curl: 2000 transfers from file:// by a range in the URL, then 200 in
# parallel

prepare()
{
	local i

	for i in {1..2000}; do
		echo "$i $((i * i))" >"$i.txt"
	done
	text 20000 >large
}

run()
{
	curl -q -sS -o 'out#1' "file://$IN/[1-2000].txt" && cat out* | cksum
	curl -q -sS -Z --no-progress-meter --parallel-max 20 -o 'par#1' \
		"file://$IN/[1-1000:5].txt" && cat par* | cksum
	curl -q -sS "file://$IN/large" | cksum
	curl -q -sS -r 1000-1999 "file://$IN/large" | cksum
	curl -q -sS -I "file://$IN/{1,22,333}.txt" | grep Length
	curl -q -s "file://$IN/absent"
	echo "status $?"
}
