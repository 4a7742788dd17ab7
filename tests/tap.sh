# SPDX-License-Identifier: MIT
#
# tap.sh - the lines of TAP that scripts print; they read it first, and end by finish().

nr=0
bad=0

# What to print beside a case that failed; a script may have its own
explain()
{
	:
}

# A case that passes if the command succeeds; a number stands for the status of one
ok() # TITLE COMMAND..., or TITLE STATUS
{
	title=$1
	shift
	nr=$((nr + 1))
	case $* in
	*[!0-9]* | '') "$@" ;;
	*) [ "$1" -eq 0 ] ;;
	esac && {
		echo "ok $nr - $title"
		return
	}
	bad=1
	echo "not ok $nr - $title"
	explain
}

# For ok: what must fail
not() # COMMAND...
{
	! "$@"
}

skip() # TITLE WHY
{
	nr=$((nr + 1))
	echo "ok $nr - $1 # SKIP $2"
}

finish()
{
	echo "1..$nr"
	exit $bad
}
