#!/bin/bash
# SPDX-License-Identifier: MIT
#
# controls.sh - can every check fail? make check-controls
#
#	controls.sh [CHECK...]		all by default: names of tests, or parts of them
#
# A row of controls.txt is a check, a file, and what sed does to it. In a copy of the tree the
# check must pass as it is and fail with the change. The table has a line for each row; then come
# the checks without a row. A row takes 10 seconds on average, all of them half an hour.
# BASE=no leaves out the runs without a change; the copy lies in FOLDER.

set -u
: "${srcdir:?run by make check-controls}" "${builddir:?run by make check-controls}"
here=$srcdir/tests/controls
make=${MAKE:-make}
all=${FOLDER:-$builddir/controls}
tree=$all/tree
unset MAKEFLAGS MFLAGS MAKELEVEL

# Of names, those of files that the copy has not as they are: they are new to its make. The last
# row's file is as it was, and newer than what was made of the change.
changed()
{
	while IFS= read -r -d '' file; do
		cmp -s "$file" "$tree/$file" || printf '%s\0' "$file"
	done
}

# The sources, and a build of them that make brings up to date
copy()
{
	local first=

	[ -f "$tree/build/Makefile" ] || first=yes
	mkdir -p "$tree" && git -C "$srcdir" ls-files -z --cached --others --exclude-standard |
		(cd "$srcdir" && if [ -n "$first" ]; then cat; else changed; fi |
			xargs -0 -r cp ${first:+-p} --parents -t "$tree") || return 1
	(cd "$srcdir" && cp -p configure aclocal.m4 Makefile.in "$tree" &&
		cp -rp build-aux "$tree") || return 1
	[ -e "$tree/.git" ] || git -C "$tree" init -q
	[ -f "$tree/.gitignore" ] && git -C "$tree" add -A || return 1
	[ -f "$tree/build/Makefile" ] || {
		mkdir -p "$tree/build" && (cd "$builddir" &&
			tar -c --exclude=./controls --exclude=./coverage --exclude=./ports \
				--exclude=./fuzz --exclude='./rust*' . | tar -x -C "$tree/build")
	} || return 1
	# Paths in it are this copy's
	(cd "$tree/build" && sed "s|^ac_pwd=.*|ac_pwd='$PWD'|" config.status >"$all/status" &&
		{ cmp -s "$all/status" config.status || cat "$all/status" >config.status; } &&
		./config.status >/dev/null 2>&1)
}

# What make builds for a check
command='libquern.so libquern-record.so libquern-engines.so libquern-tokens.so quern'
targets() # CHECK
{
	case $1 in
	tests/tree/check-install.sh | tests/tree/check-symbols.sh) echo all ;;
	tests/tree/*) echo Makefile ;;
	tests/process/x-examples.sh | tests/process/x-learning.sh | tests/process/x-manual.sh | \
		tests/process/x-paper.sh | tests/process/x-readme.sh)
		# What these run is built for checks alone
		echo check TESTS= bench/learning/evidence bench/pair
		;;
	tests/process/x-bench.sh | tests/process/x-memory.sh | tests/process/x-pair.sh | \
		tests/process/x-start.sh)
		echo $command bench/{measure,memory,pair,rounds,workloads,clock.so,slow-clock.so}
		;;
	tests/process/*.sh | tests/misuse/*) echo $command ;;
	tests/faults/*) echo libquern.so tests/faults/deny tests/faults/trouble ;;
	tests/soak/*) echo libquern.so tests/soak/storm ;;
	*.sh) echo check TESTS= ;;
	tests/unit/* | tests/stress/* | tests/model/*) echo "$1" ;;
	*) echo libquern.so libquern.a libquern-heap.a "$1" ;;
	esac
}

build() # CHECK
{
	$make -s -C "$tree/build" -j2 V=0 $(targets "$1") >"$all/make.log" 2>&1
}

# As make check would run it; who hangs has noticed something as well
run() # CHECK SECONDS
{
	local path=$1

	[ "${1%.sh}" = "$1" ] || path=$tree/$1
	(
		cd "$tree/build" || exit 99
		# Compilers and emulators are those of the build
		srcdir=$tree builddir=$PWD QUERN_LIB=$PWD/libquern.so QUERN_SO=$PWD/libquern.so
		QUERN=$PWD/quern
		export srcdir builddir QUERN_LIB QUERN_SO QUERN
		# What is broken may ask for memory without end: then it is what the system ends
		echo 1000 >/proc/self/oom_score_adj
		CMOCKA_MESSAGE_OUTPUT=TAP timeout -k 5 "$2" "$path" >"$all/run.log" 2>&1 </dev/null
	)
}

# A check fails by its status, or by a case of TAP
is_failed() # STATUS
{
	case $1 in
	0) grep -q '^not ok' "$all/run.log" ;;
	77) return 1 ;;
	*) return 0 ;;
	esac
}

# What it says of that
said()
{
	grep -m 1 '^not ok' "$all/run.log" | sed -E 's/^not ok *[0-9]*[- ]*/    by: /' | cut -c 1-100
}

tell() # RESULT CHECK FILE CHANGE
{
	printf '%-8s %-36s %-34s %s\n' "$@"
}

nr=0
bad=0
complain() # RESULT CHECK FILE CHANGE
{
	bad=$((bad + 1))
	tell "$@"
}

has_passed=' '
# Return: 0 if it passes as it is
base() # CHECK
{
	[ "${BASE:-}" != no ] || return 0
	case $has_passed in
	*" $1 "*) return 0 ;;
	esac
	build "$1" || return 1
	run "$1" 600
	is_failed $? && return 1
	has_passed+="$1 "
}

control() # CHECK FILE CHANGE
{
	nr=$((nr + 1))
	base "$1" || {
		complain BASE "$@"
		return
	}
	cp -p "$tree/$2" "$all/kept" || exit 99
	sed -i "$3" "$tree/$2"
	if cmp -s "$tree/$2" "$all/kept"; then
		complain NOTHING "$@"
	elif ! build "$1"; then
		complain COMPILE "$@"
	else
		run "$1" 120
		if is_failed $?; then
			tell noticed "$@"
			said
		else
			complain UNSEEN "$@"
		fi
	fi
	cat "$all/kept" >"$tree/$2"
}

is_wanted() # CHECK
{
	local name

	[ $# -gt 1 ] || return 0
	for name in "${@:2}"; do
		case $1 in
		*"$name"*) return 0 ;;
		esac
	done
	return 1
}

# Those that other controls break: models and fuzzers by mutants.txt
without_row()
{
	local check

	for check in $($make -s -C "$tree/build" list-tests LIST='$(TESTS)'); do
		case $check in
		*.asan | *.tsan | *.elf | tests/model/* | tests/fuzz/*) continue ;;
		esac
		grep -q "^$check|" "$here/controls.txt" || echo "no row: $check"
	done
}

mkdir -p "$all" && copy || {
	echo "controls.sh: the tree cannot be copied to $tree" >&2
	exit 99
}
# Who edits rows meanwhile changes the next run
cp "$here/controls.txt" "$all/rows" || exit 99
tell result check file change
while IFS='|' read -r check file change; do
	case $check in
	'#'* | '') continue ;;
	esac
	is_wanted "$check" "$@" && control "$check" "$file" "$change"
done <"$all/rows"
[ $# -gt 0 ] || without_row
echo "$nr rows, $bad not noticed"
[ $bad = 0 ]
