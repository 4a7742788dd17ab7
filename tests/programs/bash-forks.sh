# SPDX-License-Identifier: MIT
# bash: subshells, command substitutions, pipelines and background jobs, which
# makes some 1800 processes that all allocate after fork

needs=bash

run()
{
	local i sum=0

	for i in {1..300}; do
		sum=$((sum + $(echo $((i * i % 97)) | cat)))
		(x=${sum//1/one} && : "${x@Q}")
		[ $((i % 25)) != 0 ] || { sleep 0 & wait $!; }
	done
	echo $sum
	for i in {1..8}; do
		(for j in {1..50}; do list+=($(echo $((i * j)))); done
		echo "${#list[@]} ${list[*]}" | cksum >"part$i") &
	done
	wait
	cat part*
}
