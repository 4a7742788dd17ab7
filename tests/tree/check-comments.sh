#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-comments.sh - comments and documents name files that exist. Whoever moves a file
# finds here which words still send readers to its old place.
#
# A name is a word that ends like a source, by itself or with some of its folders. Names
# with a placeholder (t-NAME.c, policy-*.c, my-board.ld) are left alone, and so are headers
# that the tree includes from elsewhere.
#
# A line of a comment in C has 100 columns at most: clang-format breaks code alone. Weights are
# generated.

set -u
cd "${srcdir:?run by make check}" || exit 99

# Files of others: FreeRTOS, and programs in examples
foreign='FreeRTOSConfig.h heap_1.c heap_4.c heap_5.c main.cc words.cc'

files=$(mktemp) || exit 99
trap 'rm -f "$files"' EXIT
find . \( -name .git -o -name build \) -prune -o -type f -print |
	sed 's|^\./||' >"$files"

grep -E '^[^/]*\.(md|ac|am)$|^(embedded|bench)/.*\.md$|^(lib|preload|embedded|plugin|bench|tests)/.*(\.(c|cc|h|sh|py|awk|ld|mk|cmake|case)|Makefile\.inc)$' \
	"$files" | grep -vE '^(tests/tree/check-comments\.sh|bench/RESULTS\.md)$' |
	sort | xargs awk -v foreign="$foreign" -v files="$files" '
# Every end of a path, from each of its folders on, names the file
function add_ends(path)
{
	known[path] = 1
	while (sub(/^[^\/]*\//, "", path))
		known[path] = 1
}
# The part of a line of C that is in a comment
function comment_of(line,    said, at)
{
	said = ""
	while (line != "") {
		if (inside) {
			at = index(line, "*/")
			said = said " " (at ? substr(line, 1, at - 1) : line)
			line = at ? substr(line, at + 2) : ""
			inside = !at
		} else if (match(line, /\/\*|\/\//)) {
			inside = substr(line, RSTART, 2) == "/*"
			line = substr(line, RSTART + 2)
			if (!inside)
				return said " " line
		} else {
			line = ""
		}
	}
	return said
}
function look(text,    word, before, after)
{
	while (match(text, /[A-Za-z0-9_.\/+-]*[A-Za-z0-9_+-]\.(c|cc|h|sh|py|awk|ld)/)) {
		word = substr(text, RSTART, RLENGTH)
		before = RSTART > 1 ? substr(text, RSTART - 1, 1) : ""
		after = substr(text, RSTART + RLENGTH, 1)
		text = substr(text, RSTART + RLENGTH)
		if (after ~ /[A-Za-z0-9_*]/ || before ~ /[*>}<\]$~]/)
			continue
		sub(/^(\.\.?\/)+/, "", word)
		sub(/^(build|quern|path\/to\/quern)\//, "", word)
		if (word ~ /[A-Z][A-Z]|^\/|^my-/)
			continue
		if (!(word in known)) {
			print FILENAME ":" FNR ": there is no " word
			bad = 1
		}
	}
}
BEGIN {
	while ((getline path <files) > 0)
		add_ends(path)
	nr = split(foreign, list, " ")
	for (i = 1; i <= nr; i++)
		known[list[i]] = 1
	# Included from elsewhere; quern-config.h is made by the user
	command = "grep -rhE \"^# *include *<\" lib preload embedded plugin bench tests"
	while ((command | getline path) > 0) {
		gsub(/^.*<|>.*$/, "", path)
		known[path] = 1
	}
}
FNR == 1 {
	inside = 0
	is_c = FILENAME ~ /\.(c|cc|h|ld)$/
	is_text = FILENAME ~ /\.md$/
}
is_text || (!is_c && /^[ \t]*#/) { look($0) }
is_c {
	said = comment_of($0)
	look(said)
	if (said != "" && length($0) > 100 && FILENAME !~ /weights-/) {
		print FILENAME ":" FNR ": a comment of " length($0) " columns"
		bad = 1
	}
}
END { exit bad }'
