#!/bin/sh
# SPDX-License-Identifier: MIT
#
# m-misuse.sh - runs each m-*.c and holds it to its message.
#
# A program prints the pointer that it misuses and is then to be stopped by
# SIGABRT with one line on stderr, "quern: FUNCTION(POINTER): MESSAGE". Function
# and message stand in its line "Expected: FUNCTION: MESSAGE". Each is run once more
# with fences, where the line "Fenced: ..." holds if there is one, and with each level of the
# hardened mode, which says the same as fences and then more, behind a semicolon.

. "$(dirname "$0")/../x.sh"

# The messages name the pointer as printf's %p does. Which of two messages a
# double free gets depends on where a list was cut for the sampler: a seed.
held() # program, settings, line: whether it ended as it must
{
	expected=$(sed -n "s/^ \* $3: //p" "$here/$1.c")
	(exec timeout -k 5 60 env LD_PRELOAD="$lib" QUERN_CONF="seed:1,$2" \
		"$tmp/$1" >"$tmp/out" 2>"$tmp/err")
	status=$?
	function=${expected%%: *}
	echo "quern: $function($(cat "$tmp/out")): ${expected#*: }" >"$tmp/want"
	sed 's/;.*//' "$tmp/err" >"$tmp/said"
	[ $status -eq 134 ] && cmp -s "$tmp/want" "$tmp/said"
}

one() # program, settings, line
{
	# In files apart: what the program says, what the shell says of it
	held "$1" "$2" "$3" 2>"$tmp/shell"
	result=$?
	ok "$1, $2" $result
	[ $result -eq 0 ] || {
		echo "# exit status $status; wanted, got:"
		show "$tmp/want"
		show "$tmp/err"
	}
}

ulimit -c 0
for source in "$here"/m-*.c; do
	name=$(basename "$source" .c)
	must $cc $flags -w -o "$tmp/$name" "$source" -lpthread
	one "$name" fence:0 Expected
	fenced=$(sed -n 's/^ \* \(Fenced\): .*/\1/p' "$source")
	for settings in fence:1000 hard:1 hard:2; do
		one "$name" $settings "${fenced:-Expected}"
	done
done
finish
