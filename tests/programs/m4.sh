# SPDX-License-Identifier: MIT
# m4: recursive macros, loops, long definitions, regular expressions and
# diversions

run()
{
	m4 "$IN/input" | cksum
}

prepare()
{
	cat >input <<-'END'
	changequote([,])dnl
	define([forloop], [pushdef([$1], [$2])_forloop($@)popdef([$1])])dnl
	define([_forloop],
	[$4[]ifelse($1, [$3], [], [define([$1], incr($1))$0($@)])])dnl
	define([fib],
	[ifelse(eval($1 < 2), 1, $1, [eval(fib(decr($1)) + fib(eval($1 - 2)))])])dnl
	define([reverse],
	[ifelse([$1], [], [], [reverse(substr([$1], 1))substr([$1], 0, 1)])])dnl
	fib(17)
	forloop([i], 1, 6000, [define([name]i, eval(i * 7919 % 1009))dnl
	divert(eval(i % 5 + 1))name[]i indir([name]i)
	])
	divert(0)
	forloop([i], 1, 2000, [patsubst(format([%05d-%x], i, i),
	[0+\([1-9]\)], [<\1>]) regexp([word]i, [\([0-9]+\)], [\1\1])
	])
	reverse(forloop([i], 1, 60, [i]))
	forloop([i], 1, 3000,
	[undefine([name]i)pushdef([stack], [value ]i)])stack
	forloop([i], 1, 2999, [popdef([stack])])stack
	undivert
	END
}
