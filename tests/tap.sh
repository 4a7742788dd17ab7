# SPDX-License-Identifier: MIT
#
# tap.sh - to be read by scripts that check with commands: ok() prints a line of TAP.

ok() # TITLE COMMAND...
{
	title=$1
	shift
	nr=$((nr + 1))
	if "$@"; then
		echo "ok $nr - $title"
	else
		echo "not ok $nr - $title"
		bad=1
	fi
}
