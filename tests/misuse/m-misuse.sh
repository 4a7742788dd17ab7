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
#
# With on_error:report and ignore a program goes on to its end where its line "Goes on: SETTINGS"
# names the settings: a request is refused before anything is changed. Else it ends as above.

. "$(dirname "$0")/../x.sh"

# The messages name the pointer as printf's %p does. Which of two messages a
# double free gets depends on where a list was cut for the sampler: a seed.
held() # program, settings, line, [exit status]: whether it ended as it must
{
	expected=$(sed -n "s/^ \* $3: //p" "$here/$1.c")
	(exec timeout -k 5 60 env LD_PRELOAD="$lib" QUERN_CONF="seed:1,$2" \
		"$tmp/$1" >"$tmp/out" 2>"$tmp/err")
	status=$?
	function=${expected%%: *}
	echo "quern: $function($(cat "$tmp/out")): ${expected#*: }" >"$tmp/want"
	sed 's/;.*//' "$tmp/err" >"$tmp/said"
	[ $status -eq "${4-134}" ] && cmp -s "$tmp/want" "$tmp/said"
}

# The same, where nothing is to be said
silent() # program, settings
{
	(exec timeout -k 5 60 env LD_PRELOAD="$lib" QUERN_CONF="seed:1,$2" \
		"$tmp/$1" >"$tmp/out" 2>"$tmp/err")
	status=$?
	echo "nothing, exit status 0" >"$tmp/want"
	[ $status -eq 0 ] && [ ! -s "$tmp/err" ]
}

one() # held|silent, program, settings...
{
	# In files apart: what the program says, what the shell says of it
	"$@" 2>"$tmp/shell"
	result=$?
	ok "$2, $3" $result
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
	one held "$name" fence:0 Expected
	fenced=$(sed -n 's/^ \* \(Fenced\): .*/\1/p' "$source")
	for settings in fence:1000 hard:1 hard:2; do
		one held "$name" $settings "${fenced:-Expected}"
	done
	lenient=$(sed -n 's/^ \* Goes on: //p' "$source")
	for settings in fence:0 fence:1000; do
		line=${fenced:-Expected}
		[ $settings != fence:0 ] || line=Expected
		case " $lenient " in
		*" $settings "*)
			one held "$name" $settings,on_error:report "$line" 0
			one silent "$name" $settings,on_error:ignore
			;;
		*) one held "$name" $settings,on_error:report "$line" ;;
		esac
	done
done
finish
