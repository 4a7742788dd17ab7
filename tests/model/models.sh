#!/bin/bash
# SPDX-License-Identifier: MIT
#
# models.sh - spin goes through all states of each model beside it, and through those of
# its weakened variants: make models.
#
# The comment of a model names its variants. A variant WEAK_NAME must fail: it is the
# control of the check. A variant LIMIT_NAME fails as well: it shows what quern does not
# promise.
#
# usage: models.sh [MODEL...]

set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../tap.sh"

command -v spin >/dev/null || {
	echo "models.sh: spin is not installed (Debian: apt-get install spin)" >&2
	exit 77
}
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 99

explain()
{
	grep -E '^(pan|error|spin):|errors:' out | sed 's/^/#   /'
}

# All states of a model; what comes of it is in the file out. Return: 0, no error; 1, some.
search() # FILE FLAGS...
{
	local model=$1 ends=

	shift
	# Such a model tells itself who is not at an end
	grep -q '^	timeout;' "$model" && ends=-E
	rm -f pan pan.* out ./*.trail
	spin -a "$@" "$model" >out 2>&1 &&
		${CC:-cc} -O1 -w -DSAFETY -DCOLLAPSE -DVECTORSZ=2048 -o pan pan.c >>out 2>&1 || return 2
	./pan $ends -m1000000 >out 2>&1
	grep -q 'errors: 0$' out && ! grep -q 'max search depth too small' out && return 0
	grep -q 'errors: [1-9]' out || return 2
	return 1
}

states()
{
	awk '/states, stored/ && !n { n = $1 } END { print n }' out
}

fails()
{
	search "$@"
	[ $? -eq 1 ]
}

check()
{
	local model=$1 name

	name=$(basename "$model" .pml)
	ok "$name: all states are sound" search "$model"
	echo "# $(states) states"
	for variant in $(grep -oE '^ \*	(WEAK|LIMIT)_[A-Z]+|	LIMIT_[A-Z]+|: LIMIT_[A-Z]+' \
		"$model" | grep -oE '(WEAK|LIMIT)_[A-Z]+' | sort -u); do
		ok "$name: $variant is found" fails "$model" "-D$variant"
	done
}

[ $# -gt 0 ] || set -- "$here"/*.pml
for model; do
	check "$model"
done
finish
