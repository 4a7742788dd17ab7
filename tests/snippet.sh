# SPDX-License-Identifier: MIT
#
# snippet.sh - what README files show, as it stands: read by scripts that run it. $readme is the
# file.

# The Nth block of a language
snippet() # LANGUAGE N
{
	awk -v fence='```'"$1" -v want="$2" '
	$0 == fence { inside = ++nr == want; next }
	/^```/ { inside = 0 }
	inside' "$readme"
}
